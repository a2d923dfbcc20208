"""Envelope in, intent out. Pure: it is read once to see whether it matters at all, and again when it is handled."""

from collections.abc import Mapping

from domain.envelopes import Envelope
from domain.signals import CONTROL, SignalKind
from handlers.slack import commands
from handlers.slack.clicks import click_intent, form_intent, shortcut_intent
from handlers.slack.envelopes import team_of, text_of
from handlers.slack.messages import event_intent, unescape
from handlers.slack.words import Freeze, Ignored, Intent, Opened, Seat, SessionStopped, Spoken, Steer, Switch, Turned


def read(envelope: Envelope) -> Intent:
    """What the envelope asks; `Ignored` where it asks nothing of us."""
    payload = envelope.body.get("payload")
    if not isinstance(payload, Mapping):
        return Ignored(why="not a Slack request")
    match envelope.body.get("kind"):
        case "event":
            return event_intent(payload, text_of(envelope.body, "bot"), envelope.received_at)
        case "command":
            seat = Seat(
                user=text_of(payload, "user_id"),
                team=team_of(payload),
                channel=text_of(payload, "channel_id"),
                direct=text_of(payload, "channel_id").startswith("D"),
                response_url=text_of(payload, "response_url") or None,
                trigger_id=text_of(payload, "trigger_id") or None,
            )
            text = unescape(text_of(payload, "text"))
            occurrence = text_of(payload, "trigger_id") or envelope.key
            return commands.parse(text, seat, occurrence=occurrence, at=envelope.received_at)
        case "action":
            return click_intent(payload)
        case "view":
            return form_intent(payload, envelope.received_at)
        case "shortcut":
            return shortcut_intent(payload)
        case _:
            return Ignored(why="a kind of request that we do not use")


def urgent(intent: Intent) -> bool:
    """Whether it overtakes what waits: stopping and pausing, and forms, whose triggers live three seconds."""
    match intent:
        case Steer(kind=kind) | Spoken(kind=SignalKind() as kind):
            return kind in CONTROL
        case Switch() | Freeze() | SessionStopped() | Opened() | Turned():
            return True
        case _:
            return False
