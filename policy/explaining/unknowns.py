"""What a question about rules had to leave open where the directory is not asked: who is in Slack's own groups."""

from collections.abc import Iterable

from domain.people import Snapshot
from policy.explaining.explain import standing_of
from policy.globs import fits_any
from policy.ruleset import RuleSet
from policy.sources.subjects import Subject


def notes_on(policies: RuleSet, subjects: Iterable[Subject], people: Snapshot) -> tuple[str, ...]:
    """A sentence for each group that bears on one of these questions and that only the directory can look into."""
    asked = {who for subject in subjects for who in standing_of(subject)}
    unknown = any(who.startswith("user:") and who not in people.people for who in asked)
    hidden = [f"group:{name}" for name in policies.groups.hidden] if unknown else []
    return tuple(
        f"{group} is Slack's own; who is in it is unknown here, and counts as matching"
        for group in sorted(hidden)
        if _speaks_of(policies, group)
    )


def _speaks_of(policies: RuleSet, group: str) -> bool:
    """Whether a rule or a freeze depends on who is in the group."""
    tests = [rule.match.tests for rule in policies.rules]
    freezes = (*policies.freezes, *policies.declared)
    tests += [match.tests for freeze in freezes for match in (freeze.match, *freeze.exceptions)]
    return any(name == "requester" and fits_any(patterns, (group,)) for each in tests for name, patterns in each)
