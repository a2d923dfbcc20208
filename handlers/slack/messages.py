"""What events say: messages, mentions, edits, deletions, the home tab, Slack's own Stop. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from domain.canonical import Json
from handlers.slack import commands
from handlers.slack.envelopes import team_of, text_of
from handlers.slack.words import Deleted, Edited, HomeOpened, Ignored, Intent, Seat, SessionStopped, Spoken

_TOKEN = re.compile(r"<([^<>]*)>")


def event_intent(payload: Mapping[str, Json], bot: str, received_at: datetime) -> Intent:
    event = payload["event"]
    match text_of(event, "type"):
        case "message" | "app_mention":
            return _message(payload, event, bot, received_at)
        case "app_home_opened" if text_of(event, "tab") in ("home", ""):
            return HomeOpened(seat=Seat(user=text_of(event, "user"), team=team_of(payload)))
        case "agent_session_stopped":
            thread = text_of(event, "thread_ts") or None
            channel = text_of(event, "channel")
            return SessionStopped(
                seat=Seat(user=text_of(event, "user"), team=team_of(payload), channel=channel, thread_ts=thread)
            )
        case other:
            return Ignored(why=f"nothing follows from {other or 'an event without a type'}")


def _message(payload: Mapping[str, Json], event: Mapping[str, Json], bot: str, received_at: datetime) -> Intent:
    match text_of(event, "subtype"):
        case "" | "file_share" | "thread_broadcast":
            return _words(payload, event, bot, received_at)
        case "message_changed":
            return _edited(payload, event)
        case "message_deleted":
            return _deleted(payload, event)
        case other:
            return Ignored(why=f"a {other} is nobody's request")


def _words(payload: Mapping[str, Json], event: Mapping[str, Json], bot: str, received_at: datetime) -> Intent:
    if _machine(event):
        return Ignored(why="written by a bot")
    raw, user, ts = text_of(event, "text"), text_of(event, "user"), text_of(event, "ts")
    channel, thread = text_of(event, "channel"), text_of(event, "thread_ts") or None
    if not user or not ts or not channel:
        return Ignored(why="a message without author or place")
    direct = text_of(event, "channel_type") == "im" or channel.startswith("D")
    mentioned = text_of(event, "type") == "app_mention" or (bool(bot) and f"<@{bot}>" in raw)
    if not (mentioned or direct or thread):
        return Ignored(why="not addressed to us")
    text = unescape(raw.replace(f"<@{bot}>", " ") if bot else raw)
    seat = Seat(user=user, team=team_of(payload), channel=channel, thread_ts=thread, ts=ts, direct=direct, spoken=True)
    occurrence, at = f"{seat.team}:{channel}:{ts}", _moment(ts, received_at)
    if thread is None or thread == ts:
        return commands.parse(text, seat, occurrence=occurrence, at=at)
    kind = commands.signal_of(text)
    return Spoken(seat=seat, text=text, addressed=mentioned or direct, occurrence=occurrence, at=at, kind=kind)


def _edited(payload: Mapping[str, Json], event: Mapping[str, Json]) -> Intent:
    """Slack also says `changed` for unfurls, new replies and streams: only another text is an edit."""
    now, before = event.get("message"), event.get("previous_message")
    if text_of(now, "subtype") == "tombstone":  # a thread's first message was deleted, its replies stay
        return _deleted(payload, {**event, "deleted_ts": text_of(now, "ts")})
    if not isinstance(now, Mapping) or not isinstance(before, Mapping) or _machine(now):
        return Ignored(why="not a person's edit")
    if text_of(now, "text") == text_of(before, "text"):
        return Ignored(why="the text is the same")
    seat = _around(payload, event, now)
    text = unescape(text_of(now, "text"))
    return Edited(seat=seat, occurrence=f"{seat.team}:{seat.channel}:{seat.ts}", text=text)


def _deleted(payload: Mapping[str, Json], event: Mapping[str, Json]) -> Intent:
    before = event.get("previous_message")
    ts = text_of(event, "deleted_ts") or text_of(before, "ts")
    if not ts:
        return Ignored(why="a deletion of nothing")
    gone = {**before, "ts": ts} if isinstance(before, Mapping) else {"ts": ts}
    seat = _around(payload, event, gone)
    return Deleted(seat=seat, occurrence=f"{seat.team}:{seat.channel}:{ts}")


def _around(payload: Mapping[str, Json], event: Mapping[str, Json], message: Mapping[str, Json]) -> Seat:
    channel = text_of(event, "channel")
    return Seat(
        user=text_of(message, "user"),
        team=team_of(payload),
        channel=channel,
        thread_ts=text_of(message, "thread_ts") or None,
        ts=text_of(message, "ts"),
        direct=channel.startswith("D"),
        spoken=True,
    )


def _machine(message: Mapping[str, Json]) -> bool:
    """Whether a bot wrote it; two bots that answer each other never stop."""
    marked = any(message.get(name) for name in ("bot_id", "bot_profile", "app_id"))
    return marked or text_of(message, "subtype") == "bot_message" or text_of(message, "user") == "USLACKBOT"


def _moment(ts: str, otherwise: datetime) -> datetime:
    try:
        return datetime.fromtimestamp(float(ts), UTC)
    except (ValueError, OverflowError, OSError):
        return otherwise


def unescape(text: str) -> str:
    """Slack's message text as it was typed: links as addresses, mentions as `@U1`, entities as characters."""
    plain = _TOKEN.sub(lambda found: _token(found[1]), text)
    return plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("\u00a0", " ").strip()


def _token(inner: str) -> str:
    target, _, label = inner.partition("|")
    if target.startswith(("@", "#")):
        return target if target.startswith("@") or not label else f"#{label}"
    if target.startswith("!"):
        return label or f"@{target[1:].partition('^')[0]}"
    return label if target.startswith("mailto:") and label else target
