"""Why a run was answered as it was: what holds and who lost, what the boundary said, and what would have to change."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from domain import events as e
from domain.decisions import Reason
from domain.runs import CallRecord, Run
from handlers.slack.show import kit
from handlers.slack.show.limits import MESSAGE_CHARACTERS, weight
from handlers.slack.show.message import Message
from handlers.slack.show.parts import Part
from handlers.slack.show.text import one_line
from loop.doors import Ways, Why
from policy.explaining.effective import limits_of, lines, place_of
from policy.explaining.remedies import spell_remedy
from policy.sources.rules import spell_requirement

CALLS = 10  # the latest of which the verdicts are shown
_ROOM = 400  # for the buttons, and what says that there is more


def why_parts(run: Run, log: Iterable[e.Recorded], why: Why) -> list[Part]:
    """Everything, unshortened, in the order in which people ask."""
    decision = run.decision
    if decision is None:
        return [Part(title="Decision", text="Policy has not decided about this run yet.")]
    limits = limits_of(decision.reasons, decision.overruled, decision.approvals)
    verdicts = [_verdict(record, _said(log)) for record in run.records[-CALLS:]]
    found = [
        Part(title="Decision", text=decision.reason),
        Part(title="What would have to change", text="\n".join(_changes(run, why))),
        Part(title="What holds, and who lost", text="\n".join(lines(limits))),
        Part(title="Calls, the latest last", text="\n".join(verdicts)),
        Part(title="By which rules", text="\n".join(_versions(run, why))),
    ]
    return [part for part in found if part.text]


def words_part(why: Why) -> list[Part]:
    """The rules in words, as the run's reasoner reads them now."""
    text = f"{why.words}\n\n{why.digest}" if why.words else why.note or "Policy has not decided about this run yet."
    return [Part(title="The rules in words", text=text)]


def why_message(run: Run, parts: Sequence[Part]) -> Message:
    """As much of it as a message holds; the buttons open all of it, and the rules in words."""
    blocks = kit.header(f"Why · {run.run_id}")
    for part in parts:
        block = kit.lines(kit.say(part.title, bold=True)) + kit.prose(part.text)
        fits = weight(blocks) + weight(block) <= MESSAGE_CHARACTERS - _ROOM and len(blocks) + len(block) < 46
        blocks += block if fits else kit.context(f"{part.title}: see Details")
    more = kit.actions(kit.button("Details", "details", f"why {run.run_id}"))
    rules = kit.actions(kit.button("The rules in words", "details", f"rules {run.run_id}"))  # an action_id once a block
    return Message(text=f"Why {run.run_id}", blocks=[*blocks, *more, *rules])


def _changes(run: Run, why: Why) -> Iterator[str]:
    for ways in why.ways:
        yield from (f"{_about(run, ways)}: {spell_remedy(one)}" for one in ways.remedies)
        if not ways.remedies:
            yield f"{_about(run, ways)}: nothing that could be tried makes a difference"
    if why.note:
        yield why.note


def _about(run: Run, ways: Ways) -> str:
    record = next((r for r in run.records if r.call.call_id == ways.call_id), None)
    return "It would be another answer" if record is None else f"{record.call.tool} would be another answer"


def _said(log: Iterable[e.Recorded]) -> Mapping[str, tuple[str, tuple[Reason, ...]]]:
    """By call, the boundary's last word and its reasons."""
    found: dict[str, tuple[str, tuple[Reason, ...]]] = {}
    for recorded in log:
        match recorded.event:
            case e.CallAllowed(call_id=call_id, reasons=reasons):
                found[call_id] = ("allowed", reasons)
            case e.CallDenied(call_id=call_id, verdict=verdict):
                found[call_id] = (f"denied: {verdict.text}", verdict.reasons)
            case e.ApprovalRequested(request=request, reasons=reasons):
                needs = " and ".join(spell_requirement(one) for one in request.requirements)
                found[request.call_id] = (f"needs {needs}", reasons)
            case _:
                pass
    return found


def _verdict(record: CallRecord, said: Mapping[str, tuple[str, tuple[Reason, ...]]]) -> str:
    call = record.call
    verdict, reasons = said.get(call.call_id, ("not judged yet", ()))
    by = ", ".join(dict.fromkeys(place_of(reason) for reason in reasons))
    target = one_line(f"{call.tool} {call.resource or ''}").strip()
    return f"{call.call_id} {target}: {verdict}{f' · by {by}' if by else ''}"


def _versions(run: Run, why: Why) -> Iterator[str]:
    """Which version of the rules decided, which holds now, and the hash of each in words."""
    decision = run.decision
    if decision is None:
        return
    yield f"decided by {decision.policy_hash or 'rules without a name'}"
    if decision.digest:
        yield f"in words {decision.digest}"
    if why.policy_hash and why.policy_hash != decision.policy_hash:
        yield f"since then the rules have changed: {why.policy_hash}; calls meet the stricter of both"
    if why.digest and decision.digest and why.digest != decision.digest:
        yield f"in words {why.digest} now"
