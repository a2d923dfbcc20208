"""The run's one live card: what is wanted, by whom, how far it may go, what it is doing now, and how to stop it."""

import re

from domain.decisions import Constraints, PolicyDecision, Reason
from domain.outcomes import Outcome
from domain.runs import CallRecord, CallStatus, Run, Status
from handlers.slack.show import kit
from handlers.slack.show.limits import PIECE
from handlers.slack.show.message import Message, banner
from handlers.slack.show.text import asked, brief, clip, duration, one_line, plural, size, visible

_GOAL = 2_000
_DOING = 600
_RULES = 5

_GAPS = re.compile(r"\n(?:[ \t]*\n){2,}")

_TITLES = {
    Status.NEW: "Received",
    Status.DECIDING: "Asking policy",
    Status.REASONING: "Working",
    Status.PROPOSED: "Working",
    Status.AWAITING_APPROVAL: "Waiting for a countersignature",
    Status.APPROVED: "Working",
    Status.ACTING: "Working",
    Status.WAITING: "Waiting",
    Status.AWAITING_ANSWER: "Waiting for an answer",
    Status.IN_DOUBT: "Making sure what happened",
}
_ENDS = {
    Outcome.SUCCEEDED: "✓ Done",
    Outcome.FAILED: "✗ Failed",
    Outcome.DENIED: "⊘ Refused by policy",
    Outcome.STOPPED: "■ Stopped",
    Outcome.ESCALATED: "⚑ Handed to people",
}


def card(run: Run, *, unconfined: bool = False, stopped: bool = False) -> Message:
    """The card as it should look now. A longer goal is whole in Details; nothing here is what anyone approves."""
    title = headline(run)
    goal = run.received.goal or f"{run.received.type} from {run.received.trigger.source}"
    shown = clip(visible(goal[: _GOAL + 1]), _GOAL)
    blocks = [
        *kit.header(title),
        *kit.lines(kit.say(shown, bold=True)),
        *kit.lines(*_facts(run)),
        *_now(run),
        *kit.context(_small(run)),
        *banner(unconfined=unconfined, stopped=stopped and run.status is not Status.FINISHED),
        *kit.actions(*buttons(run)),
    ]
    return Message(text=f"{title}: {brief(goal, 300)} ({run.run_id})", blocks=blocks)


def headline(run: Run) -> str:
    """The status in words."""
    if run.status is Status.FINISHED and run.outcome is not None:
        return _ENDS[run.outcome]
    if run.held_by:
        return "✋ Taken over by a person"
    if run.stopping:
        return "■ Stopping"
    waiting = _awaiting(run)
    title = _TITLES.get(run.status, str(run.status)) if waiting is None else _asking(waiting)
    return f"{'⏸ Paused · ' if run.paused else ''}{title}"


def doing(run: Run) -> str:
    """What it is doing now, in a line."""
    waiting = _awaiting(run)
    acting = [one_line(f"{r.call.tool} {r.call.resource or ''}").strip() for r in run.in_flight]
    if run.status is Status.FINISHED:
        return run.summary
    if acting:
        return f"running {', '.join(acting)}"
    if run.in_doubt:
        return f"finding out whether {run.in_doubt[0].call.tool} happened"
    if waiting is not None:
        return request_line(waiting)
    if run.open_question is not None:
        return run.open_question.question
    if run.waiting_for is not None:
        return run.waiting_for.why
    if run.status is Status.DECIDING:
        return "policy is asked how far this may go"
    return run.rationale or "thinking about the next step"


def buttons(run: Run) -> list[kit.Element]:
    """What may be pressed in this state."""
    details = kit.button("Details", "details", run.run_id)
    if run.status is Status.FINISHED:
        return [details]
    if run.stopping:
        return [details]
    pause = kit.button("Resume" if run.paused else "Pause", "resume" if run.paused else "pause", run.run_id)
    sure = kit.confirm("Stop this run?", "What is under way ends; nothing new starts. It cannot be resumed.", "Stop it")
    stop = kit.button("Stop", "stop", run.run_id, style="danger", confirm=sure)
    return [pause, kit.button("Redirect", "redirect", run.run_id), stop, details]


def request_line(record: CallRecord) -> str:
    """Who is asked for what: `someone of group sre is asked: Restart web.`"""
    needs = record.request.requirements if record.request else ()
    who = " and ".join(asked(each.approvers, each.count) for each in needs[:5]) or "a person"
    call = record.call
    what = call.preview.summary if call.preview else f"{call.tool} on {call.resource or 'an unknown target'}"
    frozen = "Frozen now. " if record.frozen else ""
    return f"{frozen}{who} {'is' if len(needs) < 2 and all(n.count == 1 for n in needs) else 'are'} asked: {what}"


def limit_words(limits_: Constraints) -> list[str]:
    """The effective limits in words; what has no limit is not named."""
    found = [
        f"{limits_.max_iterations} iterations" if limits_.max_iterations is not None else "",
        f"{duration(limits_.timeout_s)} of work" if limits_.timeout_s is not None else "",
        f"{duration(limits_.deadline_s)} in all" if limits_.deadline_s is not None else "",
        f"${limits_.budget_usd:.2f}" if limits_.budget_usd is not None else "",
        f"{limits_.max_actions} actions" if limits_.max_actions is not None else "",
        f"{limits_.max_tokens} tokens" if limits_.max_tokens is not None else "",
        "change request required" if limits_.requires_pr else "",
        "validation required" if limits_.requires_validation else "",
    ]
    return [words for words in found if words]


def reason_line(reason: Reason) -> str:
    """`contractors-recommend sets tier to recommend (policies/org.yaml:3)`."""
    match reason.sets:
        case "deny":
            says = "denies"
        case "approve":
            says = f"asks for {reason.to}"
        case _:
            says = f"sets {reason.sets} to {reason.to}"
    named = f"{reason.policy}, {reason.control}," if reason.control else reason.policy
    return f"{named} {says}{_where(reason)}"


def refusing(decision: PolicyDecision) -> list[Reason]:
    """The reasons of a refusal: the rules that deny, else all."""
    return [reason for reason in decision.reasons if reason.sets == "deny"] or list(decision.reasons)


def _facts(run: Run) -> list[list[kit.Element]]:
    task = run.received
    source = one_line(f"{task.trigger.source} {task.trigger.correlation or ''}").strip()
    who = kit.who(task.requester) if task.requester else kit.say(source)
    rows = [kit.say("Asked by ") + who + kit.say(f" · agent {one_line(run.agent)} · ") + kit.say(run.run_id, code=True)]
    if run.held_by:
        rows.append(kit.say("Taken over by ") + kit.who(run.held_by))
    return rows


def _now(run: Run) -> list[kit.Block]:
    """What it is doing, or what came of it; of a refusal the rule, and who can help."""
    decision = run.decision
    if run.status is Status.FINISHED:
        blocks = summary(run, _DOING)
        if decision is not None and not decision.allowed:
            blocks += kit.lines(*refusal(decision, said=run.summary))
        return blocks
    rows = [kit.say("Now: ", bold=True) + kit.say(brief(doing(run), _DOING))]
    if _awaiting(run) is not None:
        rows.append(kit.say("Its card, with the buttons, is in the thread."))
    return kit.lines(*rows)


def summary(run: Run, most: int) -> list[kit.Block]:
    """What came of it, in the words of whoever ended it; who stopped it is named as Slack names people."""
    text = clip(_GAPS.sub("\n\n", run.summary.strip()), most)
    short = size(visible(text)) <= PIECE
    return kit.lines(kit.credited(text)) if run.outcome is Outcome.STOPPED and short else kit.told(text)


def refusal(decision: PolicyDecision, *, said: str) -> list[list[kit.Element]]:
    """The rules that refused, where `said` does not name them already, and who can help."""
    reasons = [r for r in refusing(decision)[:_RULES] if not (r.file and f"{r.policy}, {r.file}:{r.line}" in said)]
    rows = [kit.say("Rule: ", bold=True) + kit.say(brief(reason_line(r), 300)) for r in reasons]
    if decision.help:
        rows.append(kit.say("Who can help: ", bold=True) + kit.people(decision.help[:10]))
    return rows


def _small(run: Run) -> str:
    """The grey line: how far it may go and who says so; what it has spent once it is over."""
    decision = run.decision
    if run.status is Status.FINISHED:
        return spent(run)
    if decision is None or not decision.allowed:
        return ""
    by = dict.fromkeys(f"{reason.policy}{_where(reason)}" for reason in decision.reasons)
    names = [*list(by)[:_RULES], *([f"{len(by) - _RULES} more"] if len(by) > _RULES else [])]
    upto = " · ".join([f"May go up to {decision.tier.label}", *limit_words(decision.constraints)])
    return brief(f"{upto} · by {', '.join(names)}" if names else upto, 1_500)


def spent(run: Run) -> str:
    """What it took: `14 iterations · 13 calls · $0.20`."""
    if not run.records:
        return "Nothing ran"
    parts = [plural(run.iterations, "iteration"), plural(len(run.records), "call")]
    return " · ".join(parts + ([f"${run.cost_usd:.2f}"] if run.cost_usd else []))


def _awaiting(run: Run) -> CallRecord | None:
    return next((record for record in run.live if record.status is CallStatus.AWAITING), None)


def _asking(record: CallRecord) -> str:
    merge = record.request is not None and record.request.verb == "merge"
    return "Waiting for a person to merge" if merge else _TITLES[Status.AWAITING_APPROVAL]


def _where(reason: Reason) -> str:
    return f" ({reason.file}:{reason.line})" if reason.file else ""


def whole(run: Run) -> list[tuple[str, str]]:
    """Everything about the run for its Details: titled texts, unshortened."""
    decision = run.decision
    found = [("Request", run.received.goal), ("Now", doing(run))]
    if decision is not None:
        limits_ = [f"tier {decision.tier.label}", *limit_words(decision.constraints)]
        tools = ", ".join(decision.constraints.allowed_tools) or "none"
        found.append(("Decision", "\n".join([decision.reason, *limits_, f"tools: {tools}"])))
        found.append(("Rules", "\n".join(reason_line(r) for r in decision.reasons)))
    calls = [f"{r.call.call_id} {r.call.tool} {r.call.resource or ''}: {_state(r.status, r.note)}" for r in run.records]
    found.append(("Calls", "\n".join(calls)))
    denials = [f"{r.call.tool}: {r.denial.text}" for r in run.records if r.denial is not None]
    found.append(("Denied", "\n".join(denials)))
    return [(title, text) for title, text in found if text]


def _state(status: CallStatus, note: str) -> str:
    return f"{status} ({note})" if note else str(status)
