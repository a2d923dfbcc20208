"""A page that is done while it is read: its files are written, its edits made, its commands run, from top to bottom.

```yaml   a file, named by its first line, `# policies/x.yaml`; `# policies/x.yaml, continued` adds to it
```diff   an edit of the file that its first line names: what is taken out stood there exactly once
```console   commands after `$ `, each with what it printed
<!-- run: NAME -->   something that a page cannot show: a function of that name is called with the directory
"""

import contextlib
import io
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.cli import main

_PARTS = re.compile(r"^```(yaml|diff|console)\n(.*?)^```$|^<!-- run: (\w+) -->$", re.MULTILINE | re.DOTALL)
# What is another each time, or with every version.
_VARIES = (
    (re.compile(r"sha256:[0-9a-f]{64}"), "sha256:…"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "…"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "…"),
)
_CONTINUED = ", continued"

Scenes = Mapping[str, Callable[[Path], None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One command, what the page says that it prints, and what it printed."""

    command: str
    shown: str
    printed: str


@dataclass(slots=True)
class _Shell:
    """As much of a shell as a page needs."""

    scenes: Scenes
    code: int = 0
    turns: list[Turn] = field(default_factory=list)

    def part(self, kind: str, text: str) -> None:
        match kind:
            case "yaml":
                _write(text)
            case "diff":
                _edit(text)
            case _:
                for command, shown in _commands(text):
                    self.turns.append(Turn(command=command, shown=shown, printed=self._run(command)))

    def _run(self, command: str) -> str:
        match shlex.split(command):
            case ["countersign", *words]:
                return self._countersign(words)
            case ["echo", "$?"]:
                return f"{self.code}\n"
            case ["cd", where]:
                os.chdir(where)
            case ["rm", name]:
                Path(name).unlink()
            case ["cp", "-r", source, target]:
                there = Path(target)
                shutil.copytree(source, there / Path(source).name if there.is_dir() else there, dirs_exist_ok=True)
            case _:
                raise AssertionError(f"this shell cannot: {command}")
        self.code = 0
        return ""

    def _countersign(self, words: list[str]) -> str:
        printed = io.StringIO()
        self.code = 0
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            try:
                main(words)
            except SystemExit as ended:
                self.code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        said = printed.getvalue()
        for pattern, instead in _VARIES:
            said = pattern.sub(instead, said)
        return said


def play(page: str, directory: Path, scenes: Scenes) -> list[Turn]:
    """Do what the page says, beginning in `directory`; every command with its two outputs."""
    shell = _Shell(scenes)
    with contextlib.chdir(directory):
        for found in _PARTS.finditer(page):
            if found[3]:
                scenes[found[3]](Path.cwd())
            else:
                shell.part(found[1], found[2])
    return shell.turns


def retold(page: str, scenes: Scenes) -> str:
    """The page with what its commands print now."""
    with tempfile.TemporaryDirectory() as directory:
        turns = iter(play(page, Path(directory), scenes))

    def block(found: re.Match[str]) -> str:
        if found[1] != "console":
            return found[0]
        told = [next(turns) for _ in _commands(found[2])]
        return "```console\n" + "".join(f"$ {turn.command}\n{turn.printed}" for turn in told) + "```"

    return _PARTS.sub(block, page)


def _commands(text: str) -> Iterator[tuple[str, str]]:
    for said in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = said.partition("\n")
        yield command, shown


def _named(text: str) -> tuple[Path, str, str]:
    """The file that the first line names, that line, and the rest."""
    first, _, rest = text.partition("\n")
    name = first.removeprefix("# ")
    assert name != first, f"names no file: {first}"
    return Path(name.removesuffix(_CONTINUED)), first, rest


def _write(text: str) -> None:
    path, first, rest = _named(text)
    path.parent.mkdir(parents=True, exist_ok=True)
    if first.endswith(_CONTINUED):
        path.write_text(path.read_text(encoding="utf-8") + rest, encoding="utf-8")
    else:
        path.write_text(text, encoding="utf-8")


def _edit(text: str) -> None:
    path, _, rest = _named(text)
    old = "".join(line[1:] for line in rest.splitlines(keepends=True) if not line.startswith("+"))
    new = "".join(line[1:] for line in rest.splitlines(keepends=True) if not line.startswith("-"))
    said = path.read_text(encoding="utf-8")
    assert said.count(old) == 1, (path, old)
    path.write_text(said.replace(old, new), encoding="utf-8")
