"""What nobody should send: a clear answer, and nothing lost."""

import asyncio
import re
import shutil
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
import yaml
from aiohttp import ClientSession

from bot.sample.directory import MATERIAL
from tests.stories.demo import Demo, cli, free_port
from tests.stories.page import REQUESTER, SRE, Page, until, words
from tests.stories.truth import generation, sound

# ── Words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("", "What I understand"),
        ("help", "What I understand"),
        ("make me a sandwich", "No runbook fits"),
        ("¯\\_(ツ)_/¯ \u202e \x07 '; DROP TABLE runs; --", "No runbook fits"),
        ("x" * 3000, "No runbook fits"),
        ("status r-aaaaaaaaaa", "There is no run"),
        ("stop r-aaaaaaaaaa", "There is no run"),
        ("pause everything", "Say which run"),
        ("frobnicate r-aaaaaaaaaa", "I do not know"),
        ("redirect r-aaaaaaaaaa", "Say what to do instead"),
        ("answer", "Say which run"),
    ],
)
async def test_words_that_mean_nothing_are_answered_and_start_nothing(
    demo: Demo, page: Page, room: str, said: str, answer: str
) -> None:
    known = await page.run_ids()
    assert (await page.ops(REQUESTER, said, room))["ok"]

    async def answered() -> bool:
        told = [m for m in await page.messages(room) if m.get("ephemeral_to") == REQUESTER]
        return any(answer in words(m) for m in told)

    await until(answered, 10, answer)
    assert await page.run_ids() == known


async def test_a_channel_that_is_not_there_is_told_by_slack_itself(demo: Demo, page: Page) -> None:
    assert await page.ops(REQUESTER, "is web healthy?", "C0NOWHERE00") == {"ok": False, "error": "channel_not_found"}


async def test_what_the_api_does_not_know_is_a_problem_not_a_crash(demo: Demo, page: Page) -> None:
    for method, path in [("GET", "runs/r-aaaaaaaaaa"), ("GET", "runs/%00"), ("GET", "nowhere")]:
        answer = await page.api(path, method)
        assert answer["http"] == 404, path
        assert answer["title"]
    assert (await page.api("tasks", "POST", nonsense=True))["http"] in (400, 422)
    assert (await page.api("runs?limit=many"))["http"] in (400, 422)


# ── Webhooks ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_webhooks_that_are_not_what_they_should_be(demo: Demo, page: Page) -> None:
    known = await page.run_ids()
    json = {"Content-Type": "application/json"}
    assert (await page.webhook("alertmanager", data=b"{not json", headers=json))["http"] == 400
    assert (await page.webhook("alertmanager", data=b"hello", headers={"Content-Type": "text/plain"}))["http"] == 415
    assert (await page.webhook("alertmanager", data=b"[" * 100_000, headers=json))["http"] == 400
    assert (await page.webhook("alertmanager", json={"version": "4", "alerts": "none"}))["http"] == 422
    assert (await page.webhook("nobody", json={}))["http"] == 404
    gzipped = json | {"Content-Encoding": "gzip"}
    assert (await page.webhook("alertmanager", data=b"\x1f\x8b", headers=gzipped))["http"] == 415
    assert await page.run_ids() == known
    async with page.session.get(f"{demo.http}/healthz") as healthy:
        assert healthy.status == 200


async def test_a_webhook_of_ten_megabytes(demo: Demo, page: Page) -> None:
    big = b'{"version": "4", "alerts": [' + b" " * (10 << 20) + b"]}"
    try:
        answer = await page.webhook("alertmanager", data=BytesIO(big), headers={"Content-Type": "application/json"})
    except ConnectionError:
        pass  # it hangs up rather than read on
    else:
        assert answer["http"] == 413
    async with page.session.get(f"{demo.http}/readyz") as ready:
        assert ready.status == 200


async def test_an_alert_whose_channel_is_not_there_is_not_lost(fresh: Demo, session: ClientSession) -> None:
    path = fresh.directory / "countersign.yaml"
    path.write_text(path.read_text().replace("channel: C0INCIDENTS", "channel: C0NOWHERE00"))
    page = Page(fresh.start(), session)
    await page.wedge()
    assert (await page.alert())["http"] == 202

    async def parked() -> str | None:
        runs = (await asyncio.to_thread(fresh.cli, "runs", "list", "--json")).json["runs"]
        return next((run["run_id"] for run in runs if run["status"] == "awaiting_approval"), None)

    run = await until(parked, 20, "the run to be parked")
    await page.ops(SRE, "approvals")
    assert run in await page.told(SRE, run), "those who may countersign it find it"
    assert generation(fresh) == 1
    assert f"{run}:card why='chat.postMessage: channel_not_found'" in fresh.said, "and the log says what is wrong"


# ── Repositories ──────────────────────────────────────────────────────────────────────────────────────────────────────


def repository(demo: Demo, name: str, files: dict[str, str]) -> None:
    """A bare repository `acme/NAME` beside the sample's, with one commit on `main`."""
    bare = demo.directory / "forge" / "acme" / f"{name}.git"
    tree = demo.directory.parent / f"{name}.tree"
    tree.mkdir()
    for path, text in files.items():
        (tree / path).write_text(text)
    who = ("-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    for words_ in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "--all"),
        (*who, "commit", "--quiet", "-m", "Begin"),
        ("clone", "--quiet", "--bare", ".", str(bare)),
    ):
        subprocess.run(["git", *words_], cwd=tree, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("name", "files", "why"),
    [
        ("nope", None, "there is no repository acme/nope"),
        ("broken", {"main.tf": 'resource "aws_s3_bucket" "b" {\n  bucket = \n'}, "not valid Terraform"),
        ("deep", {"main.tf": "x = " + "[" * 20_000 + "]" * 20_000}, "not valid Terraform"),
        ("binary", {"main.tf": "\x00\x01\x02" * 50}, "not valid Terraform"),
        ("empty", {"README.md": "nothing here"}, "finds no S3-7"),
    ],
)
async def test_repositories_that_cannot_be_scanned_are_handed_to_people(
    demo: Demo, page: Page, room: str, name: str, files: dict[str, str] | None, why: str
) -> None:
    if files is not None:
        repository(demo, name, files)
    run = await page.asked(REQUESTER, f"fix finding S3-7 in acme/{name}", room)
    ended = await page.outcome(run)
    assert ended == ("succeeded" if name == "empty" else "escalated")
    [end] = await page.by_key(run, "outcome")
    assert why in words(end)
    assert (await sound(demo))[run] == ended


@pytest.mark.slow
async def test_a_scanner_that_does_not_end_holds_nobody_up(demo: Demo, page: Page, room: str) -> None:
    buckets = "\n".join(f'resource "aws_s3_bucket" "b{n}" {{\n  bucket = "b{n}"\n}}' for n in range(60_000))
    repository(demo, "endless", {"main.tf": buckets})
    run = await page.asked(REQUESTER, "fix finding S3-7 in acme/endless", room)
    await page.status(run, "acting")
    other = await page.asked(REQUESTER, "is web healthy?", room)
    assert await page.ended(other) == "succeeded"
    await page.ops(REQUESTER, f"stop {run}", room)
    assert await page.ended(run, within=200) == "stopped"


# ── Configuration ─────────────────────────────────────────────────────────────────────────────────────────────────────

FILES = [
    "countersign.yaml",
    "agents/incident.yaml",
    "policies/organization.yaml",
    "runbooks/service-down.yaml",
    "resources.yaml",
]


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    shutil.copytree(MATERIAL, tmp_path / "config")
    (tmp_path / "config" / "workspace.yaml").unlink()
    return tmp_path / "config"


def ended_with(configuration: Path, line: str, names: list[str]) -> Path:
    """The configuration, with this line at the end of these files."""
    for name in names:
        with (configuration / name).open("a") as file:
            file.write(f"\n{line}\n")
    return configuration


@pytest.mark.parametrize("names", [FILES[:1], FILES[3:4], FILES[1:3] + FILES[4:]], ids=["main", "runbook", "others"])
def test_malformed_yaml_is_told_with_file_and_line(configuration: Path, names: list[str]) -> None:
    told = cli("policy", "check", config=ended_with(configuration, "unclosed: [1, 2", names))
    assert told.code == 2
    for name in names:
        assert re.search(rf"^{name}:\d+: ", told.err, re.MULTILINE), told.err
    assert "Traceback" not in told.err


@pytest.mark.parametrize("names", [FILES[:3] + FILES[4:], FILES[3:4]], ids=["all but runbooks", "a runbook"])
def test_an_unknown_key_is_told_with_file_line_and_key(configuration: Path, names: list[str]) -> None:
    tokens = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}
    told = cli("serve", config=ended_with(configuration, "frobnicate: yes", names), environ=tokens)
    assert told.code == 2
    for name in names:
        line = (MATERIAL / name).read_text().count("\n") + 2
        assert f"{name}:{line}: frobnicate" in told.err, told.err
    assert told.out == ""


def test_the_sample_itself_is_sound(configuration: Path) -> None:
    assert yaml.safe_load((configuration / "countersign.yaml").read_text())["version"] == 1
    assert cli("policy", "check", config=configuration).code == 0
    assert cli("policy", "test", config=configuration).code == 0


def test_a_secret_that_is_not_there_is_told_before_anything_starts(configuration: Path) -> None:
    told = cli("serve", config=configuration, environ={"SLACK_BOT_TOKEN": "", "SLACK_APP_TOKEN": ""})
    assert told.code == 2
    assert "SLACK_BOT_TOKEN" in told.err


def test_slack_that_does_not_answer_is_told_in_one_line(fresh: Demo) -> None:
    nobody = f"http://127.0.0.1:{free_port()}/api/"
    environ = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "SLACK_API_URL": nobody}
    told = cli("serve", config=fresh.directory, environ=environ)
    assert told.code == 1
    assert told.err.startswith(f"slack: {nobody} does not answer"), told.err
    assert len(told.err.splitlines()) == 1
