"""What is said where approvers meet, beside any run: the switch, freezes, tiers earned and lost, broken glass. Pure.

organization:SEQ:notice:CHANNEL     what holds for every run from here on
RUN:SEQ:glass:CHANNEL or :USER      somebody countersigned alone, to all who must hear of it
RUN:lost:SEQ                        in the thread of a run that was decided with a tier which is lost now
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain import events as e
from domain.envelopes import Post
from domain.freezes import spell_until
from domain.organization import DeclaredFreeze, Organization
from domain.runs import CallRecord, Run, Status
from handlers.slack.show import kit
from handlers.slack.show.message import Message, metadata
from handlers.slack.show.text import brief, person
from loop.autonomy import BY_ITSELF
from policy.sources.limits import earned_by

STALE = timedelta(days=1)  # what is older is history: a reader that begins anew does not say it again
_WHY = 600


def of_organization(before: Organization, recorded: e.Recorded, channels: Sequence[str], now: datetime) -> list[Post]:
    """The notice of one event of the organization's stream; `before` is the organization without it."""
    said = _said(before, recorded.event)
    if not said or now - recorded.at > STALE:
        return []
    key, message = f"{e.ORGANIZATION_STREAM}:{recorded.seq}:notice", _message(said)
    return [_post(f"{key}:{channel}", e.ORGANIZATION_STREAM, channel, message) for channel in channels]


def of_glass(run: Run, recorded: e.Recorded, channels: Sequence[str], *, private: bool) -> list[Post]:
    """To everybody who must hear of it. Of a run that not everybody may see: who, which run and why, not for what."""
    event = recorded.event
    if not isinstance(event, e.GlassBroken):
        return []
    record = run.approval(event.approval_id)
    message = _message(_broken(run, record, event, public=not private))
    people = [who.partition(":")[2] for who in event.told if who.startswith("user:")]
    key = f"{run.run_id}:{recorded.seq}:glass"
    return [_post(f"{key}:{to}", run.run_id, to, message) for to in (*channels, *people)]


def of_loss(run: Run, recorded: e.Recorded, now: datetime) -> Message | None:
    """What the thread of an open run is told of a tier that is lost: only where its decision rests on it."""
    event = recorded.event
    if not isinstance(event, e.TierLost) or now - recorded.at > STALE or run.decision is None:
        return None
    if run.status is Status.FINISHED or all(one.policy != earned_by(event.agent) for one in run.decision.reasons):
        return None
    head = kit.say("▼ ") + kit.say(event.agent, bold=True) + kit.say(" has lost the tier that this run began with")
    return _message([head + _taken_by(event) + _why(event.why), kit.say("It is held to less from its next call on.")])


def _said(before: Organization, event: e.Event) -> list[list[kit.Element]]:
    """In words; nothing where nobody needs to hear of it."""
    match event:
        case e.EverythingStopped(by=by, why=why):
            head = kit.say("■ Everything is stopped", bold=True) + kit.say(" by ") + kit.who(by)
            return [head + _why(why), kit.say("No action starts anywhere until /ops resume-all.")]
        case e.EverythingResumed(by=by, why=why):
            return [kit.say("▶ Everything goes on", bold=True) + kit.say(", says ") + kit.who(by) + _why(why)]
        case e.FreezeDeclared(id=name, by=by, why=why, until=until, zone=zone, where=where):
            head = kit.say("❄ Frozen: ", bold=True) + kit.say(f"{_covers(where)}, {spell_until(until, zone)}")
            return [head + kit.say(", by ") + kit.who(by) + _why(why), kit.say(f"/ops unfreeze {name} lifts it.")]
        case e.FreezeLifted(id=name, by=by, why=why):
            return [
                kit.say("❄ Lifted: ", bold=True)
                + kit.say(_named(before, name))
                + kit.say(", by ")
                + kit.who(by)
                + _why(why)
            ]
        case e.FreezeEnded(id=name):
            return [kit.say("❄ Over: ", bold=True) + kit.say(f"{_named(before, name)}. Its time has come.")]
        case e.TierEarned():
            return _earned(event)
        case e.TierLost():
            return _lost(before, event)
        case _:
            return []


def _earned(event: e.TierEarned) -> list[list[kit.Element]]:
    """Who starts where, who countersigned that, in which run, and on what evidence."""
    head = kit.say("▲ Earned: ", bold=True) + kit.say(f"{event.agent} starts from {event.tier.label}")
    rows = [
        head
        + kit.say(", countersigned by ")
        + kit.people(event.by)
        + kit.say(" in ")
        + kit.say(event.run_id, code=True)
    ]
    rows += [kit.say(f"Its record: {brief(event.evidence, _WHY)}.")] if event.evidence else []
    return [*rows, kit.say(f"/ops autonomy demote {event.agent} WHY takes it back at once.")]


def _lost(before: Organization, event: e.TierLost) -> list[list[kit.Element]]:
    """Who starts lower again, by whose word or by itself, why, and what it had earned where."""
    head = kit.say("▼ Lost: ", bold=True) + kit.say(f"{event.agent} starts from the tier of its file again")
    rows = [head + _taken_by(event) + _why(event.why)]
    had = before.earned.get(event.agent)
    if had is not None:
        rows.append(kit.say(f"It had earned {had.tier.label} in ") + kit.say(had.run_id, code=True))
    return [*rows, kit.say("Runs under way are held to it from their next call on.")]


def _taken_by(event: e.TierLost) -> list[kit.Element]:
    return kit.say(", by itself") if event.by == BY_ITSELF else kit.say(", by ") + kit.who(event.by)


def _broken(run: Run, record: CallRecord | None, event: e.GlassBroken, *, public: bool) -> list[list[kit.Element]]:
    head = kit.say("⚠ ") + kit.who(event.by) + kit.say(" broke the glass", bold=True)
    what = f" for {record.call.tool} on {record.call.resource or 'an unknown target'}" if record and public else ""
    needs = record.request.requirements if record and record.request and public else ()
    rows = [head + kit.say(f"{brief(what, 300)} in ") + kit.say(run.run_id, code=True) + _why(event.why)]
    if needs:
        asked = " and ".join(f"{one.count} of {person(one.approvers.text)}" for one in needs[:5])
        rows.append(kit.say(f"Its rule asks for {asked}, and permits one of them to force it."))
    return [*rows, kit.say(f"/ops status {run.run_id} shows it to those who may see it.")]


def _covers(where: Sequence[tuple[str, Sequence[str]]]) -> str:
    """`env=prod`, `resource prod/*`; `everything` for no condition at all."""
    parts = [
        f"{name.removeprefix('label:')}{'=' if name.startswith('label:') else ' '}{' or '.join(patterns)}"
        for name, patterns in where
    ]
    return " and ".join(parts) or "everything"


def _named(before: Organization, name: str) -> str:
    freeze: DeclaredFreeze | None = before.freezes.get(name)
    return f"{_covers(freeze.where)} ({name})" if freeze else name


def _why(why: str) -> list[kit.Element]:
    return kit.say(f": {brief(why, _WHY)}") if why else []


def _message(rows: list[list[kit.Element]]) -> Message:
    text = "".join(str(element.get("text") or element.get("user_id") or "") for element in rows[0]) if rows else ""
    return Message(text=text, blocks=kit.lines(*rows))


def _post(key: str, run_id: str, channel: str, message: Message) -> Post:
    body = {
        "do": "post",
        "channel": channel,
        "thread": None,
        "message": message.body(),
        "metadata": metadata(run_id, key),
        "requester": None,
    }
    return Post(key=key, run_id=run_id, body=body)
