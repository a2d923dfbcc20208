"""What has been applied: the record that stands for the real world of the sample organization."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tools.durable import read_json, write_json
from tools.pipeline.steps import Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """`history` names every head that was applied or overtaken by a later one, oldest first."""

    head: str | None = None
    resources: Resources | None = None
    at: str = ""
    history: tuple[str, ...] = ()

    def after(self, head: str, resources: Resources, now: datetime) -> "Applied":
        return Applied(head=head, resources=resources, at=now.isoformat(), history=(*self.history, head))

    def overtaking(self, head: str) -> "Applied":
        return Applied(head=self.head, resources=self.resources, at=self.at, history=(*self.history, head))


def load_applied(path: Path) -> Applied:
    record: dict[str, Any] | None = read_json(path)
    if record is None:
        return Applied()
    return Applied(
        head=record["head"], resources=record["resources"], at=record["at"], history=tuple(record["history"])
    )


def save_applied(path: Path, applied: Applied) -> None:
    write_json(
        path,
        {
            "head": applied.head,
            "resources": applied.resources or {},
            "at": applied.at,
            "history": list(applied.history),
        },
    )
