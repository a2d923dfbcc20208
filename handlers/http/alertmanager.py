"""Alertmanager's webhook payload (version 4) as tasks and resolutions. Pure.

Nothing in a payload is signed, and labels and annotations arrive as whoever wrote the metric put them: the text is
untrusted whoever delivered it. Only what stays the same while an alert fires goes into a task, bounded.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator
from pydantic.alias_generators import to_camel

from domain.canonical import Json, canonical_json
from domain.tasks import Context, Place, Source, Task, Trigger, Trust
from handlers.http.ports import SourceConfig

MOST_ALERTS = 500
_MOST_GOAL = 300
_MOST_LABELS = 64
_MOST_TEXT = 2_000

_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})")

Texts = Annotated[dict[Annotated[str, StringConstraints(max_length=256)], str], Field(max_length=256)]


class Unreadable(ValueError):
    """The document is not an Alertmanager notification; the message names the place."""


class Alert(BaseModel):
    """One alert. Keys that we do not use may be there."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", strict=True, frozen=True)

    status: Literal["firing", "resolved"]
    labels: Texts
    annotations: Texts = {}
    starts_at: str
    generator_url: Annotated[str, Field(alias="generatorURL")] = ""
    fingerprint: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{0,64}$")] = ""

    @field_validator("starts_at")
    @classmethod
    def _is_a_moment(cls, text: str) -> str:
        _moment(text)
        return text

    @property
    def identity(self) -> str:
        """What stays the same each time this alert fires: its fingerprint, else a hash of its labels."""
        return self.fingerprint or hashlib.sha256(canonical_json(self.labels)).hexdigest()[:16]

    @property
    def incident(self) -> str:
        """What it is about for longer than one alert: the service it names, else the alert itself.

        Alerts about one service join the run that is at it; two runs would ask people for the same restart twice.
        """
        service = self.labels.get("service", "")
        return f"service:{service[:200]}" if service else self.identity


class Notification(BaseModel):
    """One delivery: the alerts of one group."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", strict=True, frozen=True)

    version: Literal["4"]
    group_key: Annotated[str, StringConstraints(max_length=4096)] = ""
    group_labels: Texts = {}
    truncated_alerts: Annotated[int, Field(ge=0)] = 0
    alerts: list[Alert]

    @property
    def taken(self) -> list[Alert]:
        """What we look at: the oldest first, as they were sent, up to the bound."""
        return self.alerts[:MOST_ALERTS]

    @property
    def left_out(self) -> int:
        """How many alerts of the group nobody looks at: ours, and what the sender left out before."""
        return len(self.alerts) - len(self.taken) + self.truncated_alerts


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """An alert is over. `since` is when it had begun."""

    correlation: str
    since: datetime
    name: str


def read(body: Mapping[str, Json]) -> Notification:
    """The notification in `body`. Raises Unreadable."""
    try:
        return Notification.model_validate(body)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, fault["loc"]))[:200]
        raise Unreadable(f"{where or 'the document'}: {fault['msg']}") from None


def tasks(notification: Notification, source: SourceConfig, organization: str) -> tuple[Task, ...]:
    """A task for each firing alert."""
    firing = [alert for alert in notification.taken if alert.status == "firing"]
    return tuple(_task(alert, notification.group_labels, source, organization) for alert in firing)


def resolutions(notification: Notification) -> tuple[Resolved, ...]:
    """The alerts that are over."""
    over = [alert for alert in notification.taken if alert.status == "resolved"]
    return tuple(Resolved(correlation=a.incident, since=_moment(a.starts_at), name=name_of(a.labels)) for a in over)


def name_of(labels: Mapping[str, Json]) -> str:
    """The alert's name on one line."""
    return _line(str(labels.get("alertname", "unnamed alert")), 120)


def _task(alert: Alert, group: Mapping[str, str], source: SourceConfig, organization: str) -> Task:
    trigger = Trigger(
        source=Source.ALERT,
        source_id=f"{alert.identity}@{alert.starts_at}",
        timestamp=_moment(alert.starts_at),
        correlation=alert.incident,
    )
    payload = {
        "labels": _bounded(alert.labels),
        "annotations": _bounded(alert.annotations),
        "generatorURL": alert.generator_url[:_MOST_TEXT] if _is_web(alert.generator_url) else "",
        "startsAt": alert.starts_at,
        "group": _bounded(group),
    }
    return Task(
        type=source.task_type,
        goal=_goal(alert),
        trigger=trigger,
        context=Context(organization_id=organization, agent_slug=source.agent, priority=source.priority),
        payload=payload,
        trust=Trust.UNTRUSTED,
        place=Place(channel=source.channel),
    )


def _goal(alert: Alert) -> str:
    said = alert.annotations.get("summary") or alert.annotations.get("description") or ""
    return _line(said, _MOST_GOAL) or f"{name_of(alert.labels)} is firing"


def _bounded(texts: Mapping[str, str]) -> dict[str, str]:
    """The first entries by name, each cut visibly at the bound."""
    return {key: _cut(texts[key], _MOST_TEXT) for key in sorted(texts)[:_MOST_LABELS]}


def _line(text: str, most: int) -> str:
    """One line without control, format or bidirectional characters."""
    shown = "".join(c if c.isprintable() else " " for c in text[: most * 4])
    return _cut(" ".join(shown.split()), most)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _is_web(url: str) -> bool:
    return url.startswith(("https://", "http://")) and url.isprintable() and " " not in url


def _moment(text: str) -> datetime:
    """RFC 3339, in a year that other clocks know. Raises ValueError."""
    if not _MOMENT.fullmatch(text):
        raise ValueError("not an RFC 3339 moment")
    moment = datetime.fromisoformat(text)
    if not 1970 <= moment.year <= 2200:  # within this, no zone can push it out of range
        raise ValueError("not a moment of this age")
    return moment.astimezone(UTC)
