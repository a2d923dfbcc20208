"""The forge's memory beside a bare repository: one JSON file a change request, one a head's checks by each reporter."""

import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tools.durable import DamagedFileError, read_json, write_json
from tools.forge.port import PIPELINE, Change, ChangeState, Check, Checks, CheckState, UnknownRepositoryError

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}/[a-z0-9][a-z0-9._-]{0,62}")
_HEAD = re.compile(r"[0-9a-f]{40,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Merging:
    """The intent written before a merge moves the branch, so that a crash in between is understood."""

    commit: str
    by: str
    head: str
    base_head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    change: Change
    merging: Merging | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one repository and its records lie."""

    repository: str
    bare: Path

    @property
    def records(self) -> Path:
        return self.bare.with_suffix(".forge")

    @property
    def lock(self) -> Path:
        return self.records / "lock"

    def entries(self) -> list[Entry]:
        """Every change request, oldest first."""
        numbers = sorted(int(path.stem) for path in (self.records / "changes").glob("[0-9]*.json"))
        return [entry for number in numbers if (entry := self.entry(number)) is not None]

    def entry(self, number: int) -> Entry | None:
        path = self._change(number)
        record = read_json(path)
        if record is None:
            return None
        try:
            change = record["change"]
            merging = record.get("merging")
            return Entry(
                change=Change(**{**change, "state": ChangeState(change["state"])}),
                merging=Merging(**merging) if merging else None,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedFileError(f"{path} is not a change request ({error}): restore it") from error

    def save(self, entry: Entry) -> None:
        write_json(self._change(entry.change.number), asdict(entry))

    def checks(self, head: str, by: str) -> Checks | None:
        record = read_json(self._checks(head, by))
        if record is None:
            return None
        found = tuple(Check(**{**check, "state": CheckState(check["state"])}) for check in record["checks"])
        plain: dict[str, Any] = {**record, "state": CheckState(record["state"]), "plan": tuple(record["plan"])}
        return replace(Checks(**{**plain, "checks": ()}), checks=found)

    def save_checks(self, checks: Checks, by: str) -> None:
        write_json(self._checks(checks.head, by), asdict(checks))

    def _change(self, number: int) -> Path:
        return self.records / "changes" / f"{number}.json"

    def _checks(self, head: str, by: str) -> Path:
        if not _HEAD.fullmatch(head):
            raise ValueError(f"{head!r} is not a commit: 40 hexadecimal digits")
        return self.records / "checks" / (f"{head}.json" if by == PIPELINE else f"{head}.{by}.json")


def place(root: Path, repository: str) -> Place:
    """The place of `repository` beneath `root`. Raises UnknownRepositoryError."""
    if not _NAME.fullmatch(repository) or ".." in repository:
        raise UnknownRepositoryError(f"{repository!r} is not a repository name: write OWNER/NAME")
    bare = root / f"{repository}.git"
    if not (bare / "HEAD").is_file():
        raise UnknownRepositoryError(f"there is no repository {repository} here")
    return Place(repository=repository, bare=bare)
