"""What clicks, forms and shortcuts say. Ids in buttons and forms are ours; who clicked is Slack's word. Pure."""

import json
from collections.abc import Mapping
from datetime import datetime

from domain.approvals import Ballot
from domain.canonical import Json
from domain.signals import SignalKind
from domain.tasks import Trust
from handlers.slack.envelopes import team_of, text_of
from handlers.slack.messages import unescape
from handlers.slack.routes import FORMS, PAGING, SHORTCUTS
from handlers.slack.show.forms import TEXT
from handlers.slack.show.message import EVENT_TYPE
from handlers.slack.show.text import visible
from handlers.slack.words import Ignored, Intent, Misspoken, Opened, Request, Seat, Steer, Turned, Voted

_SIGNALS = {"pause": SignalKind.PAUSE, "resume": SignalKind.RESUME, "stop": SignalKind.STOP}
_QUOTED = 1_200  # characters of a message that its form carries along


def click_intent(payload: Mapping[str, Json]) -> Intent:
    actions = payload.get("actions")
    action = actions[0] if isinstance(actions, list) and actions and isinstance(actions[0], Mapping) else {}
    name, value = text_of(action, "action_id"), text_of(action, "value")
    container = payload.get("container")
    seat = Seat(
        user=text_of(payload, "user", "id"),
        team=team_of(payload),
        channel=text_of(container, "channel_id") or text_of(payload, "channel", "id"),
        thread_ts=text_of(container, "thread_ts") or text_of(payload, "message", "thread_ts") or None,
        ts=text_of(container, "message_ts") or None,
        response_url=text_of(payload, "response_url") or None,
        trigger_id=text_of(payload, "trigger_id") or None,
    )
    if action.get("url"):
        return Ignored(why="a link button")
    if name in PAGING:
        view = payload.get("view")
        about, page = _private(view), int(value) if value.isdecimal() else 0
        return Turned(seat=seat, view_id=text_of(view, "id"), about=about, page=page)
    return _pressed(seat, name, value.split())


def _pressed(seat: Seat, name: str, value: list[str]) -> Intent:
    """A button of ours. `value` is approval id and digest, or run id and what else the button needs."""
    card = (seat.channel, seat.ts) if seat.channel and seat.ts else None
    match name, value:
        case "approve" | "merge", [approval_id, digest]:
            return Voted(seat=seat, approval_id=approval_id, digest=digest, ballot=Ballot.APPROVE, card=card)
        case "details", [("why" | "rules") as what, run_id]:
            return Opened(seat=seat, form=name, about={"run": run_id, "what": what} | _where(seat))
        case "deny" | "break_glass" | "ask" | "details", [approval_id, digest]:
            about = {"approval": approval_id, "digest": digest, "run": run_of(approval_id)}
            return Opened(seat=seat, form=name, about=about | _where(seat))
        case "pause" | "resume" | "stop", [run_id]:
            return Steer(seat=seat, run_id=run_id, kind=_SIGNALS[name])
        case "redirect" | "ask" | "details", [run_id]:
            return Opened(seat=seat, form=name, about={"run": run_id} | _where(seat))
        case "answer", [run_id, number] if number.isdecimal():
            return Opened(seat=seat, form="answer", about={"run": run_id, "question": int(number)} | _where(seat))
        case _, [run_id, number, option] if name.startswith("answer_") and number.isdecimal() and option.isdecimal():
            kind = SignalKind.ANSWER
            return Steer(seat=seat, run_id=run_id, kind=kind, question=int(number), option=int(option))
        case _:
            return Misspoken(seat=seat, text="That button is not one of mine any more. Nothing was changed; /ops help.")


def run_of(approval_id: str) -> str:
    """The run that an approval belongs to: its id is the first part."""
    return approval_id.rpartition(".")[0]


def _run_named(message: Json) -> str:
    """The run that a message's metadata names; nothing where they name none."""
    metadata = message.get("metadata") if isinstance(message, Mapping) else None
    return text_of(metadata, "event_payload", "run_id") if text_of(metadata, "event_type") == EVENT_TYPE else ""


def _where(seat: Seat) -> dict[str, Json]:
    return {"channel": seat.channel, "thread": seat.thread_ts, "ts": seat.ts}


def _private(view: Json) -> Mapping[str, Json]:
    try:
        found = json.loads(text_of(view, "private_metadata") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def form_intent(payload: Mapping[str, Json], received_at: datetime) -> Intent:
    view = payload.get("view")
    form, about, typed = text_of(view, "callback_id"), _private(view), _typed(view)
    channel, ts = text_of(about, "channel"), text_of(about, "ts") or None
    seat = Seat(
        user=text_of(payload, "user", "id"),
        team=team_of(payload),
        channel=channel,
        thread_ts=text_of(about, "thread") or None,
        ts=ts,
    )
    run_id = text_of(about, "run")
    if form not in FORMS:
        return Ignored(why=f"the view {form} asks nothing")
    match form:
        case "deny" | "break_glass":
            card = (channel, ts) if channel and ts else None
            approval, digest = text_of(about, "approval"), text_of(about, "digest")
            return Voted(seat=seat, approval_id=approval, digest=digest, ballot=Ballot(form), reason=typed, card=card)
        case "task":
            return _about_message(seat, about, typed, text_of(view, "id"), received_at)
        case "answer":
            number, option = about.get("question"), _option(view)
            number = number if isinstance(number, int) else None
            kind = SignalKind.ANSWER
            return Steer(seat=seat, run_id=run_id, kind=kind, text=typed, question=number, option=option)
        case _:
            kind = SignalKind.REDIRECT if form == "redirect" else SignalKind.SAY
            return Steer(seat=seat, run_id=run_id, kind=kind, text=typed)


def _about_message(seat: Seat, about: Mapping[str, Json], typed: str, view_id: str, at: datetime) -> Intent:
    """Somebody asks about a message; whoever wrote that one did not ask."""
    quoted = text_of(about, "message")
    trust = Trust.PERSON if not quoted or text_of(about, "author") == seat.user else Trust.UNTRUSTED
    payload = {"message": quoted} if quoted else {}
    return Request(seat=seat, goal=typed, occurrence=view_id, at=at, trust=trust, payload=payload)


def _typed(view: Json) -> str:
    return text_of(view, "state", "values", *TEXT, "value").strip()


def _option(view: Json) -> int | None:
    chosen = text_of(view, "state", "values", *TEXT, "selected_option", "value")
    return int(chosen) if chosen.isdecimal() else None


def shortcut_intent(payload: Mapping[str, Json]) -> Intent:
    if text_of(payload, "callback_id") not in SHORTCUTS:
        return Ignored(why="a shortcut that is not ours")
    message = payload.get("message")
    text, ts = unescape(text_of(message, "text")), text_of(message, "ts")
    seat = Seat(
        user=text_of(payload, "user", "id"),
        team=team_of(payload),
        channel=text_of(payload, "channel", "id"),
        thread_ts=text_of(message, "thread_ts") or ts or None,
        ts=ts or None,
        response_url=text_of(payload, "response_url") or None,
        trigger_id=text_of(payload, "trigger_id") or None,
    )
    if text_of(payload, "callback_id") == "explain_decision":
        return Opened(seat=seat, form="details", about=_where(seat) | {"run": _run_named(message), "what": "why"})
    about = _where(seat) | {"message": visible(text)[:_QUOTED], "author": text_of(message, "user")}
    return Opened(seat=seat, form="task", about=about, text=text)
