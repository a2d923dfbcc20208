"""The samples against real tools: real git, the local forge and its pipeline, a real service process."""

from dataclasses import dataclass

import aiohttp
import pytest

from changes.digest import idempotency_key
from domain.calls import ErrorKind, Observation, ToolCall
from domain.events import Noticed
from domain.outcomes import Outcome
from domain.runs import Status
from policy.conditions.condition import compile_condition
from policy.conditions.shapes import RESULT_ROOTS
from tests.reasoning.drive import Story, alert, chat
from tests.tools.conftest import Acme, acme, best, room, services
from tools.broker import LocalBroker
from tools.git.runner import Identity
from tools.pipeline.local import applied_path
from tools.port import ToolFailure
from tools.redaction import Redaction
from tools.registry import Systems, installed
from tools.services.local import LocalServices
from tools.toolbox import Toolbox, toolbox_of
from tools.workspace import Workspaces

__all__ = ["acme", "best", "room", "services"]  # fixtures


@dataclass
class Play:
    """Plays the loop: performs what is proposed, settles what is waited for, and merges what is offered."""

    story: Story
    toolbox: Toolbox
    acme: Acme | None = None

    async def to_the_end(self) -> Story:
        for _ in range(60):
            self.story.take()
            match self.story.run.status:
                case Status.PROPOSED:
                    while self.story.run.batch and await self.group():
                        pass
                case Status.WAITING:
                    await self.wait()
                case _:
                    pass
            if self.story.run.ending is not None:
                return self.story
        raise AssertionError("the run does not end")

    async def group(self) -> bool:
        calls = [record.call for record in self.story.run.group]
        self.story.start(*(call.call_id for call in calls))
        for call in calls:
            seen = await self.perform(call)
            met = None
            if call.expect is not None:
                condition = compile_condition(call.expect.condition, RESULT_ROOTS)
                met = seen.ok and condition.holds({"result": dict(seen.data)})
            self.story.returned(call.call_id, seen, met)
            if not seen.ok or met is False:
                self.story.drop_rest("failed")
        return bool(self.story.run.group)

    async def perform(self, call: ToolCall) -> Observation:
        tool, key = self.toolbox.tools[call.tool], idempotency_key(self.story.run.run_id, call)
        async with self.toolbox._at(self.story.run, tool, call.arguments, Redaction(), key=key) as at:
            try:
                done = await tool.perform(call.arguments, at)
            except ToolFailure as failure:
                kind: ErrorKind = failure.kind
                return Observation(ok=False, summary=str(failure), error=str(failure), error_kind=kind)
        return Observation(ok=done.ok, summary=done.summary, data=done.data)

    async def wait(self) -> None:
        assert self.acme is not None
        await self.acme.pipeline.run_once()
        wait, offer = self.story.run.waits[-1], self.story.run.offer
        settled = await self.acme.watch.settled(wait.topic)
        if settled is None and offer is not None:
            assert (await self.perform(offer.call)).ok
            settled = await self.acme.watch.settled(wait.topic)
        assert settled is not None, wait.topic
        self.story.add(Noticed(topic=wait.topic, what=settled))


def hands(acme: Acme, services: LocalServices | None = None, allow: tuple[str, ...] = ()) -> Toolbox:
    systems = Systems(
        sandbox=acme.sandbox,
        git=acme.git,
        forge=acme.forge,
        applied=lambda name: applied_path(acme.forge, name),
        services=services,
        probe_allow=allow,
        author=Identity(name="Countersign", email="countersign@acme.example"),
    )
    places = Workspaces(root=acme.root / "runs")
    return toolbox_of(installed(systems), broker=LocalBroker(where=acme.forge.bare), workspaces=places)


async def test_a_finding_becomes_a_merged_and_applied_change(acme: Acme) -> None:
    play = Play(Story(chat("fix finding S3-7 in acme/infra")), hands(acme), acme)
    told = await play.to_the_end()
    assert told.run.ending is not None
    assert told.run.ending.outcome is Outcome.SUCCEEDED, told.run.ending.summary
    assert "acme/infra#1 was merged as" in told.run.ending.summary
    changes = await acme.forge.list_changes("acme/infra")
    assert [change.branch for change in changes] == ["countersign/r-abc"]
    diff = await acme.forge.diff("acme/infra", 1)
    assert diff.count('\n+resource "aws_s3_bucket_server_side_encryption_configuration" "exports" {') == 1
    again = await Play(Story(chat("is S3-7 still open in acme/infra?")), hands(acme), acme).to_the_end()
    assert again.run.ending is not None
    assert again.run.ending.summary.startswith("No:")


async def test_questions_about_findings(acme: Acme) -> None:
    told = await Play(Story(chat("is S3-7 still open in acme/infra?")), hands(acme), acme).to_the_end()
    assert told.run.ending is not None
    assert 'resource "aws_s3_bucket" "exports" {' in told.run.ending.summary
    told = await Play(Story(chat("what findings are open in acme/infra?")), hands(acme), acme).to_the_end()
    assert told.run.ending is not None
    assert "aws_s3_bucket.exports" in told.run.ending.summary


@pytest.mark.parametrize("source", ["alert", "chat"])
async def test_a_wedged_service_is_restarted_once(acme: Acme, services: LocalServices, source: str) -> None:
    status = await services.status("web")
    host = (status.url or "").removeprefix("http://").rstrip("/")
    asked = alert({"alertname": "ServiceDown", "service": "web"}) if source == "alert" else chat("restart web")
    box = hands(acme, services, (host,))
    quiet = await Play(Story(asked), box).to_the_end()
    assert quiet.run.ending is not None
    assert "healthy now; nothing was changed" in quiet.run.ending.summary
    await _wedge(status.url or "")
    told = await Play(Story(chat("why is web down?")), box).to_the_end()
    assert told.run.ending is not None
    assert "connection pool exhausted" in told.run.ending.summary
    told = await Play(Story(asked), box).to_the_end()
    assert told.run.ending is not None
    assert told.run.ending.outcome is Outcome.SUCCEEDED, told.run.ending.summary
    assert (await services.status("web")).generation == status.generation + 1


async def _wedge(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.post(f"{url}wedge", allow_redirects=False) as answer:
        assert answer.status == 303
