"""The run's one live card: what is wanted, by whom, how far it may go, what it is doing now, and how to stop it."""

from domain.decisions import Constraints, PolicyDecision, Reason
from domain.outcomes import Outcome
from domain.runs import CallStatus, Run, Status
from handlers.slack.show import kit
from handlers.slack.show.message import Message, banner
from handlers.slack.show.text import brief, clip, duration, one_line, visible

_GOAL = 2_000
_DOING = 600
_REASONS = 8

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


def card(run: Run, *, unconfined: bool = False) -> Message:
    """The card as it should look now. A longer goal is whole in Details; nothing here is what anyone approves."""
    title = headline(run)
    goal = run.received.goal or f"{run.received.type} from {run.received.trigger.source}"
    shown = clip(visible(goal[: _GOAL + 1]), _GOAL)
    blocks = [
        *kit.header(title),
        *kit.lines(kit.say(shown, bold=True)),
        *kit.lines(*_facts(run)),
        *_limits(run.decision),
        *banner(unconfined=unconfined),
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
    return f"{'⏸ Paused · ' if run.paused else ''}{_TITLES.get(run.status, str(run.status))}"


def doing(run: Run) -> str:
    """What it is doing now, in a line."""
    waiting = next((r for r in run.records if r.status is CallStatus.AWAITING), None)
    acting = [one_line(f"{r.call.tool} {r.call.resource or ''}").strip() for r in run.in_flight]
    if run.status is Status.FINISHED:
        return run.summary
    if acting:
        return f"running {', '.join(acting)}"
    if run.in_doubt:
        return f"finding out whether {run.in_doubt[0].call.tool} happened"
    if waiting is not None:
        verb = waiting.request.verb if waiting.request else "approve"
        return f"somebody is asked to {verb} {waiting.call.tool} on {waiting.call.resource or 'an unknown target'}"
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


def limit_words(limits_: Constraints) -> list[str]:
    """The effective limits in words; what has no limit is not named."""
    found = [
        f"{limits_.max_iterations} iterations" if limits_.max_iterations is not None else "",
        f"{duration(limits_.timeout_s)} of work" if limits_.timeout_s is not None else "",
        f"{duration(limits_.deadline_s)} in all" if limits_.deadline_s is not None else "",
        f"${limits_.budget_usd:.2f}" if limits_.budget_usd is not None else "",
        "change request required" if limits_.requires_pr else "",
        "validation required" if limits_.requires_validation else "",
    ]
    return [words for words in found if words]


def reason_line(reason: Reason) -> str:
    """`contractors-recommend sets tier to recommend (policies/org.yaml:3)`."""
    where = f" ({reason.file}:{reason.line})" if reason.file else ""
    says = "denies" if reason.sets == "deny" else f"sets {reason.sets} to {reason.to}"
    return f"{reason.policy} {says}{where}"


def _facts(run: Run) -> list[list[kit.Element]]:
    task = run.received
    who = (
        kit.who(task.requester)
        if task.requester
        else kit.say(f"{task.trigger.source} {task.trigger.correlation or ''}")
    )
    rows = [
        kit.say("Asked by ") + who + kit.say(f" · agent {one_line(run.agent)} · run ") + kit.say(run.run_id, code=True),
        kit.say("Now: ") + kit.credited(brief(doing(run), _DOING)),
    ]
    if run.held_by:
        rows.append(kit.say("Taken over by ") + kit.who(run.held_by))
    if run.iterations or run.cost_usd:
        rows.append(kit.say(f"So far: {run.iterations} iterations · {len(run.records)} calls · ${run.cost_usd:.2f}"))
    return rows


def _limits(decision: PolicyDecision | None) -> list[kit.Block]:
    if decision is None:
        return []
    rows = [
        kit.say(f"May go up to: {decision.tier.label}" + "".join(f" · {w}" for w in limit_words(decision.constraints)))
    ]
    if not decision.allowed:
        rows = [kit.say(clip(decision.reason, _DOING), bold=True)]
    rows += [kit.say(f"· {brief(reason_line(r), 300)}") for r in decision.reasons[:_REASONS]]
    if len(decision.reasons) > _REASONS:
        rows.append(kit.say(f"· and {len(decision.reasons) - _REASONS} more in Details"))
    if decision.help and not decision.allowed:
        rows.append(kit.say("Who can help: ") + kit.people(decision.help[:10]))
    return kit.lines(*rows)


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
