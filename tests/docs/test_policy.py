"""docs/policy.md is done from top to bottom, as a reader would; what its commands print is what the page shows.

`python -m tests.docs.test_policy` writes the page with what they print now.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from policy import matching
from policy.reading.files import Faults
from policy.reading.nodes import from_plain
from policy.sources import approvers, limits, rules, subjects
from policy.sources.approvers import requirement
from tests.docs.past import record
from tests.docs.transcript import play, retold

FILE = Path(__file__).resolve().parents[2] / "docs" / "policy.md"
PAGE = FILE.read_text(encoding="utf-8")
SCENES = {"past": record}


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_API_URL", "COUNTERSIGN_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("quiet")
def test_every_command_prints_what_the_page_shows(tmp_path: Path) -> None:
    turns = play(PAGE, tmp_path, SCENES)
    assert len(turns) > 20
    for turn in turns:
        assert turn.printed == turn.shown, f"{turn.command}: `python -m tests.docs.test_policy` mends the page"


def test_the_reference_names_every_key_and_no_other() -> None:
    said = PAGE.partition("## 9. ")[2].partition("## 10. ")[0]
    tables = [
        re.findall(r"^\| `([a-z_.]+)` \|", part, re.MULTILINE) for part in re.split(r"^Of ", said, flags=re.M)[1:]
    ]
    cases = (
        *subjects.CASE,
        *(f"given.{key}" for key in subjects.GIVEN),
        *(f"call.{key}" for key in subjects.CALL),
        *(f"expect.{key}" for key in subjects.EXPECT),
    )
    keys = (rules.KEYS, matching.KEYS, limits.KEYS, approvers.KEYS, cases)
    assert [tuple(table) for table in tables] == [tuple(each) for each in keys]


def test_the_defaults_are_those_of_the_reference() -> None:
    read = requirement(None, "a")(from_plain("page", {"from": "peer"}), Faults())
    assert read is not None
    assert (read.count, read.within_s, read.use_within_s, read.stage) == (1, 24 * 3600, 15 * 60, 0)
    for key, said in {"count": "1", "within": "24h", "use_within": "15m", "stage": "0"}.items():
        assert re.search(rf"^\| `{key}` \| .*; {said} \|$", PAGE, re.MULTILINE), key


if __name__ == "__main__":
    FILE.write_text(retold(PAGE, SCENES), encoding="utf-8")
