"""Change requests for runs. Opening one is a draft; merging is a change that only a person's click makes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from domain.calls import Doubt, ErrorKind, Preview, ToolSpec
from domain.canonical import Json
from domain.tiers import Effect
from tools.forge.port import Change, ChangeState, Checks, Forge, Merged, Refused
from tools.pipeline.applied import load_applied
from tools.pipeline.topics import apply_topic, checks_topic, merge_topic
from tools.port import Arguments, Done, Look, Reading, ToolFailure, Workplace
from tools.schema import BRANCH, COMMIT, REPOSITORY, number, record, text

_REPOSITORY = text("OWNER/NAME of the repository", at_most=127, pattern=REPOSITORY)
_NUMBER = number("the change request's number", least=1, most=10_000_000)
_HEAD = text("the exact commit that was looked at", at_most=40, pattern=COMMIT)

OPEN = ToolSpec(
    name="forge.open_change",
    version=1,
    effect=Effect.DRAFT,
    describe="Open a change request for a pushed branch. Its validation pipeline starts by itself.",
    arguments=record(
        required=["repository", "branch", "title", "body"],
        repository=_REPOSITORY,
        branch=text("the pushed branch", at_most=201, pattern=BRANCH),
        base=text("the branch it goes to; main when left out", at_most=201, pattern=BRANCH),
        title=text("one line", at_most=120, at_least=3, pattern=r"^[^\n]+$"),
        body=text("what, why, how it was checked", at_most=8000),
    ),
    selectors=("repository", "branch", "base"),
    resource="{repository}",
    idempotent=True,
    checkable=True,
)
CHANGE = ToolSpec(
    name="forge.change",
    version=1,
    effect=Effect.READ,
    describe="Look at a change request: its state, its head, and what the pipeline says about that head.",
    arguments=record(required=["repository", "number"], repository=_REPOSITORY, number=_NUMBER),
    selectors=("repository", "number"),
    resource="{repository}",
    idempotent=True,
)
MERGE = ToolSpec(
    name="forge.merge",
    version=1,
    effect=Effect.CHANGE,
    describe="Merge a change request at exactly this head. People do this; it is never proposed.",
    arguments=record(required=["repository", "number", "head"], repository=_REPOSITORY, number=_NUMBER, head=_HEAD),
    selectors=("repository", "number", "head"),
    resource="{repository}",
    idempotent=True,
    checkable=True,
    proposable=False,
    timeout_s=120,
)
APPLIED = ToolSpec(
    name="forge.applied",
    version=1,
    effect=Effect.READ,
    describe="What the pipeline has applied of a repository, and whether that includes a commit.",
    arguments=record(required=["repository"], repository=_REPOSITORY, head=_HEAD),
    selectors=("repository", "head"),
    resource="{repository}",
    idempotent=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenChange(Reading):
    forge: Forge
    spec: ToolSpec = OPEN

    async def look(self, arguments: Arguments, at: Workplace) -> Look:
        repository, branch, base = _branches(arguments)
        base_head = await self.forge.branch_head(repository, base)
        if base_head is None:
            raise ToolFailure(ErrorKind.PRECONDITION, f"{repository} has no branch {base}: name another base")
        head = await self.forge.branch_head(repository, branch)  # None: the push is still ahead, in the same batch
        facts = (
            ("branch", f"{branch} at {head[:12] if head else '(not pushed yet)'}"),
            ("into", f"{base} at {base_head[:12]}"),
        )
        summary = f"Open a change request in {repository}: {arguments['title']}"
        return Look(fingerprint=head, preview=Preview(summary=summary, facts=(*facts, ("body", arguments["body"]))))

    async def perform(self, arguments: Arguments, at: Workplace) -> Done:
        repository, branch, base = _branches(arguments)
        body = f"{arguments['body'].rstrip()}\n\nRun: {at.run_id}\n"
        change, created = await self.forge.open_change(
            repository, branch=branch, base=base, title=arguments["title"], body=body, key=at.key
        )
        data = {**_described(change), "created": created}
        return Done(summary=f"{change.reference} is {'open' if created else 'open already'}.", data=data)

    async def check(self, arguments: Arguments, at: Workplace) -> Doubt:
        found = await self.forge.find_by_key(arguments["repository"], at.key)
        return Doubt.HAPPENED if found else Doubt.NOT_HAPPENED


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAtChange(Reading):
    forge: Forge
    spec: ToolSpec = CHANGE

    async def perform(self, arguments: Arguments, at: Workplace) -> Done:
        repository = arguments["repository"]
        change = await self.forge.get_change(repository, arguments["number"])
        checks = await self.forge.checks(repository, change.head)
        state = str(checks.state) if checks else "none"
        data = {**_described(change), "checks": state, "pipeline": _told(checks)}
        return Done(summary=f"{change.reference} is {change.state}, checks: {state}.", data=data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge(Reading):
    forge: Forge
    spec: ToolSpec = MERGE

    async def look(self, arguments: Arguments, at: Workplace) -> Look:
        repository, head = arguments["repository"], arguments["head"]
        change = await self.forge.get_change(repository, arguments["number"])
        if change.state is not ChangeState.OPEN or change.head != head:
            why = f"{change.reference} is {change.state} at {change.head[:12]}, not open at {head[:12]}"
            raise ToolFailure(ErrorKind.PRECONDITION, why)
        checks = await self.forge.checks(repository, head)
        facts = [("from", f"{change.branch} at {head[:12]}"), ("into", f"{change.base} at {change.base_head[:12]}")]
        found = checks.checks if checks else ()
        facts += [
            ("checks", " · ".join(f"{c.name} {c.state}{c.summary and f' ({c.summary})'}" for c in found) or "none")
        ]
        facts += [("plan", "\n".join(checks.plan))] if checks and checks.plan else []
        preview = Preview(
            summary=f"Merge {change.reference}: {change.title}",
            diff=await self.forge.diff(repository, change.number),
            facts=tuple(facts),
        )
        return Look(fingerprint=f"open {head}", preview=preview)

    async def perform(self, arguments: Arguments, at: Workplace) -> Done:
        repository, by = arguments["repository"], ", ".join(at.voters) or at.requester or "unknown"
        match await self.forge.merge(repository, arguments["number"], arguments["head"], by):
            case Refused(why=why):
                raise ToolFailure(ErrorKind.PRECONDITION, why)
            case Merged(commit=commit, repeated=repeated):
                topic = apply_topic(repository, commit)
                reference = f"{repository}#{arguments['number']}"
                data = {"commit": commit, "by": by, "repeated": repeated, "apply_topic": topic, "reference": reference}
                return Done(summary=f"{reference} is merged as {commit[:12]}.", data=data)

    async def check(self, arguments: Arguments, at: Workplace) -> Doubt:
        change = await self.forge.get_change(arguments["repository"], arguments["number"])
        merged = change.state is ChangeState.MERGED and change.head == arguments["head"]
        return Doubt.HAPPENED if merged else Doubt.NOT_HAPPENED


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAtApplied(Reading):
    """`where` says where a repository's applied state is recorded."""

    where: Callable[[str], Path]
    spec: ToolSpec = APPLIED

    async def perform(self, arguments: Arguments, at: Workplace) -> Done:
        applied = load_applied(self.where(arguments["repository"]))
        wanted = arguments.get("head")
        included = wanted is None or wanted in applied.history
        data = {"head": applied.head, "at": applied.at, "applied": included, "resources": len(applied.resources or {})}
        word = "applied" if included else f"not applied yet: {wanted}"
        return Done(summary=f"{arguments['repository']} at {(applied.head or 'nothing')[:12]}: {word}.", data=data)


def _branches(arguments: Arguments) -> tuple[str, str, str]:
    return arguments["repository"], arguments["branch"], arguments.get("base", "main")


def _described(change: Change) -> dict[str, Json]:
    """A change request in results; the topics are what a run may wait for."""
    return {
        "repository": change.repository,
        "number": change.number,
        "reference": change.reference,
        "title": change.title,
        "state": str(change.state),
        "branch": change.branch,
        "base": change.base,
        "head": change.head,
        "url": change.url,
        "merged_as": change.merged_as,
        "merged_by": change.merged_by,
        "checks_topic": checks_topic(change.repository, change.number, change.head),
        "merge_topic": merge_topic(change.repository, change.number),
        "apply_topic": apply_topic(change.repository, change.merged_as) if change.merged_as else None,
    }


def _told(checks: Checks | None) -> dict[str, Json]:
    if checks is None:
        return {"state": "none", "checks": [], "plan": []}
    told = [
        {"name": check.name, "state": str(check.state), "summary": check.summary, "log": check.log[:4000]}
        for check in checks.checks
    ]
    return {"state": str(checks.state), "checks": told, "plan": list(checks.plan)}
