"""The one effect path, and the two stories walked through it with real git and a real service."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from changes.digest import call_digest, idempotency_key
from domain.approvals import ApprovalRequest
from domain.calls import Doubt, ErrorKind, Observation, ToolCall, ToolSpec
from domain.runs import CallRecord, Run
from domain.tasks import Context, Source, Task, Trigger, Trust
from domain.tiers import Effect
from examples.acme.setup import REPOSITORY
from loop.ports import DraftCall, OutcomeUnknown, Permit, Prepared
from tests.tools.conftest import Acme
from tests.tools.test_forge import FIX
from tools.broker import LocalBroker
from tools.git.runner import Identity
from tools.pipeline.local import applied_path
from tools.port import Arguments, Done, Reading, ToolFailure, Workplace
from tools.registry import Systems, installed
from tools.schema import record, text
from tools.services.local import LocalServices
from tools.toolbox import Toolbox, toolbox_of
from tools.workspace import Workspaces

NOW = datetime(2026, 11, 21, tzinfo=UTC)
PEOPLE = {"user:U1": Identity(name="Rita Requester", email="rita@acme.example")}
R = {"repository": REPOSITORY}


def digest_of(call: ToolCall) -> str:
    return call_digest(call, organization="acme", run_id="r-test", subject="user:U1", verdict_hash="v")


@dataclass(slots=True)
class Desk:
    """Plays controller and worker for one run: prepares a call, gives itself the permit, performs it."""

    toolbox: Toolbox
    run: Run
    number: int = 0
    prepared: Prepared = field(default_factory=Prepared)

    async def propose(self, tool: str, arguments: Mapping[str, Any]) -> ToolCall:
        spec = self.toolbox.catalog.spec(tool)
        assert spec is not None
        self.prepared = await self.toolbox.prepare(self.run, DraftCall(tool=tool, arguments=arguments))
        self.number += 1
        call = ToolCall(
            call_id=f"c{self.number}",
            tool=tool,
            version=spec.version,
            effect=spec.effect,
            arguments=arguments,
            fingerprint=self.prepared.fingerprint,
            preview=self.prepared.preview,
        )
        self.run = replace(self.run, batch=(*self.run.batch, CallRecord(call=call)))
        return call

    def permit(self, call: ToolCall, **changes: Any) -> Permit:
        permit = Permit(
            organization="acme",
            run_id=self.run.run_id,
            call_id=call.call_id,
            subject="user:U1",
            verdict_hash="v",
            digest=digest_of(call),
            key=idempotency_key(self.run.run_id, call),
            epoch=1,
            attempt=1,
            voters=("user:U2",),
        )
        return replace(permit, **changes)

    async def do(self, tool: str, **arguments: Any) -> Observation:
        call = await self.propose(tool, arguments)
        return await self.toolbox.perform(self.run, call, self.permit(call))


def run_of(run_id: str = "r-test") -> Run:
    task = Task(
        type="chat",
        trigger=Trigger(source=Source.USER, source_id="1", timestamp=NOW),
        context=Context(organization_id="acme"),
        requester="user:U1",
    )
    return Run(run_id=run_id, task=task)


def desk_of(acme: Acme, services: LocalServices | None = None, probe_allow: tuple[str, ...] = ()) -> Desk:
    systems = Systems(
        sandbox=acme.sandbox,
        git=acme.git,
        forge=acme.forge,
        applied=lambda name: applied_path(acme.forge, name),
        services=services,
        probe_allow=probe_allow,
        author=Identity(name="Countersign", email="countersign@acme.example"),
        people=PEOPLE.get,
    )
    workspaces = Workspaces(root=acme.root / "workspaces")
    return Desk(
        toolbox_of(installed(systems), broker=LocalBroker(where=acme.forge.bare), workspaces=workspaces), run_of()
    )


async def test_story_a_finding_is_fixed_by_a_change_request(acme: Acme):
    desk = desk_of(acme)
    assert (await desk.do("git.clone", **R)).ok
    scanned = await desk.do("scan.repository", **R)
    assert scanned.data["rules"] == ["S3-7"]
    assert scanned.data["findings"][0]["file"] == "storage.tf"
    assert scanned.trust is Trust.UNTRUSTED
    read = await desk.do("repo.read", **R, path="storage.tf")
    assert 'resource "aws_s3_bucket" "exports"' in read.data["text"]
    edited = await desk.do("repo.edit", **R, path="storage.tf", edits=[{"replace": FIX}])
    assert "+resource" in edited.data["diff"]
    assert (await desk.do("scan.repository", **R, rule="S3-7")).data["count"] == 0
    committed = await desk.do(
        "git.commit", **R, branch="fix/s3-7", message="Encrypt the exports bucket\n\nFinding S3-7."
    )
    assert committed.data["files"] == ["storage.tf"]
    pushed = await desk.do("git.push", **R, branch="fix/s3-7")
    assert pushed.ok, pushed.error
    assert desk.prepared.preview is not None
    assert "+resource" in (desk.prepared.preview.diff or "")
    opened = await desk.do("forge.open_change", **R, branch="fix/s3-7", title="Encrypt exports", body="S3-7")
    assert opened.data["number"] == 1
    await acme.pipeline.run_once()
    looked = await desk.do("forge.change", **R, number=1)
    assert looked.data["checks"] == "passed"
    merged = await desk.do("forge.merge", **R, number=1, head=opened.data["head"])
    assert merged.ok, merged.error
    assert merged.data["by"] == "user:U2"
    await acme.pipeline.run_once()
    assert (await desk.do("forge.applied", **R, head=merged.data["commit"])).data["applied"] is True
    assert (await desk.do("git.clone", **R, commit=merged.data["commit"])).ok
    assert (await desk.do("scan.repository", **R)).data["count"] == 0
    message = await acme.git.run(
        "--git-dir=.", "log", "-1", "--format=%B%an", opened.data["head"], workspace=acme.forge.bare(REPOSITORY)
    )
    assert "Co-authored-by: Rita Requester <rita@acme.example>" in message
    assert "Run: r-test" in message
    assert message.strip().endswith("Countersign")
    assert str(acme.root) not in str((looked, opened, merged, pushed))
    await desk.toolbox.close(desk.run.run_id)
    assert not (acme.root / "workspaces" / "r-test").exists()


async def test_story_a_service_is_restarted_once(acme: Acme, services: LocalServices):
    url = (await services.status("web")).url or ""
    host = url.removeprefix("http://").rstrip("/")
    desk = desk_of(acme, services, (host,))
    assert (await desk.do("service.status", service="web")).data["healthy"] is True
    assert (await desk.do("http.probe", url=url + "healthz")).data["status"] == 200
    call = await desk.propose("service.restart", {"service": "web"})
    assert call.fingerprint == "generation 1"
    assert call.preview is not None
    assert ("generation", "1, becomes 2") in call.preview.facts
    done = await desk.toolbox.perform(desk.run, call, desk.permit(call))
    assert done.data["generation"] == 2
    again = await desk.toolbox.perform(desk.run, call, desk.permit(call, attempt=2))
    assert again.data["generation"] == 2
    assert again.data["repeated"] is True
    assert await desk.toolbox.check(desk.run, call, desk.permit(call).key) is Doubt.HAPPENED
    assert await desk.toolbox.check(desk.run, call, "another") is Doubt.NOT_HAPPENED
    logs = await desk.do("service.logs", service="web", lines=5, contains="listening")
    assert "generation 2" in logs.data["text"]


async def test_a_target_that_changed_is_not_touched(acme: Acme, services: LocalServices):
    desk = desk_of(acme, services)
    call = await desk.propose("service.restart", {"service": "web"})
    await services.restart("web", "somebody else")
    refused = await desk.toolbox.perform(desk.run, call, desk.permit(call))
    assert refused.error_kind is ErrorKind.PRECONDITION
    assert (await services.status("web")).generation == 2


async def test_a_permit_is_for_one_call_once(acme: Acme):
    desk = desk_of(acme)
    call = await desk.propose("git.clone", R)
    other = await desk.propose("git.clone", R)
    for wrong in (
        desk.permit(other),
        desk.permit(call, run_id="r-other"),
        desk.permit(call, key="0" * 32),
        desk.permit(call, digest=""),
        desk.permit(call, organization="other"),
        desk.permit(call, subject="user:U9"),
        desk.permit(call, verdict_hash="w"),
    ):
        refused = await desk.toolbox.perform(desk.run, call, wrong)
        assert refused.error_kind is ErrorKind.REFUSED, wrong
    assert (await desk.toolbox.perform(desk.run, call, desk.permit(call))).ok
    used = await desk.toolbox.perform(desk.run, call, desk.permit(call))
    assert used.error == "the permit has been used"
    changed = replace(call, arguments={**R, "branch": "main"})
    refused = await desk.toolbox.perform(desk.run, changed, desk.permit(call, attempt=2))
    assert refused.error == "the call is not the one that was proposed"


async def test_a_permit_must_name_what_was_approved(acme: Acme):
    desk = desk_of(acme)
    call = await desk.propose("git.clone", R)
    request = ApprovalRequest(approval_id="a", call_id=call.call_id, digest="sha256:x", requirements=(), expires_at=NOW)
    run = replace(desk.run, batch=(CallRecord(call=call, request=request),))
    refused = await desk.toolbox.perform(run, call, desk.permit(call))
    assert refused.error == "the permit names another content than was approved"
    run = replace(desk.run, batch=(CallRecord(call=call, request=replace(request, digest=digest_of(call))),))
    assert (await desk.toolbox.perform(run, call, desk.permit(call))).ok


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("git.clone", {}, "repository: is missing"),
        ("git.clone", {**R, "force": True}, "force: is not an argument"),
        ("git.clone", {"repository": "../x"}, "must match"),
        ("git.clone", {"repository": "acme/infr\u0430"}, "repository:"),
        ("git.clone", {**R, "branch": "--upload-pack=x"}, "must match"),
        ("git.push", {**R, "branch": "a..b"}, "must match"),
        ("forge.change", {**R, "number": True}, "must be an integer"),
        ("forge.change", {**R, "number": 0}, "between"),
        ("forge.merge", {**R, "number": 1, "head": "abc"}, "must match"),
        ("repo.edit", {**R, "path": "a", "edits": []}, "fewer than 1"),
        ("repo.read", {**R, "path": "x" * 500}, "longer than"),
        ("forge.change", {**R, "number": float("nan")}, "NaN|nan"),
        ("rm.all", {}, "no tool is called"),
    ],
)
async def test_arguments_are_strict(acme: Acme, tool: str, arguments: dict[str, Any], said: str):
    toolbox = desk_of(acme).toolbox
    found = "; ".join(toolbox.catalog.problems(tool, arguments))
    assert re.search(said, found), found
    assert (await toolbox.prepare(run_of(), DraftCall(tool=tool, arguments=arguments))).problem


BAD_PATHS = ("../x", "/etc/passwd", "a/../../x", ".git/config", ".GIT/config", "a//b", "a\\b", "./a", "link/x", "link")


async def test_paths_cannot_leave_the_clone(acme: Acme):
    desk = desk_of(acme)
    await desk.do("git.clone", **R)
    clone = acme.root / "workspaces" / "r-test" / "acme@infra"
    (clone / "link").symlink_to(acme.root)
    for path in BAD_PATHS:
        for tool, more in (("repo.read", {}), ("repo.edit", {"edits": [{"replace": "x"}]}), ("repo.list", {})):
            refused = await desk.do(tool, **R, path=path, **more)
            assert not refused.ok, (tool, path)
            assert refused.error_kind is ErrorKind.ARGUMENTS


async def test_an_edit_is_exact_or_nothing(acme: Acme):
    desk = desk_of(acme)
    await desk.do("git.clone", **R)
    before = (await desk.do("repo.read", **R, path="storage.tf")).data["text"]
    edits = [{"find": "acme-web-assets", "replace": "x"}, {"find": 'status = "Enabled"', "replace": "y"}]
    refused = await desk.do("repo.edit", **R, path="storage.tf", edits=edits)
    assert refused.error == "storage.tf: edit 2: the text is there 2 times, not 1; nothing was changed"
    assert (await desk.do("repo.read", **R, path="storage.tf")).data["text"] == before
    edits[1]["count"] = 2
    assert (await desk.do("repo.edit", **R, path="storage.tf", edits=edits)).data["changed"]
    hits = await desk.do("repo.search", **R, text="acme-customer-exports")
    assert hits.data["hits"][0]["path"] == "storage.tf"
    assert "storage.tf" in (await desk.do("repo.list", **R)).data["files"]


async def test_a_repeated_edit_is_done_once(acme: Acme):
    desk = desk_of(acme)
    await desk.do("git.clone", **R)
    call = await desk.propose("repo.edit", {**R, "path": "storage.tf", "edits": [{"replace": "# once\n"}]})
    first = await desk.toolbox.perform(desk.run, call, desk.permit(call))
    again = await desk.toolbox.perform(desk.run, call, desk.permit(call, attempt=2))
    assert again.data == first.data
    assert (await desk.do("repo.read", **R, path="storage.tf")).data["text"].count("# once") == 1


async def test_a_commit_is_repeated_as_itself(acme: Acme):
    desk = desk_of(acme)
    await desk.do("git.clone", **R)
    await desk.do("repo.edit", **R, path="new.tf", edits=[{"replace": "# new\n"}])
    call = await desk.propose("git.commit", {**R, "branch": "b", "message": "Say why"})
    first = await desk.toolbox.perform(desk.run, call, desk.permit(call))
    again = await desk.toolbox.perform(desk.run, call, desk.permit(call, attempt=2))
    assert again.data["head"] == first.data["head"]
    nothing = await desk.do("git.commit", **R, branch="b", message="Again")
    assert nothing.error_kind is ErrorKind.PRECONDITION


async def test_the_default_branch_is_never_pushed_to(acme: Acme):
    desk = desk_of(acme)
    await desk.do("git.clone", **R)
    await desk.do("repo.edit", **R, path="new.tf", edits=[{"replace": "# new\n"}])
    await desk.do("git.commit", **R, branch="main", message="Straight to main")
    refused = await desk.do("git.push", **R, branch="main")
    assert refused.error_kind is ErrorKind.REFUSED
    assert await acme.forge.branch_head(REPOSITORY, "main") == acme.head


async def test_calls_of_one_run_take_turns_in_order(acme: Acme):
    desk = desk_of(acme)
    await desk.do("git.clone", **R)
    calls = [
        await desk.propose("repo.edit", {**R, "path": "n.tf", "edits": [{"replace": f"# {n}\n"}]}) for n in range(6)
    ]
    done = await asyncio.gather(*(desk.toolbox.perform(desk.run, call, desk.permit(call)) for call in calls))
    assert all(observation.ok for observation in done)
    assert (await desk.do("repo.read", **R, path="n.tf")).data["text"] == "".join(f"# {n}\n" for n in range(6))


async def test_an_unknown_rule_is_not_a_clean_scan(acme: Acme):
    desk = desk_of(acme)
    await desk.do("git.clone", **R)
    refused = await desk.do("scan.repository", **R, rule="S3-99")
    assert refused.error_kind is ErrorKind.ARGUMENTS
    assert "the scanner knows EBS-3" in (refused.error or "")


async def test_a_merge_is_for_people_only(acme: Acme):
    spec = desk_of(acme).toolbox.catalog.spec("forge.merge")
    assert spec is not None
    assert not spec.proposable
    assert spec.effect is Effect.CHANGE


@dataclass(frozen=True, slots=True)
class Odd(Reading):
    """A tool that does what its text says, to see what the toolbox makes of it."""

    effect: Effect

    @property
    def spec(self) -> ToolSpec:
        arguments = record(required=["do"], do=text("what", at_most=100))
        return ToolSpec(name="odd", version=1, effect=self.effect, describe="", arguments=arguments, timeout_s=0.2)

    async def perform(self, arguments: Arguments, at: Workplace) -> Done:
        match arguments["do"]:
            case "hang":
                await asyncio.sleep(60)
            case "break":
                raise ZeroDivisionError("a secret xoxb-123456789012-abc")
            case "disk":
                raise OSError("disk")
            case "fail":
                raise ToolFailure(ErrorKind.PERMANENT, "no\x1b[31m")
            case "flood":
                return Done(summary="x", data={str(n): "y" * 60_000 for n in range(50)})
        return Done(summary="\x1b[1mdone", data={"token=": "password: hunter2hunter2", "deep": [["\x00a"]]})


@pytest.mark.parametrize(
    ("do", "read", "above"),
    [
        ("hang", ErrorKind.TIMEOUT, None),
        ("break", ErrorKind.CRASH, None),
        ("disk", ErrorKind.TRANSPORT, None),
        ("fail", ErrorKind.PERMANENT, ErrorKind.PERMANENT),
        ("flood", ErrorKind.PERMANENT, ErrorKind.PERMANENT),
    ],
)
async def test_what_may_have_happened_is_unknown(acme: Acme, do: str, read: ErrorKind, above: ErrorKind | None):
    for effect, expected in ((Effect.READ, read), (Effect.CHANGE, above)):
        workspaces = Workspaces(root=acme.root / f"w-{effect}")
        desk = Desk(
            toolbox_of([Odd(effect)], broker=LocalBroker(where=acme.forge.bare), workspaces=workspaces), run_of()
        )
        if expected is None:
            with pytest.raises(OutcomeUnknown) as raised:
                await desk.do("odd", do=do)
            assert "xoxb" not in str(raised.value)
        else:
            observation = await desk.do("odd", do=do)
            assert observation.error_kind is expected
            assert "xoxb" not in str(observation)


async def test_results_are_redacted_and_plain(acme: Acme):
    workspaces = Workspaces(root=acme.root / "w")
    desk = Desk(
        toolbox_of([Odd(Effect.READ)], broker=LocalBroker(where=acme.forge.bare), workspaces=workspaces), run_of()
    )
    observation = await desk.do("odd", do="it")
    assert observation.summary == "done"
    assert observation.data["deep"] == [["a"]]
    assert "hunter2" not in str(observation.data)
    assert observation.redactions == 1


async def test_a_full_workspace_is_refused(acme: Acme):
    desk = desk_of(acme)
    desk.toolbox.workspaces = Workspaces(root=acme.root / "small", max_bytes=1000)
    refused = await desk.do("git.clone", **R)
    assert refused.error_kind is ErrorKind.PERMANENT
    assert "workspace holds more" in (refused.error or "")
