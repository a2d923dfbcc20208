"""Who countersigns a call: what the rules ask, and what the house insists on where they ask nobody else."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from json.encoder import encode_basestring  # how canonical JSON writes a text

from domain.decisions import Reason, Requirement
from domain.tiers import Effect
from policy.facts import DANGEROUS, CallView
from policy.lattice import Bounds, json_of_requirement, merged
from policy.sources.approvers import PEER, independent
from policy.sources.rules import spell_requirement

BUILT_IN = "built-in"


def insisted(view: CallView, selectors: Sequence[str], *, by_person: bool) -> list[str]:
    """Why the house itself wants a person for this call: a change, a click that is an act, a tainted selector."""
    names = []
    if by_person:
        names.append("offer-needs-a-person")
    elif view.effect is Effect.CHANGE:
        names.append("change-needs-a-person")
    if view.effect in DANGEROUS and any(_within(name, selectors) for name in view.call.tainted):
        names.append("tainted-selector")
    return names


def required_by(asked: tuple[Requirement, ...], built_in: Iterable[str]) -> tuple[Requirement, ...]:
    """What the rules ask; and a peer where the house insists on a person and no rule asks for one other than self."""
    if any(independent(one.approvers) for one in asked):
        return asked
    return merged((*asked, *(Requirement(approvers=PEER, policies=(name,)) for name in built_in)))


def who_asks(bounds: Bounds, required: Iterable[Requirement]) -> tuple[Reason, ...]:
    """The rules that ask, and the house's own reasons."""
    from_rules = bounds.reasons_for("approve")
    named = {reason.policy for reason in from_rules}
    built_in = [
        Reason(policy=name, file=BUILT_IN, line=0, sets="approve", to=spell_requirement(one))
        for one in required
        if one.approvers.kind == PEER.kind
        for name in one.policies
        if name not in named
    ]
    return (*from_rules, *built_in)


def hash_of_asking(rules: Sequence[str], required: Iterable[Requirement]) -> str:
    """Names a verdict: the digest of `{"asks": [...], "rules": [...]}`, by what is required and what the rules say."""
    asks = ",".join([json_of_requirement(one) for one in required])
    said = ",".join([encode_basestring(rule) for rule in rules])
    return "sha256:" + sha256(f'{{"asks":[{asks}],"rules":[{said}]}}'.encode()).hexdigest()


def _within(tainted: str, selectors: Sequence[str]) -> bool:
    """Whether a tainted argument, or a part of it (`target.name`, `items[0]`), is a selector."""
    whole = tainted.partition(".")[0].partition("[")[0]
    return tainted in selectors or whole in selectors
