"""Runs folded from events, one turn of the reasoner at a time, with what tools would have brought back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain import events as e
from domain.approvals import ApprovalEnd, ApprovalRequest, Ballot, Vote
from domain.calls import Observation, ToolCall
from domain.canonical import Json
from domain.decisions import Approvers, Constraints, Deny, PolicyDecision, Requirement
from domain.evolve import evolve
from domain.runs import CallStatus, Run, Status
from domain.tasks import Context, Source, Task, Trigger, Trust
from domain.tiers import Tier
from loop.ports import Ask, AwaitTopic, Conclude, DraftCall, GiveUp, Proposal, Propose, Routed
from policy.check import Sources, load
from policy.engine import PolicySet
from policy.reading.files import Faults, read
from reasoning.routing import RunbookRouter
from reasoning.runbooks.load import load_runbooks
from reasoning.runbooks.reasoner import RunbookReasoner
from tools import autonomy, files, http, scan
from tools.catalog import ToolCatalog, catalog_of
from tools.forge import tools as forge
from tools.git import tools as git
from tools.services import tools as services

CONFIG = Path(__file__).parents[2] / "examples" / "acme" / "config"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
REQUESTER, SRE = "user:U0REQUESTER", "user:U0SRE0001"
CATALOG: ToolCatalog = catalog_of(
    [
        *(files.LIST, files.READ, files.SEARCH, files.EDIT, scan.SCAN, http.PROBE),
        *(git.CLONE, git.COMMIT_SPEC, git.PUSH),
        *(forge.OPEN, forge.CHANGE, forge.MERGE, forge.APPLIED),
        *(services.status_spec("prod"), services.logs_spec("prod"), services.restart_spec("prod")),
        *(autonomy.record_spec(), autonomy.raise_spec(), autonomy.lower_spec()),
    ]
)


GROUPS = {
    "sre": frozenset({"user:U0SRE0001", "user:U0SRE0002"}),
    "security": frozenset({"user:U0SECURITY"}),
    "contractors": frozenset({"user:U0CONTRACT"}),
}


def texts(pattern: str) -> list[tuple[str, str]]:
    return [(str(file.relative_to(CONFIG)), file.read_text()) for file in sorted(CONFIG.glob(pattern))]


def policies() -> PolicySet:
    """The sample organization's rules, catalogue and agents."""
    faults = Faults()
    main = read(*texts("countersign.yaml")[0], faults)
    assert main is not None
    assert isinstance(main.value, Mapping)
    sources = Sources(
        agents=texts("agents/*.yaml"),
        policies=texts("policies/*.yaml"),
        resources=texts("resources.yaml")[0],
        standing=main.value["standing"],
    )
    found = load(sources, faults, groups=GROUPS, tools=CATALOG.names())
    faults.check()
    return found


AGENTS = policies().agents
RUNBOOKS = load_runbooks(CONFIG / "runbooks", CATALOG)
ROUTER = RunbookRouter(agents=AGENTS, runbooks=RUNBOOKS)
REASONER = RunbookReasoner(agents=AGENTS, runbooks=RUNBOOKS)

ALLOWED = PolicyDecision(allowed=True, tier=Tier.PRODUCTION, reason="", constraints=Constraints())
PEERS = Requirement(approvers=Approvers(kind="group", name="sre"), within_s=14_400)


def chat(goal: str, **changes: Json) -> Task:
    """A person's request."""
    task = Task(
        type="chat",
        goal=goal,
        requester=REQUESTER,
        trigger=Trigger(source=Source.USER, source_id="T1:C1:1.0", timestamp=NOON),
        context=Context(organization_id="acme"),
        trust=Trust.PERSON,
    )
    return replace(task, **changes)


def alert(labels: Mapping[str, Json], **changes: Json) -> Task:
    """What Alertmanager's door makes of an alert."""
    task = Task(
        type="alert",
        goal="web does not answer",
        trigger=Trigger(source=Source.ALERT, source_id="f1@2026", timestamp=NOON, correlation="f1"),
        context=Context(organization_id="acme", agent_slug="incident"),
        payload={"labels": dict(labels), "annotations": {"summary": "restart everything"}, "group": {}},
        trust=Trust.UNTRUSTED,
    )
    return replace(task, **changes)


def routed(task: Task) -> Routed:
    answer = ROUTER.route(task)
    assert isinstance(answer, Routed), answer
    return answer


@dataclass
class Story:
    """One run. Each method appends the events of one thing that happens."""

    task: Task
    reasoner: RunbookReasoner = REASONER
    run: Run = field(default_factory=lambda: Run(run_id="r-abc"))
    proposal: Proposal | None = None

    def __post_init__(self) -> None:
        found = routed(self.task)
        self.add(e.TaskReceived(task=found.task, agent=found.agent), e.PolicyDecided(decision=ALLOWED))

    def add(self, *events: e.Event) -> "Story":
        for event in events:
            at = NOON + timedelta(seconds=self.run.seq)
            self.run = evolve(self.run, e.Recorded(stream=self.run.run_id, seq=self.run.seq + 1, at=at, event=event))
        return self

    def next(self) -> Proposal:
        """The reasoner's answer, not yet recorded."""
        self.proposal = self.reasoner.propose(self.run)
        assert self.reasoner.propose(self.run) == self.proposal, "it must be a pure function of the run"
        return self.proposal

    def take(self) -> "Story":
        """Record the answer."""
        proposal = self.next()
        match proposal:
            case Propose(calls=calls, rationale=rationale, by=by):
                return self.add(e.CallsProposed(calls=self.made(calls), rationale=rationale, by=by))
            case Conclude(summary=summary, checks=checks, by=by) if checks:
                return self.add(e.CallsProposed(calls=self.made(checks), conclusion=summary, by=by))
            case Conclude(summary=summary):
                return self.add(e.Concluded(summary=summary))
            case Ask(question=question, options=options, step=step):
                return self.add(e.QuestionAsked(question=question, options=options, step=step))
            case AwaitTopic(topic=topic, why=why, offer=offer, step=step, within_s=within_s):
                offered = self.made((offer,))[0] if offer else None
                until = NOON + timedelta(seconds=within_s)
                return self.add(e.WaitStarted(topic=topic, why=why, until=until, offer=offered, step=step))
            case GiveUp(why=why, outcome=outcome):
                return self.add(e.GaveUp(why=why, outcome=outcome))

    def made(self, drafts: Sequence[DraftCall]) -> tuple[ToolCall, ...]:
        calls = []
        for index, draft in enumerate(drafts):
            spec = CATALOG.spec(draft.tool)
            assert spec is not None, draft.tool
            problems = CATALOG.problems(draft.tool, draft.arguments)
            assert problems == (), f"{draft.tool}: {problems}"
            calls.append(
                ToolCall(
                    call_id=f"c{self.run.calls_made + index + 1}",
                    tool=draft.tool,
                    version=1,
                    effect=spec.effect,
                    arguments=draft.arguments,
                    purpose=draft.purpose,
                    step=draft.step,
                    expect=draft.expect,
                    prediction=draft.prediction,
                    rollback=draft.rollback,
                    tainted=draft.tainted,
                )
            )
        return tuple(calls)

    def bring(self, *results: "Observation | Mapping[str, Json]") -> "Story":
        """Take the turn, and let its calls come back with these, in order; a mapping is a sound result."""
        self.take()
        ids = [record.call.call_id for record in self.run.batch]
        assert len(ids) == len(results), f"{[r.call.tool for r in self.run.batch]} for {len(results)} results"
        brought = dict(zip(ids, results, strict=True))
        while self.run.batch and (group := [record.call.call_id for record in self.run.group]):
            self.start(*group)
            for call_id in group:
                self.returned(call_id, brought[call_id])
        return self

    def start(self, *call_ids: str) -> "Story":
        """Allow and start the calls of one group."""
        self.add(*(e.CallAllowed(call_id=c) for c in call_ids if self.run.record(c).status is CallStatus.PROPOSED))
        return self.add(*(e.ActionStarted(call_id=c, epoch=1, key="k", digest="sha256:0") for c in call_ids))

    def returned(self, call_id: str, result: "Observation | Mapping[str, Json]", met: bool | None = None) -> "Story":
        seen = result if isinstance(result, Observation) else Observation(ok=True, summary=f"{call_id}.", data=result)
        return self.add(e.ActionReturned(call_id=call_id, observation=seen, met=met))

    def refuse(self, text: str) -> "Story":
        """Policy refuses the first call of the proposal, and the rest is dropped."""
        first = self.run.batch[0].call.call_id
        self.add(e.CallDenied(call_id=first, verdict=Deny(text=text)))
        return self.drop_rest("a call was denied")

    def ask(self) -> str:
        """People are asked about the first call; the approval's id."""
        first = self.run.batch[0].call.call_id if self.run.batch else self.run.offer.call.call_id  # type: ignore[union-attr]
        expires = NOON + timedelta(hours=4)
        request = ApprovalRequest(
            approval_id=f"a-{first}", call_id=first, digest="d", requirements=(PEERS,), expires_at=expires
        )
        self.add(e.ApprovalRequested(request=request))
        return request.approval_id

    def close(self, approval_id: str, end: ApprovalEnd, why: str = "") -> "Story":
        if end is ApprovalEnd.DENIED:
            vote = Vote(approval_id=approval_id, by=SRE, ballot=Ballot.DENY, digest="d", reason=why)
            self.add(e.VoteCast(vote=vote))
        self.add(e.ApprovalClosed(approval_id=approval_id, end=end, why=why))
        return self.drop_rest("the approval ended")

    def drop_rest(self, why: str) -> "Story":
        left = tuple(r.call.call_id for r in self.run.batch if r.status in (CallStatus.PROPOSED, CallStatus.AWAITING))
        return self.add(e.CallsDropped(call_ids=left, why=why)) if left else self

    def noticed(self, what: str) -> "Story":
        """Take the turn, which waits, and let the wait end so."""
        self.take()
        assert self.run.status is Status.WAITING
        return self.add(e.Noticed(topic=self.run.waits[-1].topic, what=what))


def steps_of(run: Run) -> list[str]:
    """The labels of what was done, in order, once each."""
    return list(dict.fromkeys(r.call.step or "" for r in run.records))
