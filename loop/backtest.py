"""The recorded past, judged again: what other rules would have answered to every task and call in the log.

Each run is folded event by event. Where the log has an answer of the door or of the boundary, two versions are asked
the same question, of the run as it was and at the time that it was: the configuration of today, so that what time,
people and tools have changed is not laid at the candidate's door, and the candidate. What flips is put down to the
pieces that, put back alone, undo it. Changes nothing, calls nothing.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from domain import events as e
from domain.calls import ToolCall
from domain.decisions import Allow, Deny, PolicyDecision, RequireApproval, Verdict
from domain.evolve import evolve
from domain.organization import Organization, evolve_organization
from domain.people import Snapshot
from domain.runs import Run, Status
from domain.settling import IllegalEvent
from loop.accounts import Accounts
from loop.judgement import decision_on, verdict_on
from loop.rulebook import Rulebook
from policy.analysis.backtest import SAME, Answer, Flip, Report, answer_of, turned
from policy.analysis.differences import Difference, differences, put_back
from policy.engine import PolicySet

_MOST_TRIED = 40  # pieces put back for one flip, where its reasons do not name the one


class Unfoldable(Exception):
    """The log holds an event that cannot have followed those before it."""


class Side:
    """One version, and the past as it would have gone under it: its own decisions, its own accounts."""

    def __init__(
        self, policies: PolicySet, book: Rulebook, people: Snapshot, *, accounts: Accounts | None = None
    ) -> None:
        self.policies, self.people = policies, people
        self.accounts = Accounts() if accounts is None else accounts
        self.decided: dict[str, PolicyDecision] = {}
        self._base = book
        self._held: tuple[Organization, Rulebook] | None = None

    def with_policies(self, policies: PolicySet, people: Snapshot) -> "Side":
        """Another version over the same accounts."""
        book = replace(self._base, rules=policies, agents=policies.agents)
        return Side(policies, book, people, accounts=self.accounts)

    def book(self, organization: Organization) -> Rulebook:
        """What held, under what people had declared by then."""
        if self._held is None or self._held[0] is not organization:
            self._held = organization, replace(self._base, rules=self.policies.under(organization))
        return self._held[1]

    def door(self, run: Run, organization: Organization, now: datetime) -> PolicyDecision:
        """What it would have decided about the run's task."""
        book = self.book(organization)
        spending = self.accounts.spent(book.rules.draws(run, people=self.people, now=now))
        return decision_on(run, book, self.people, now, spending)

    def boundary(self, run: Run, call: ToolCall, organization: Organization, now: datetime) -> Verdict:
        """What it would have said of the call, after its own decision about the run."""
        book = self.book(organization)
        run = replace(run, decision=self.decided.get(run.run_id, run.decision))
        draws = book.rules.draws(run, [(call, book.catalog.spec(call.tool))], people=self.people, now=now)
        return verdict_on(run, call, book, self.people, now, self.accounts.spent(draws))


class Backtest:
    """Hears the log in its order. `only` are the runs to judge, None for all; `since`: answers before it are folded,
    and not judged.
    """

    def __init__(
        self,
        current: Side,
        candidate: Side,
        *,
        since: datetime | None = None,
        only: Collection[str] | None = None,
    ) -> None:
        self._current, self._candidate = current, candidate
        self._since, self._only = since, only
        self._differences = differences(current.policies, candidate.policies)
        self._put_back: dict[Difference, Side] = {}
        self._organization = Organization()
        self._runs: dict[str, Run] = {}
        self._doors: dict[str, tuple[Run, Organization, datetime]] = {}
        self._flips: list[Flip] = []
        self._seen: set[str] = set()
        self._over: set[str] = set()
        self._counts: Counter[str] = Counter()

    def hear(self, recorded: e.Recorded) -> None:
        """The next event of the log. Raises Unfoldable."""
        try:
            if recorded.stream == e.ORGANIZATION_STREAM:
                self._organization = evolve_organization(self._organization, recorded)
            elif recorded.stream not in self._over and (self._only is None or recorded.stream in self._only):
                self._of_run(recorded)
        except (IllegalEvent, KeyError, TypeError, ValueError) as error:
            why = f"{recorded.stream} event {recorded.seq}: {type(recorded.event).__name__} cannot follow: {error}"
            raise Unfoldable(why) from error

    def report(self) -> Report:
        """What has come of it so far."""
        return Report(
            differences=self._differences,
            runs=len(self._seen),
            judged=self._counts["judged"],
            flips=tuple(self._flips),
            moved=self._counts["moved"],
            unreached=self._counts["unreached"],
        )

    def _of_run(self, recorded: e.Recorded) -> None:
        run = self._runs.get(recorded.stream) or Run(run_id=recorded.stream)
        match recorded.event:
            case e.PolicyDecided(decision=decision):
                self._door(run, recorded, decision)
            case (
                e.CallAllowed(call_id=call_id)
                | e.CallDenied(call_id=call_id)
                | e.ActionStarted(call_id=call_id, attempt=1)
            ):
                self._boundary(run, recorded, run.record(call_id).call)
            case e.ApprovalRequested(request=request):
                self._boundary(run, recorded, run.record(request.call_id).call)
            case _:
                self._costs(run, recorded)
        folded = evolve(run, recorded)
        self._runs[run.run_id] = folded
        if folded.status is Status.FINISHED:
            self._over.add(run.run_id)  # what still comes is receipts
            self._forget(run.run_id)
            del self._runs[run.run_id]

    def _forget(self, run_id: str) -> None:
        """What the versions decided about it before."""
        self._doors.pop(run_id, None)
        for side in (self._current, self._candidate, *self._put_back.values()):
            side.decided.pop(run_id, None)

    # ── Asking again ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _door(self, run: Run, recorded: e.Recorded, decision: PolicyDecision) -> None:
        self._forget(run.run_id)
        self._doors[run.run_id] = run, self._organization, recorded.at
        for side in (self._current, self._candidate):
            side.decided[run.run_id] = side.door(run, self._organization, recorded.at)
            if side.decided[run.run_id].allowed:
                side.accounts.take(side.decided[run.run_id].draws, recorded.at)
        answers = [decision, self._current.decided[run.run_id], self._candidate.decided[run.run_id]]
        task = run.received
        of = f"{task.type} task" + (f" of {task.requester}" if task.requester else "")
        self._compare(run, None, recorded, "door", of, [answer_of(one) for one in answers])

    def _boundary(self, run: Run, recorded: e.Recorded, call: ToolCall) -> None:
        verdicts = [
            side.boundary(run, call, self._organization, recorded.at) for side in (self._current, self._candidate)
        ]
        started = isinstance(recorded.event, e.ActionStarted)
        if started:
            for side, verdict in zip((self._current, self._candidate), verdicts, strict=True):
                if not isinstance(verdict, Deny):
                    side.accounts.take(verdict.draws, recorded.at)
        if not all(side.decided[run.run_id].allowed for side in (self._current, self._candidate)):
            self._counts["unreached"] += self._due(run, recorded)
            return
        was = _recorded(run, recorded.event)
        of = f"{call.tool} on {call.resource}" if call.resource else call.tool
        where = "start" if started else "boundary"
        self._compare(run, call, recorded, where, of, [answer_of(one) for one in (was, *verdicts)])

    def _costs(self, run: Run, recorded: e.Recorded) -> None:
        cost = getattr(recorded.event, "cost", None)
        if isinstance(cost, e.Cost) and run.run_id in self._doors:
            for side in (self._current, self._candidate):
                side.accounts.book(side.decided[run.run_id].draws, cost, recorded.at)

    # ── Comparing ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _due(self, run: Run, recorded: e.Recorded) -> bool:
        due = self._since is None or recorded.at >= self._since
        if due:
            self._seen.add(run.run_id)
        return due

    def _compare(
        self, run: Run, call: ToolCall | None, recorded: e.Recorded, where: str, of: str, answers: Sequence[Answer]
    ) -> None:
        if not self._due(run, recorded):
            return
        was, current, candidate = answers
        self._counts["judged"] += 1
        self._counts["moved"] += turned(was, current) is not SAME
        turn = turned(current, candidate)
        if turn is SAME:
            return
        flip = Flip(
            run_id=run.run_id,
            seq=recorded.seq,
            at=recorded.at,
            where=where,
            agent=run.agent,
            of=of,
            turn=turn,
            recorded=was,
            current=current,
            candidate=candidate,
            because=(),
        )
        self._flips.append(replace(flip, because=self._because(flip, run, call)))

    def _because(self, flip: Flip, run: Run, call: ToolCall | None) -> tuple[Difference, ...]:
        """The pieces that undo the flip when they alone are put back; else those that change it; else all it names."""
        alone: list[Difference] = []
        partly: list[Difference] = []
        for piece in self._suspects(flip):
            side = self._side_without(piece)
            answer = answer_of(self._asked_again(side, run, call, flip.at))
            if turned(flip.current, answer) is SAME:
                alone.append(piece)
            elif turned(flip.candidate, answer) is not SAME:
                partly.append(piece)
        return tuple(alone or partly or self._named(flip))

    def _suspects(self, flip: Flip) -> Iterable[Difference]:
        """What the answers name as their reasons, and what bears on every answer; all, where they are few."""
        if len(self._differences) <= _MOST_TRIED:
            return self._differences
        general = [one for one in self._differences if not one.name or one.name == flip.agent]
        return dict.fromkeys([*self._named(flip), *general])

    def _named(self, flip: Flip) -> list[Difference]:
        """The pieces that the answers name as their reasons."""
        named = {one.policy for answer in (flip.current, flip.candidate) for one in answer.reasons}
        asked = (*flip.current.approvals, *flip.candidate.approvals)
        named |= {name for one in asked for name in one.policies}
        return [one for one in self._differences if one.name in named]

    def _side_without(self, piece: Difference) -> Side:
        side = self._put_back.get(piece)
        if side is None:
            policies = put_back(piece, old=self._current.policies, new=self._candidate.policies)
            people = self._current.people if piece.kind == "groups" else self._candidate.people
            side = self._put_back[piece] = self._candidate.with_policies(policies, people)
        return side

    def _asked_again(self, side: Side, run: Run, call: ToolCall | None, now: datetime) -> PolicyDecision | Verdict:
        if run.run_id not in side.decided:
            side.decided[run.run_id] = side.door(*self._doors[run.run_id])
        return side.decided[run.run_id] if call is None else side.boundary(run, call, self._organization, now)


def _recorded(run: Run, event: e.Event) -> Verdict:
    """The boundary's answer as the log has it; what started was allowed, or had been asked about."""
    match event:
        case e.CallDenied(verdict=verdict):
            return verdict
        case e.ApprovalRequested(request=request, reasons=reasons):
            return RequireApproval(requirements=request.requirements, reasons=reasons)
        case e.ActionStarted(call_id=call_id):
            asked = run.record(call_id).request
            return Allow() if asked is None else RequireApproval(requirements=asked.requirements)
        case e.CallAllowed(reasons=reasons):
            return Allow(reasons=reasons)
        case _:
            raise TypeError(f"{type(event).__name__} is no answer of the boundary")
