"""The rules in words: what bounds this run, for its reasoner, so that it does not propose what will be refused, and for
people, so that they know by what it went.

Only what the organization's own files and people say; deterministic, whatever order and files the rules are in; and
bounded, so that it can go into every prompt. A rule that has no room is counted, never cut; the hash is of the whole.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import islice

from domain.canonical import digest
from domain.decisions import PolicyDecision
from domain.people import Snapshot
from domain.tasks import Principal, Task
from domain.tiers import Effect, admits
from policy.bundles import Bundle
from policy.facts import Progress, Situation, tainted_task
from policy.globs import fits_any
from policy.lattice import Bounds
from policy.matching import LABEL, Facts
from policy.reading.files import spell_duration
from policy.ruleset import RuleSet
from policy.sources.headers import Header, Origin
from policy.sources.rules import Rule, spell_requirement

LONGEST = 12_000  # characters of the text
MOST = 100  # lines of a section
LONGEST_LINE = 1_500  # a rule that takes more words is counted, and in the file
_LAST = "A proposal that a rule refuses is answered with the rule; do not try it in another form."
_ROOM = 80  # for a heading, or for how many lines are left out


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One kind of source: a line each rule, convention or limit. `more` have no room here."""

    title: str
    lines: tuple[str, ...]
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class InWords:
    """The digest. `hash` names all that bounds the run, also what `sections` have no room for.

    The same hash is the same words. They are written when somebody reads them: most decisions need the hash alone.
    """

    hash: str
    write: Callable[[], tuple[Section, ...]] = field(repr=False, compare=False)

    @property
    def sections(self) -> tuple[Section, ...]:
        """Every section that has lines, the limits first."""
        return self.write()

    @property
    def text(self) -> str:
        """All of it, as a prompt takes it."""
        return "\n".join([*(line for section in self.sections for line in _said(section)), _LAST])


def in_words(
    policies: RuleSet, task: Task, decision: PolicyDecision, *, standing: Sequence[Principal], people: Snapshot
) -> InWords:
    """The digest for a run of `task` under `decision`. `task.context` names the agent."""
    facts = _facts(policies, task, standing, people)
    bundles = [bundle for bundle in policies.bundles() if bundle.concerns(facts)]
    headers = [header for header in policies.headers if _implied(header, facts)]
    tainted = tainted_task(task)
    return InWords(
        hash=_hash(policies, bundles, headers, decision, tainted=tainted),
        write=lambda: tuple(_fitted(_sections(policies, bundles, headers, decision, tainted=tainted))),
    )


def _budgets(policies: RuleSet) -> tuple[str, ...]:
    return tuple(sorted(budget.words for budget in policies.budgets.values()))


def words(rule: Rule) -> str:
    """One rule in a sentence: when it applies, and what follows."""
    described = f"{rule.describe} " if rule.describe else ""
    named = f"{rule.id}, {rule.stands_for}" if rule.stands_for else rule.id
    return f"{described}[{named}: {_when(rule)}{_then(rule.bounds)}]"


def applies_when(rule: Rule) -> str:
    """When the rule applies: `tool is git.push and label env is prod`; nothing if it always does."""
    tests = [f"{_attribute(name)} is {' or '.join(patterns)}" for name, patterns in rule.match.tests]
    if rule.when is not None:
        tests.append(rule.when.text)
    return " and ".join(tests)


# ── Sections ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_TITLES: Mapping[Origin, str] = {
    Origin.ORGANIZATION: "Organization policies:",
    Origin.AGENT: "Hard rules of the agent:",
    Origin.REPOSITORY: "Rules of the repository:",
    Origin.FRAMEWORK: "Compliance frameworks:",
    Origin.STANDING: "Standing of those who ask:",
}


def _sections(
    policies: RuleSet, bundles: Sequence[Bundle], headers: Sequence[Header], decision: PolicyDecision, *, tainted: bool
) -> Iterator[Section]:
    """Every section that has lines, the limits first."""
    yield Section(title="What policy allows in this run:", lines=tuple(_limits(decision, tainted=tainted)))
    for origin, title in _TITLES.items():
        if origin is Origin.REPOSITORY:
            sentences = sorted({said for header in headers for said in header.conventions})
            yield Section(title="Conventions of the repository:", lines=tuple(sentences))
        yield _rules(title, [bundle for bundle in bundles if bundle.origin is origin])
    frozen = sorted(freeze.words for freeze in (*policies.freezes, *policies.declared))
    yield Section(title="Change freezes:", lines=tuple(frozen))
    yield Section(title="Budgets, shared with other runs:", lines=_budgets(policies))
    labelled = (f"{one.pattern} has {_labels(one.labels)}" for one in policies.catalogue.entries if one.labels)
    yield Section(title="Resources:", lines=tuple(labelled))


def _rules(title: str, bundles: Sequence[Bundle]) -> Section:
    """As many rules as a section may have, by id; those that are too long for a line are only counted."""
    first = islice(merge(*(bundle.rules for bundle in bundles), key=lambda rule: rule.id), 2 * MOST)
    lines = tuple(islice((said for rule in first if len(said := words(rule)) <= LONGEST_LINE), MOST))
    return Section(title=title, lines=lines, more=sum(len(bundle.rules) for bundle in bundles) - len(lines))


def _limits(decision: PolicyDecision, *, tainted: bool) -> Iterator[str]:
    limits, tier = decision.constraints, decision.tier
    if not decision.allowed:
        yield f"nothing: {decision.reason}"
        return
    effects = ", ".join(effect.value for effect in Effect if admits(tier, effect))
    yield f"tier {tier.label}: calls that {effects}{_by(decision, 'tier')}"
    if limits.requires_pr:
        yield f"changes only by change request; people merge{_by(decision, 'requires_pr')}"
    if limits.requires_validation:
        set_by = _by(decision, "requires_validation")
        yield f"a change request counts only once its exact head has passed its checks{set_by}"
    if limits.max_iterations is not None:
        yield f"at most {limits.max_iterations} iterations{_by(decision, 'max_iterations')}"
    if limits.timeout_s is not None:
        yield f"at most {spell_duration(limits.timeout_s)} of work{_by(decision, 'timeout')}"
    if limits.deadline_s is not None:
        yield f"at most {spell_duration(limits.deadline_s)} in all{_by(decision, 'deadline')}"
    if limits.budget_usd is not None:
        yield f"at most ${limits.budget_usd:.2f}{_by(decision, 'budget_usd')}"
    if limits.max_actions is not None:
        yield f"at most {limits.max_actions} calls above read{_by(decision, 'max_actions')}"
    if limits.max_tokens is not None:
        yield f"at most {limits.max_tokens} tokens{_by(decision, 'max_tokens')}"
    yield f"only these tools: {', '.join(limits.allowed_tools) or 'none'}{_by(decision, 'allowed_tools')}"
    if limits.denied_tools:
        yield f"never these tools: {', '.join(limits.denied_tools)}{_by(decision, 'denied_tools')}"
    for one in decision.approvals:
        yield f"every call above read needs {spell_requirement(one)} ({', '.join(one.policies)})"
    if tainted:
        yield "it follows text that nobody vouches for: a target taken from there is put to a person"


def _by(decision: PolicyDecision, sets: str) -> str:
    names = dict.fromkeys(reason.policy for reason in decision.reasons if reason.sets == sets)
    return f" ({', '.join(names)})" if names else ""


def _labels(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(labels.items()))


def _when(rule: Rule) -> str:
    said = applies_when(rule)
    return f"when {said}: " if said else "always: "


def _attribute(name: str) -> str:
    return f"label {name.removeprefix(LABEL)}" if name.startswith(LABEL) else name


def _then(bounds: Bounds) -> str:
    said = []
    for claim in sorted(bounds.claims, key=lambda c: (c.reason.sets, c.reason.to)):
        match claim.reason.sets:
            case "deny":
                said.append(f"denied: {claim.reason.to}")
            case "approve":
                said.append(f"needs {claim.reason.to}")
            case sets:
                said.append(f"{sets.replace('_', ' ')} {claim.reason.to}")
    return ", ".join(said)


# ── Room ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _fitted(sections: Iterable[Section]) -> Iterator[Section]:
    """The sections as far as there is room. Each in turn gets a line, so that none crowds out another."""
    full = [section for section in sections if section.lines or section.more]
    short = [[line for line in section.lines if len(line) <= LONGEST_LINE][:MOST] for section in full]
    taken = [0] * len(full)
    left = LONGEST - len(_LAST) - sum(len(section.title) + _ROOM for section in full)
    room = True
    while room:
        room = False
        for n, lines in enumerate(short):
            if taken[n] < len(lines) and len(lines[taken[n]]) + 3 <= left:
                left -= len(lines[taken[n]]) + 3
                taken[n] += 1
                room = True
    for section, lines, count in zip(full, short, taken, strict=True):
        yield Section(title=section.title, lines=tuple(lines[:count]), more=section.more + len(section.lines) - count)


def _said(section: Section) -> Iterator[str]:
    yield section.title
    yield from (f"- {line}" for line in section.lines)
    if section.more:
        yield f"- and {section.more} more, which the boundary applies"


# ── What concerns the run ─────────────────────────────────────────────────────────────────────────────────────────────


def _facts(policies: RuleSet, task: Task, standing: Sequence[Principal], people: Snapshot) -> Facts:
    return Situation(
        task,
        standing=standing,
        people=people,
        groups=policies.groups,
        progress=Progress(),
        now=task.trigger.timestamp,
    ).facts


def _implied(header: Header, facts: Facts) -> bool:
    return all(fits_any(patterns, facts.values(name) or ()) for name, patterns in header.implied)


def _hash(
    policies: RuleSet, bundles: Sequence[Bundle], headers: Sequence[Header], decision: PolicyDecision, *, tainted: bool
) -> str:
    """Of everything that the words are made from: cheaper than the words, and the same exactly when they are."""
    return digest(
        {
            "limits": [*_limits(decision, tainted=tainted)],
            "rules": [bundle.hash for bundle in bundles],
            "conventions": sorted({said for header in headers for said in header.conventions}),
            "freezes": sorted(freeze.words for freeze in (*policies.freezes, *policies.declared)),
            "budgets": list(_budgets(policies)),
            "resources": {one.pattern: dict(one.labels) for one in policies.catalogue.entries},
        }
    )
