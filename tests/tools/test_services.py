"""The service `web`: it wedges, only a restart mends it, and a restart happens once per key, whoever dies meanwhile."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import aiohttp
import pytest

from domain.calls import Doubt
from tools.durable import append_record, records, write_json
from tools.services import process as processes
from tools.services.local import LocalServices
from tools.services.port import UnknownServiceError

RESTART = """
import asyncio, sys
from pathlib import Path
from examples.acme.setup import web_service
from tools.services.local import LocalServices
control = LocalServices(services={"web": web_service(Path(sys.argv[1]))})
print("ready", flush=True)
print(asyncio.run(control.restart("web", sys.argv[2])), flush=True)
"""


async def post(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.post(url, allow_redirects=False) as answer:
        return answer.status


async def get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.text()


def directory(services: LocalServices) -> Path:
    return services.services["web"].directory


async def test_wedged_is_mended_by_a_restart_only(services: LocalServices):
    url = (await services.status("web")).url
    assert url is not None
    status, page = await get(url)
    assert status == 200
    assert "Wedge it" in page
    assert await post(url + "wedge") == 303
    wedged = await services.status("web")
    assert wedged.running
    assert wedged.healthy is False
    assert (await get(url))[0] == 503
    assert "connection pool exhausted" in await services.logs("web", 20)
    restarted = await services.restart("web", "key-1")
    assert restarted.healthy
    assert (restarted.before, restarted.after) == (1, 2)
    assert (await services.status("web")).healthy


async def test_a_repeated_key_restarts_once(services: LocalServices):
    first = await services.restart("web", "key-1")
    again = await services.restart("web", "key-1")
    assert again.repeated
    assert (again.after, again.pid) == (first.after, first.pid)
    assert (await services.status("web")).generation == 2
    other = await services.restart("web", "key-2")
    assert other.after == 3


async def test_restarts_at_the_same_time_are_one_per_key(services: LocalServices):
    done = await asyncio.gather(*(services.restart("web", f"key-{i % 2}") for i in range(6)))
    assert (await services.status("web")).generation == 3
    assert {d.key: d.after for d in done}.keys() == {"key-0", "key-1"}


async def test_check_knows_before_and_after(services: LocalServices):
    assert await services.check("web", "key-1") is Doubt.NOT_HAPPENED
    await services.restart("web", "key-1")
    assert await services.check("web", "key-1") is Doubt.HAPPENED


async def test_an_intent_without_effect_did_not_happen_and_is_finished_by_a_repeat(services: LocalServices):
    append_record(directory(services) / "restarts.jsonl", {"key": "k", "step": "intent", "before": 1, "at": 0})
    assert await services.check("web", "k") is Doubt.NOT_HAPPENED
    assert (await services.restart("web", "k")).after == 2


async def test_killed_but_not_started_is_unknown_and_finished_by_a_repeat(services: LocalServices):
    append_record(directory(services) / "restarts.jsonl", {"key": "k", "step": "intent", "before": 1, "at": 0})
    process = processes.current(directory(services))
    assert process is not None
    await processes.end(process, patience_s=5)
    assert await services.check("web", "k") is Doubt.UNKNOWN
    assert (await services.restart("web", "k")).after == 2
    assert await services.check("web", "k") is Doubt.HAPPENED


async def test_a_torn_record_is_not_a_record(services: LocalServices):
    journal = directory(services) / "restarts.jsonl"
    with journal.open("a") as file:
        file.write('{"key": "k", "step": "do')
    await services.restart("web", "k")
    assert [record["step"] for record in records(journal)] == ["intent", "done"]


async def test_a_process_id_that_went_to_another_is_never_killed(services: LocalServices):
    process = processes.current(directory(services))
    assert process is not None
    bystander = subprocess.Popen(["sleep", "60"])  # noqa: ASYNC220 - it only has to exist
    try:
        record = {"pid": bystander.pid, "generation": 1, "born": process.born, "started_at": 0.0}
        write_json(directory(services) / "process.json", record)
        assert not (await services.status("web")).running
        impostor = processes.current(directory(services))
        assert impostor is not None
        await processes.end(impostor, patience_s=0.2)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
        await processes.end(process, patience_s=5)


async def test_the_service_is_adopted_not_started_twice(services: LocalServices):
    before = await services.status("web")
    adopted = await services.ensure_started("web")
    assert (adopted.pid, adopted.generation) == (before.pid, before.generation)


async def test_unknown_services_are_named(services: LocalServices):
    with pytest.raises(UnknownServiceError, match="known: web"):
        await services.status("db")


async def one_kill(services: LocalServices, key: str, after_s: float) -> None:
    """Start a restart in a process of its own and kill -9 it after a while; then repeat it here."""
    root = Path(__file__).parents[2]
    before = (await services.status("web")).generation
    argv = (sys.executable, "-c", textwrap.dedent(RESTART), str(directory(services)), key)
    caller = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE, cwd=root)
    assert caller.stdout is not None
    await caller.stdout.readline()
    await asyncio.sleep(after_s)
    if caller.returncode is None:
        os.kill(caller.pid, signal.SIGKILL)
    await caller.stdout.read()
    await caller.wait()
    done = await services.restart("web", key)
    assert done.after == before + 1
    assert done.healthy
    assert (await services.status("web")).generation == before + 1
    assert await services.check("web", key) is Doubt.HAPPENED
    assert len(_web_processes(directory(services))) == 1


async def test_kill_9_in_the_middle_of_a_restart(services: LocalServices):
    for number in range(8):
        await one_kill(services, f"key-{number}", 0.004 * number)


@pytest.mark.slow
async def test_kill_9_anywhere_in_a_restart(services: LocalServices):
    for number in range(60):
        await one_kill(services, f"key-{number}", 0.0025 * number)


async def test_the_service_outlives_who_started_it(room: Path):
    program = """
import asyncio, sys
from pathlib import Path
from examples.acme.setup import web_service
from tools.services.local import LocalServices
control = LocalServices(services={"web": web_service(Path(sys.argv[1]))})
print(asyncio.run(control.ensure_started("web")).pid, flush=True)
import os, signal
os.killpg(os.getpgrp(), signal.SIGKILL)
"""
    root = Path(__file__).parents[2]
    starter = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, str(room / "web")),
        stdout=asyncio.subprocess.PIPE,
        cwd=root,
        start_new_session=True,
    )
    printed, _ = await starter.communicate()
    from examples.acme.setup import web_service  # noqa: PLC0415 - the same service from this process

    control = LocalServices(services={"web": web_service(room / "web")})
    try:
        status = await control.status("web")
        assert status.running
        assert status.pid == int(printed)
    finally:
        await control.stop("web")


def _web_processes(place: Path) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        launching = any(word.endswith(b"launch.py") for word in words)
        if (
            not launching
            and any(word.endswith(b"web.py") for word in words)
            and str(place / "web.log").encode() in words
        ):
            found.append(int(entry.parent.name))
    return found


def test_records_are_json_lines(room: Path):
    append_record(room / "a.jsonl", {"a": 1})
    append_record(room / "a.jsonl", {"b": time.time_ns() % 10})
    assert len((room / "a.jsonl").read_text().splitlines()) == 2
    assert json.loads((room / "a.jsonl").read_text().splitlines()[0]) == {"a": 1}
