"""When the directory is read again: never while somebody writes there, whole or not at all, and told once."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bot import reload
from bot.configuration import Configuration, load
from bot.reload import Means, Reloader, Rereading
from bot.rulebook import InForce, lay_down
from bot.systems import catalog_for, known_tools
from domain.events import PolicyLoaded
from examples import acme
from tests.loop.house import ManualClock

SAMPLE = Path(acme.__file__).parent / "config"
RULES = "policies/production.yaml"
ENVIRON = {"SLACK_BOT_TOKEN": "a", "SLACK_APP_TOKEN": "b"}


class Bench:
    """A reloader over a copy of the sample, with everything it tells and records."""

    def __init__(self, directory: Path) -> None:
        self.directory = shutil.copytree(SAMPLE, directory / "config")
        self.meanwhile: Callable[[], None] = lambda: None
        self.recorded: list[PolicyLoaded] = []
        self.told: list[tuple[str, str]] = []
        self.adopted: list[Configuration] = []
        first = self.read()
        self.in_force = InForce(lay_down(first, catalog_for(first)), ManualClock().now())
        means = Means(
            rereading=Rereading(read=self.read, asked=asyncio.Event()),
            catalog=catalog_for(first),
            record=self.record,
            adopted=self.adopted.append,
            tell=self.tell,
            clock=ManualClock(),
        )
        self.reloader = Reloader(self.in_force, means)

    def read(self) -> Configuration:
        found = load(self.directory, ENVIRON, tools=known_tools())
        self.meanwhile()
        return found

    async def record(self, event: PolicyLoaded, swap: Callable[[], None]) -> int:
        self.recorded.append(event)
        swap()
        return 0

    async def tell(self, subject: str, text: str) -> None:
        self.told.append((subject, text))

    def write(self, old: str, new: str, name: str = RULES) -> None:
        path = self.directory / name
        said = path.read_text()
        assert old in said
        path.write_text(said.replace(old, new))

    async def settled(self) -> None:
        """Look twice, with nothing written between."""
        await self.reloader.look()
        await asyncio.sleep(reload.SETTLE_S + 0.05)
        await self.reloader.look()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_what_has_not_changed_is_not_recorded(bench: Bench) -> None:
    await bench.settled()
    (bench.directory / RULES).touch()
    await bench.settled()
    assert (bench.recorded, bench.told) == ([], [])


async def test_a_comment_changes_nothing_that_people_need_to_hear_of(bench: Bench) -> None:
    bench.write("version: 1", "version: 1  # reviewed")
    assert (await bench.reloader.now("a test")).text.endswith("no rule says otherwise.")
    assert bench.told == []


async def test_two_files_saved_one_after_the_other_are_read_together(bench: Bench) -> None:
    await bench.settled()
    bench.write("count: 1", "count: 2")
    await bench.reloader.look()
    await asyncio.sleep(reload.SETTLE_S * 0.6)
    bench.write("year-end-2031", "year-end", RULES)
    await bench.reloader.look()
    await asyncio.sleep(reload.SETTLE_S * 0.6)
    await bench.reloader.look()
    assert bench.recorded == [], "somebody has only just written"
    await bench.settled()
    assert len(bench.recorded) == len(bench.adopted) == len(bench.told) == 1
    assert bench.in_force.laid.configuration is bench.adopted[0]
    assert "freeze year-end" in bench.told[0][1]
    assert "rule no-direct-production" in bench.told[0][1]


async def test_what_is_written_while_it_is_read_is_not_taken(bench: Bench) -> None:
    bench.write("count: 1", "count: 2")
    bench.meanwhile = lambda: bench.write("count: 2", "count: 3") if "count: 2" in bench_text(bench) else None
    reply = await bench.reloader.now("user:U1")
    assert not reply.ok
    assert "Somebody is writing there" in reply.text
    assert bench.recorded == []
    assert (await bench.reloader.now("user:U1")).ok
    assert [event.why for event in bench.recorded] == [f"{RULES}: user:U1"]


def bench_text(bench: Bench) -> str:
    return (bench.directory / RULES).read_text()


@pytest.mark.parametrize("folder", ["policies", "agents", "runbooks"])
async def test_a_folder_that_is_gone_takes_no_rule_along(bench: Bench, folder: str) -> None:
    held = bench.in_force.laid
    (bench.directory / folder).rename(bench.directory / "elsewhere")
    reply = await bench.reloader.now("a test")
    assert not reply.ok
    assert bench.in_force.laid is held
    if folder != "agents":  # without any, other faults come first
        assert f"{folder}:1: is gone" in reply.text
    (bench.directory / "elsewhere").rename(bench.directory / folder)
    assert (await bench.reloader.now("a test")).ok


async def test_a_fault_keeps_what_holds_and_is_one_subject_until_it_is_mended(bench: Bench) -> None:
    held = bench.in_force.laid
    bench.write("level: resource", "level: planet")
    assert not (await bench.reloader.now("a test")).ok
    bench.write("level: planet", "level: moon")
    assert not (await bench.reloader.now("a test")).ok
    assert bench.in_force.laid is held
    assert len({subject for subject, _ in bench.told}) == 1
    assert "production.yaml:4" in bench.reloader.edition.text
    bench.write("level: moon", "level: resource")
    await bench.reloader.now("a test")
    assert bench.told[-1][1].startswith("Mended")
    assert bench.reloader.edition.faults == ()
    assert bench.recorded == []


async def test_what_cannot_even_be_read_is_a_fault(bench: Bench) -> None:
    def broken() -> None:
        raise RecursionError("deep")

    bench.write("count: 1", "count: 2")
    bench.meanwhile = broken
    reply = await bench.reloader.now("a test")
    assert "could not be read: RecursionError" in reply.text
    assert bench.recorded == []


async def test_a_sender_that_runs_until_the_next_start_keeps_its_agent(bench: Bench) -> None:
    bench.write("agent: incident", "agent: advisor", "countersign.yaml")
    bench.write("slug: incident", "slug: incidents", "agents/incident.yaml")
    bench.write("agent: [incident]", "agent: [incidents]", "policies/organization.yaml")
    bench.write("agents: [incident]", "agents: [incidents]", "runbooks/service-down.yaml")
    reply = await bench.reloader.now("a test")
    assert 'still hands its tasks to the agent "incident" until the next start' in reply.text
    assert bench.recorded == []


async def test_groups_change_with_the_rules_and_slack_waits(bench: Bench) -> None:
    bench.write("security: [U0SECURITY]", "security: [U0SECURITY, U0SRE0001]", "countersign.yaml")
    bench.write("C0APPROVALS", "C0OTHER0001", "countersign.yaml")
    reply = await bench.reloader.now("a test")
    assert reply.ok
    assert "changed: groups" in reply.text
    assert bench.adopted[0].groups["security"].members == frozenset({"user:U0SECURITY", "user:U0SRE0001"})
    assert bench.adopted[0].places["approvals"] == ("C0APPROVALS",)
    assert bench.reloader.edition.waiting == ("places",)
