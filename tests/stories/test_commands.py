"""The command line beside a running demo: what it prints, and its exit codes."""

import asyncio
import json
from pathlib import Path

from bot.sample.directory import MATERIAL
from tests.stories.demo import Demo, Told, cli
from tests.stories.page import CONTRACTOR, REQUESTER, Page
from tools.services.launch import born


async def test_what_there_is_to_know_about_runs(demo: Demo, page: Page, room: str) -> None:
    run = await page.asked(REQUESTER, "why is web down?", room)
    assert await page.ended(run) == "succeeded"
    refused = await page.asked(CONTRACTOR, "restart web", room)
    assert await page.ended(refused) == "denied"
    listed, shown, traced, replayed, tree = await _all(
        demo,
        ("runs", "list", "--json"),
        ("runs", "show", run, "--json"),
        ("runs", "trace", run, "--json"),
        ("runs", "replay", run, "--json"),
        ("runs", "trace", refused),
    )
    assert {each["run_id"] for each in listed.json["runs"]} >= {run, refused}
    assert shown.json["outcome"] == "succeeded"
    assert [event["type"] for event in traced.json["events"]][:2] == ["TaskReceived", "PolicyDecided"]
    assert replayed.json["divergences"] == []
    assert replayed.json["steps"] > 5
    assert "PolicyDecided" in tree.out


async def test_the_store_verifies_and_rebuilds(demo: Demo, page: Page) -> None:
    verified, rebuilt, tokens = await _all(
        demo, ("audit", "verify", "--json"), ("state", "rebuild", "--json"), ("tokens", "list", "--json")
    )
    assert verified.json["ok"] is True
    assert rebuilt.json["differences"] == []
    assert [token["name"] for token in tokens.json["tokens"]] == ["demo"]
    assert demo.token not in tokens.out


async def test_the_rules_are_sound_and_explained(demo: Demo, tmp_path: Path) -> None:
    task = tmp_path / "task.json"
    task.write_text(
        json.dumps({"type": "chat", "requester": f"user:{REQUESTER}", "context": {"agent_slug": "incident"}})
    )
    call = tmp_path / "call.json"
    call.write_text(json.dumps({"tool": "service.restart", "arguments": {"service": "web"}}))
    checked, tested, explained = await _all(
        demo,
        ("policy", "check", "--json"),
        ("policy", "test", "--json"),
        ("policy", "explain", "--task", str(task), "--call", str(call), "--json"),
    )
    assert checked.json["ok"] is True
    assert tested.code == 0
    assert explained.json["verdict"] == "require_approval"
    assert [asked["from"] for asked in explained.json["required_approvals"]] == ["group:sre"]


async def test_the_answer_is_no(demo: Demo, tmp_path: Path) -> None:
    task = tmp_path / "task.json"
    task.write_text(
        json.dumps({"type": "chat", "requester": f"user:{CONTRACTOR}", "context": {"agent_slug": "incident"}})
    )
    unknown, revoked, denied = await _all(
        demo,
        ("runs", "show", "r-aaaaaaaaaa"),
        ("tokens", "revoke", "nobody"),
        ("policy", "explain", "--task", str(task), "--json"),
        code=1,
    )
    assert "runs list" in unknown.err
    assert "nobody" in revoked.err
    assert denied.json["allowed"] is False


async def test_what_is_no_command() -> None:
    wrong = [("frobnicate",), ("runs", "list", "--status", "asleep")]
    for told in await asyncio.gather(*(asyncio.to_thread(cli, *words) for words in wrong)):
        assert told.code == 2
        assert "Traceback" not in told.err


def test_a_directory_that_is_no_configuration(tmp_path: Path) -> None:
    told = cli("runs", "list", config=tmp_path)
    assert told.code == 2
    assert "countersign.yaml" in told.err


def test_a_configuration_that_was_never_served() -> None:
    told = cli("runs", "list", config=MATERIAL)
    assert told.code == 2
    assert "no store yet" in told.err


def test_a_second_demo_on_the_same_directory_is_refused(demo: Demo) -> None:
    told = cli("demo", "--port", str(demo.port + 7), "--dir", str(demo.directory))
    assert told.code == 2
    assert len(told.err.strip().splitlines()) == 1, told.err
    assert demo.alive


async def test_an_orderly_end_ends_the_service_too(fresh: Demo) -> None:
    await asyncio.to_thread(fresh.start)
    facts = fresh.facts()
    assert set(facts) == {"playground", "http", "api_token", "config", "pid"}
    assert (fresh.directory / "demo.json").stat().st_mode & 0o777 == 0o600
    record = json.loads((fresh.directory / "web" / "process.json").read_text())
    assert await asyncio.to_thread(fresh.stop) == 0
    assert born(record["pid"]) != record["born"]


async def _all(demo: Demo, *commands: tuple[str, ...], code: int = 0) -> list[Told]:
    """What each of them answers, all at the same time."""
    told = await asyncio.gather(*(asyncio.to_thread(demo.cli, *words) for words in commands))
    assert [each.code for each in told] == [code] * len(told), [each.err for each in told]
    return list(told)
