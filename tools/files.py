"""Reading and editing a clone in the workspace. An edit is exact: what it finds, how often, or nothing changes."""

import asyncio
import difflib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from domain.calls import ErrorKind, ToolSpec
from domain.canonical import Json
from domain.tiers import Effect
from tools.durable import read_json, write_json
from tools.port import Arguments, Done, Reading, ToolFailure, Workplace
from tools.schema import REPOSITORY, number, record, several, text
from tools.workspace import MAX_FILE, read_text, require_clone, within, write_text

_MAX_LISTED = 2000
_MAX_HITS = 200
_REPOSITORY = text("OWNER/NAME of a cloned repository", at_most=127, pattern=REPOSITORY)
_PATH = text("path within the repository", at_most=400, at_least=1)


def _reading(name: str, describe: str, *, writes: bool = False, **arguments: Json) -> ToolSpec:
    required = ["repository", *(key for key in ("path", "text", "edits") if key in arguments and name != "repo.list")]
    if name == "repo.search":
        required = ["repository", "text"]
    return ToolSpec(
        name=name,
        version=1,
        effect=Effect.READ,
        describe=describe,
        arguments=record(required=required, repository=_REPOSITORY, **arguments),
        selectors=("repository",),
        resource="{repository}",
        idempotent=True,
        writes_workspace=writes,
    )


LIST = _reading("repo.list", "List the files of a cloned repository, or of one directory of it.", path=_PATH)
READ = _reading(
    "repo.read",
    "Read a file of a cloned repository, whole or some of its lines.",
    path=_PATH,
    first=number("first line, from 1", least=1, most=1_000_000),
    lines=number("how many lines", least=1, most=5000),
)
SEARCH = _reading(
    "repo.search",
    "Find the lines of a cloned repository that contain a text.",
    text=text("what to look for, exactly", at_most=200, at_least=1),
    path=_PATH,
)
_EDIT = record(
    find=text("the exact text to replace; leave out to append", at_most=20_000, at_least=1),
    replace=text("what to put there, or to append at the end", at_most=40_000),
    count=number("how often it must be found", least=1, most=1000),
    required=["replace"],
)
EDIT = _reading(
    "repo.edit",
    "Edit a file of the workspace's clone: exact replacements, or text appended at the end. All of it or nothing.",
    writes=True,
    path=_PATH,
    edits=several("done in this order", _EDIT, at_most=50, at_least=1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFiles(Reading):
    spec: ToolSpec = LIST

    async def perform(self, arguments: Arguments, at: Workplace) -> Done:
        clone = require_clone(at.workspace, arguments["repository"])
        start = within(clone, arguments["path"].rstrip("/")) if "path" in arguments else clone
        names = await asyncio.to_thread(lambda: [name for name, _ in _walk(clone, start)])
        shown = names[:_MAX_LISTED]
        data = {"files": shown, "count": len(names), "truncated": len(names) > len(shown)}
        return Done(summary=f"{len(names)} files.", data=data)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFile(Reading):
    spec: ToolSpec = READ

    async def perform(self, arguments: Arguments, at: Workplace) -> Done:
        clone, path = require_clone(at.workspace, arguments["repository"]), arguments["path"]
        lines = read_text(within(clone, path), path).splitlines(keepends=True)
        first = arguments.get("first", 1)
        chosen = lines[first - 1 : first - 1 + arguments.get("lines", len(lines))]
        data = {"path": path, "first": first, "lines": len(lines), "text": "".join(chosen)}
        return Done(summary=f"{path}: {len(chosen)} of {len(lines)} lines.", data=data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search(Reading):
    spec: ToolSpec = SEARCH

    async def perform(self, arguments: Arguments, at: Workplace) -> Done:
        clone = require_clone(at.workspace, arguments["repository"])
        start = within(clone, arguments["path"].rstrip("/")) if "path" in arguments else clone
        hits = await asyncio.to_thread(_found, clone, start, arguments["text"])
        shown = hits[:_MAX_HITS]
        data = {"hits": shown, "count": len(hits), "truncated": len(hits) > len(shown)}
        found = "1 line contains it." if len(hits) == 1 else f"{len(hits)} lines contain it."
        return Done(summary=found, data=data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit(Reading):
    spec: ToolSpec = EDIT

    async def perform(self, arguments: Arguments, at: Workplace) -> Done:
        clone, name = require_clone(at.workspace, arguments["repository"]), arguments["path"]
        path = within(clone, name)
        if (repeated := _done_before(at, path)) is not None:
            return repeated
        before = read_text(path, name) if path.exists() else ""
        after = before
        for index, edit in enumerate(arguments["edits"]):
            after = _edited(after, edit, f"{name}: edit {index + 1}")
        if len(after.encode()) > MAX_FILE:
            raise ToolFailure(ErrorKind.ARGUMENTS, f"{name}: would be larger than {MAX_FILE} bytes")
        diff = "".join(_diff(before, after, name))
        changed = sum(line[:1] in "+-" and not line.startswith(("+++", "---")) for line in diff.splitlines() if line)
        data = {"path": name, "diff": diff, "changed": before != after, "sha256": _sha256(after)}
        done = Done(summary=f"{name}: {changed} lines changed.", data=data)
        _remember(at, done)
        write_text(path, after)
        return done


def _done_before(at: Workplace, path: Path) -> Done | None:
    """What this very call did before a crash, if the file is as it left it: an edit is not done twice."""
    record_ = read_json(_memory(at)) if at.key else None
    if record_ is None or not path.is_file():
        return None
    same = _sha256(read_text(path, path.name)) == record_["data"]["sha256"]
    return Done(summary=record_["summary"], data=record_["data"]) if same else None


def _remember(at: Workplace, done: Done) -> None:
    if at.key:
        write_json(_memory(at), {"summary": done.summary, "data": dict(done.data)})


def _memory(at: Workplace) -> Path:
    return at.workspace / ".edits" / f"{_sha256(at.key)[:32]}.json"


def _sha256(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def _edited(content: str, edit: Arguments, where: str) -> str:
    find, replacement = edit.get("find"), edit["replace"]
    if find is None:
        return content + replacement if content.endswith("\n") or not content else f"{content}\n{replacement}"
    expected, found = edit.get("count", 1), content.count(find)
    if found != expected:
        why = f"{where}: the text is there {found} times, not {expected}; nothing was changed"
        raise ToolFailure(ErrorKind.PRECONDITION, why)
    return content.replace(find, replacement)


def _diff(before: str, after: str, name: str) -> Iterator[str]:
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for line in difflib.unified_diff(old, new, f"a/{name}", f"b/{name}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _walk(clone: Path, start: Path) -> Iterator[tuple[str, Path]]:
    if start.is_file():
        yield start.relative_to(clone).as_posix(), start
        return
    for directory, names, files in os.walk(start, followlinks=False):
        names[:] = sorted(name for name in names if name != ".git")
        for name in sorted(files):
            path = Path(directory, name)
            yield path.relative_to(clone).as_posix(), path


def _found(clone: Path, start: Path, wanted: str) -> list[dict[str, Json]]:
    hits: list[dict[str, Json]] = []
    for name, path in _walk(clone, start):
        try:
            content = read_text(path, name)
        except ToolFailure:
            continue  # not text, or too large to be read
        for line_number, line in enumerate(content.splitlines(), start=1):
            if wanted in line:
                hits.append({"path": name, "line": line_number, "text": line[:300]})
    return hits
