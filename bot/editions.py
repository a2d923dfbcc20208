"""A version of the rules for people: which holds, what is wrong with a newer one, and what a restart would change."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from typing import Any

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.configuration import Configuration, Fault, Secret
from bot.rulebook import Laid
from policy.analysis.differences import Difference, differences

# What is wired once, at the start. A newer version of it is named, and waits for the next start.
AT_START = ("organization", "slack", "storage", "sources", "places", "http", "systems")
_LISTED = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What holds, and since when. `faults`: why what is on disk does not. `waiting`: what the next start changes."""

    policy_hash: str
    since: datetime
    faults: tuple[Fault, ...] = ()
    waiting: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """One line for people of the organization: where something is wrong, not what the files say there."""
        found = [self.brief[0].upper() + self.brief[1:]]
        if self.faults:
            places = list(dict.fromkeys(f"{fault.file}:{fault.line}" for fault in self.faults))
            found.append(f"a newer version on disk is at fault: {_listed(places)}")
        if self.waiting:
            found.append(f"from the next start on also: {', '.join(self.waiting)}")
        return "; ".join(found)

    @property
    def brief(self) -> str:
        """`rules of 14:03 UTC, 3f2a9c…`: nothing that a stranger may not know."""
        return f"rules of {self.since:%Y-%m-%d %H:%M} UTC, {short(self.policy_hash)}"


def short(policy_hash: str) -> str:
    """The beginning of a hash, as people compare it."""
    return policy_hash.removeprefix("sha256:")[:12]


def held_back(running: Configuration, found: Configuration) -> tuple[Configuration, tuple[str, ...]]:
    """What may hold without a restart: `found`, with all that is wired at the start as it runs; and what differs."""
    waiting = tuple(name for name in AT_START if _plain(getattr(running, name)) != _plain(getattr(found, name)))
    kept = {name: getattr(running, name) for name in AT_START}
    return replace(found, **kept), waiting


def left_behind(running: Configuration, found: Configuration) -> tuple[Fault, ...]:
    """Senders that run until the next start, and whose agent the newer version does not have any more."""
    return tuple(
        Fault(
            file="countersign.yaml",
            line=1,
            column=1,
            key=f"sources.{name}.agent",
            problem=f'still hands its tasks to the agent "{source.agent}" until the next start, and there is none',
            suggestion="keep the agent until then",
        )
        for name, source in running.sources.items()
        if source.agent is not None and source.agent not in found.agents
    )


def what_changed(old: Laid, new: Laid) -> tuple[Difference, ...]:
    """The pieces that differ, runbooks too."""
    before, after = old.router.runbooks, new.router.runbooks
    books = [
        Difference(kind="runbook", name=name, change=_change(name in before, name in after))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
    return (*differences(old.configuration.policies, new.configuration.policies), *books)


def told(found: Iterable[Difference]) -> str:
    """`added: rule a, rule b; removed: rule c`."""
    by_change: dict[str, list[str]] = {}
    for one in found:
        by_change.setdefault(one.change, []).append(f"{one.kind} {one.name}".rstrip())
    order = [change for change in ("added", "changed", "removed") if change in by_change]
    return "; ".join(f"{change}: {_listed(by_change[change])}" for change in order)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


def _change(before: bool, after: bool) -> str:  # noqa: FBT001 - two facts of one name
    return "changed" if before and after else "added" if after else "removed"


def _plain(value: Any) -> Any:
    """Equal for what means the same: a secret by its reference and value, wherever it stands in the file."""
    if isinstance(value, Secret):
        return value.reference, value.reveal() if value.present else None
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value


class EditionCollector(Collector):
    """What holds, as numbers of `/metrics`."""

    def __init__(self, edition: Callable[[], Edition]) -> None:
        self._edition = edition

    def collect(self) -> Iterator[Metric]:
        """The version, since when, and whether a newer one on disk is at fault."""
        now = self._edition()
        version = InfoMetricFamily("countersign_policy", "The rules in force.", value={"hash": now.policy_hash})
        since = GaugeMetricFamily("countersign_policy_loaded_timestamp_seconds", "Since when they are in force.")
        since.add_metric([], now.since.timestamp())
        faults = GaugeMetricFamily("countersign_policy_faults", "Faults of a newer version on disk; 0: there are none.")
        faults.add_metric([], len(now.faults))
        yield from (version, since, faults)
