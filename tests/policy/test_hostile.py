"""`policy check` on files that mean harm: a clean fault with file and line, in bounded time and memory."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.configuration import Invalid, load
from bot.configuration.files import LARGEST_FOLDER, MOST_FILES, decoded, folder
from policy.reading.characters import forbidden, shown
from policy.reading.faults import MOST_FAULTS
from policy.reading.files import Faults
from tests.bot.test_configuration import AGENT, LEAST, write
from tests.policy.world import faults_of

ROOT = Path(__file__).parents[2]
HEAD = "version: 1\npolicies:\n"
MEMORY = 1 << 30
SECONDS = 50


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return write(tmp_path, {"countersign.yaml": LEAST, "agents/a.yaml": AGENT, "policies/b.yaml": HEAD + "  []\n"})


def faults(home: Path) -> list[str]:
    with pytest.raises(Invalid) as raised:
        load(home, {})
    return [str(fault) for fault in raised.value.faults]


# ── What is no file ───────────────────────────────────────────────────────────────────────────────────────────────────


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _nowhere(path: Path) -> None:
    path.symlink_to("nowhere")


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


NOT_FILES: list[tuple[Callable[[Path], None], str]] = [
    (_fifo, "is not a file"),
    (_loop, "cannot be read: Too many levels of symbolic links"),
    (_nowhere, "cannot be read: No such file or directory"),
    (_device, "is not a file"),
    (Path.mkdir, "is not a file"),
]


@pytest.mark.parametrize(("make", "problem"), NOT_FILES)
@pytest.mark.parametrize("name", ["policies/x.yaml", "agents/x.yml", "resources.yaml"])
def test_what_is_no_file_is_a_fault_and_never_skipped(
    home: Path, make: Callable[[Path], None], problem: str, name: str
) -> None:
    make(home / name)
    assert faults(home) == [f"{name}:1: {problem}"]


@pytest.mark.parametrize(("make", "problem"), NOT_FILES)
def test_the_main_file_may_not_be_one_either(tmp_path: Path, make: Callable[[Path], None], problem: str) -> None:
    make(tmp_path / "countersign.yaml")
    assert faults(tmp_path) == [f"countersign.yaml:1: {problem}"]


def test_a_file_in_place_of_a_folder(home: Path) -> None:
    (home / "policies" / "b.yaml").unlink()
    (home / "policies").rmdir()
    (home / "policies").write_text("version: 1\n")
    assert faults(home) == ["policies:1: cannot be read: Not a directory (it must be a folder)"]


def test_a_link_to_a_file_is_one(home: Path) -> None:
    (home / "rules").write_text(HEAD + "  - {id: a, deny: No}\n")
    (home / "policies" / "x.yaml").symlink_to("../rules")
    assert [rule.id for rule in load(home, {}).policies.rules] == ["a"]


def test_an_editors_lock_is_not_one(home: Path) -> None:
    (home / "policies" / ".#b.yaml").symlink_to("somebody@somewhere.123:456")
    assert load(home, {}).policies.rules == ()


@pytest.mark.parametrize(
    "name", ["x\n.yaml", "x\x1b[2J.yaml", "é.yaml", "x" * 200 + ".yaml", "x.YAML", os.fsdecode(b"\xff.yaml")]
)
def test_names_that_could_not_be_shown(home: Path, name: str) -> None:
    (home / "policies" / name).write_text(HEAD + "  []\n")
    (fault,) = faults(home)
    assert fault.startswith("policies/")
    assert fault.isprintable()
    assert fault.isascii()


def test_too_many_files_and_too_large_ones(home: Path) -> None:
    for number in range(MOST_FILES):
        (home / "policies" / f"{number}.yaml").touch()
    assert faults(home) == [f"policies:1: holds more than {MOST_FILES} files"]


def test_too_much_in_all(home: Path) -> None:
    part = b"# " + b"x" * (LARGEST_FOLDER // 4) + b"\n"
    for number in range(5):
        (home / "policies" / f"{number}.yaml").write_bytes(part)
    found = Faults()
    assert len(folder(home, "policies", found)) == 3
    assert [fault.file for fault in found] == ["policies/3.yaml"]


# ── What is no text, or not the text that it seems ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"version: 1\na: \xff", "f:2: is not UTF-8 (save it as UTF-8)"),
        ("version: 1\n".encode("utf-16"), "f:1: is not UTF-8 (save it as UTF-8)"),
        (b"x" * (17 << 20), "f:1: is too large"),
    ],
)
def test_bytes_that_are_no_text(content: bytes, fault: str) -> None:
    found = Faults()
    assert decoded("f", content, found) is None
    assert fault in str(next(iter(found)))


def test_a_byte_order_mark_is_taken_off() -> None:
    assert decoded("f", b"\xef\xbb\xbfversion: 1", Faults()) == "version: 1"


@pytest.mark.parametrize(
    ("text", "line", "column", "problem"),
    [
        ("a: 1\nb: \x00", 2, 4, "is not YAML: it holds U+0000 (a control character)"),
        ("a: \x1b[2J", 1, 4, "U+001B"),
        ("# all is well\u2028- {id: x}", 1, 14, "holds U+2028 (line separator), which not every program shows"),
        ("# all is well\r- {id: x}", 1, 14, "U+000D"),
        ("# all is well\x85- {id: x}", 1, 14, "U+0085"),
        ("\n\ndeny: \u202enur", 3, 7, "right-to-left override"),
        ("a: \ufeff", 1, 4, "U+FEFF"),
        ("a: \ud800", 1, 4, "U+D800"),
    ],
)
def test_what_hides_is_refused_where_it_stands(text: str, line: int, column: int, problem: str) -> None:
    found = forbidden(text)
    assert found is not None
    assert (found.line, found.column) == (line, column)
    assert problem in found.problem


@pytest.mark.parametrize("text", ["a: 1\r\nb: 2\r\n", "a: Ä 夏休み 👩‍💻 עברית", "\ta\n"])
def test_what_people_write_is_not(text: str) -> None:
    assert forbidden(text) is None


def test_what_is_shown_fits_on_a_line() -> None:
    assert shown("a\x1b[2J\nb\u202e") == "a\\x1b[2J\\nb\\u202e"
    assert len(shown("x" * 10_000)) < 250
    (fault,) = faults_of('  - {id: a, deny: No, "\\e[2J": 1}\n')
    assert fault.isprintable()


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("{id: \u0430dmin, deny: No}", "is not an id"),  # a Cyrillic a
        ("{id: a, match: {tool: [g\u0456t.push]}, deny: No}", "is not a name or a pattern of names"),
        ("{id: a, match: {type: [ch\u0430t]}, deny: No}", "is not a name or a pattern of names"),
        ("{id: a, match: {requester: ['group:sr\u0435']}, deny: No}", "names no requester"),
        ("{id: a, approve: [{from: 'group:sr\u0435'}]}", "names no approvers"),
        ("{id: a, match: {labels: {env: []}}, deny: No}", "names nothing that could match"),
        (f"{{id: a, match: {{tool: [{', '.join(['git.push'] * 1001)}]}}, deny: No}}", "names more than 1000"),
        (f"{{id: a, approve: [{{from: {'{any: [' * 30}self{']}' * 30}}}]}}", "is nested deeper"),
    ],
)
def test_names_are_plain_and_lists_are_short(rule: str, problem: str) -> None:
    assert problem in faults_of(f"  - {rule}\n")[0]


# ── In bounded time and memory ────────────────────────────────────────────────────────────────────────────────────────


def _rules(number: int, rule: str) -> str:
    return HEAD + "".join(f"  - {rule.replace('#', str(n))}\n" for n in range(number))


BOMBS = {
    "keys": ("version: 1\n" + "".join(f"k{n}: 1\n" for n in range(150_000)), "more keys that are not keys here"),
    "the same key": ("version: 1\n" * 100_000, "more faults"),
    "values": ("- a\n" * 1_000_000, "holds more than"),
    "aliases": (
        "a: &a [x]\n" + "".join(f"b{n}: [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n" for n in range(50)),
        "anchors are not allowed",
    ),
    "a long line": (HEAD + f'  - {{id: a, deny: "{"x" * 3_000_000}"}}\n', "is longer than"),
    "depth": (HEAD + "  - " + "[" * 100_000, "is nested deeper"),
    "braces": ("{" * 100_000, "a key must be text"),
    "zones": (
        _rules(10_000, "{id: f#, from: 2026-12-20T00:00, until: 2027-01-04T08:00, zone: Europe/Berlinn}").replace(
            "policies:", "freezes:"
        ),
        "more faults",
    ),
    "patterns": (_rules(300, "{id: a#, when: \"task.goal.matches('(a{500}x{#}){500}')\", deny: No}"), "matches()"),
    "slips": (_rules(8_000, "{id: r#, match: {tool: [git.comit#], agent: [operatr]}, deny: No}"), "more faults"),
}


def _bounded() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


@pytest.mark.slow
@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.timeout(SECONDS + 10)
def test_a_bomb_ends_in_a_fault(home: Path, bomb: str) -> None:
    text, problem = BOMBS[bomb]
    _ends_in(home, text, problem)


@pytest.mark.parametrize("bomb", ["aliases", "depth", "a long line"])
def test_a_small_bomb_too(home: Path, bomb: str) -> None:
    _ends_in(home, *BOMBS[bomb])


def _ends_in(home: Path, text: str, problem: str) -> None:
    (home / "policies" / "b.yaml").write_text(text)
    said = subprocess.run(
        [sys.executable, "-m", "bot", "policy", "check", "--config", str(home)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        cwd=ROOT,
        preexec_fn=_bounded,
    )
    assert said.returncode == 2
    assert said.stdout == ""
    assert problem in said.stderr
    lines = said.stderr.splitlines()
    assert len(lines) <= MOST_FAULTS + 1
    assert all(line.startswith("policies/b.yaml:") for line in lines)
