"""Earned autonomy: what an agent's record may raise. `earns:` of its file states the rungs.

    tier: draft
    earns:
      - tier: sandbox
        after: {approved: 20, within: 30d, tools: ["forge.merge"], denied: 2}
        from: ["group:sre"]

A rung is reached by evidence and granted by people: once the record shows what the rung asks for, a promotion is
proposed like any other change, and named people countersign it. It raises only where the agent starts, never beyond
the highest rung of its file; rules narrow what was earned as they narrow what was given. One broken prediction or one
rollback, and what was earned is gone.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.agents import Agent, Earning
from domain.canonical import Json
from domain.decisions import Reason, Requirement
from domain.organization import Earned
from domain.records import Deed, TrackRecord, track_record
from domain.tiers import Effect, Tier, admits
from policy.globs import matches
from policy.lattice import Bounds, Claim, merged
from policy.matching import Match, Names, ReadPattern
from policy.reading.files import Fields, choice, duration, integer, several, spell_duration
from policy.reading.nodes import Faults, Node
from policy.sources.approvers import approvers
from policy.sources.limits import TIERS, tier_named
from policy.sources.rules import Rule, contents_of, spell_requirement

PROMOTION = "promotion"  # the type of its tasks
RAISE = "autonomy.raise"  # the tool that does it; its resource is `agent/SLUG/TIER`
SHOWN_S = 30 * 86_400.0  # how far back a record is shown where no rung says


class ReadEarning:
    """Reads one entry of `earns:`."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def __call__(self, node: Node, faults: Faults) -> Earning | None:
        fields = Fields(node, faults, "tier", "after", "from")
        label = fields.need("tier", choice(*TIERS))
        after = fields.need("after", self._after)
        by = fields.get("from", several(approvers(self._names.groups, people_only=True)), ())
        at = fields.child("tier") or node
        if label is None or after is None:
            return None
        approved, within, tools, denied, edited = after
        return Earning(
            tier=tier_named(label),
            approved=approved,
            within_s=within,
            tools=tools,
            denied=denied,
            edited=edited,
            by=by,
            file=at.file,
            line=at.line,
        )

    def _after(self, node: Node, faults: Faults) -> tuple[int, float, tuple[str, ...], int, int] | None:
        fields = Fields(node, faults, "approved", "within", "tools", "denied", "edited")
        approved = fields.need("approved", integer(1, 10_000))
        within = fields.need("within", duration)
        tools = fields.get("tools", several(ReadPattern("tool", self._names.tools)), ("*",))
        denied, edited = (fields.get(name, integer(0, 10_000), 0) for name in ("denied", "edited"))
        return None if approved is None or within is None else (approved, within, tools, denied, edited)


def check_rungs(below: Tier, rungs: Iterable[Earning], faults: Faults) -> None:
    """Each rung is above the one before, and the first above what the file gives."""
    for rung in rungs:
        if rung.tier <= below:
            what = f"{rung.tier.label} is not above {below.label}"
            faults.add(rung.file, rung.line, 1, "earns.tier", what, "list the rungs from the lowest to the highest")
        below = rung.tier


def start_of(agent: Agent, earned: Earned | None) -> tuple[Tier, Earning | None]:
    """The tier that the agent starts from, and the rung that raised it, if one did."""
    if earned is None or earned.tier <= agent.tier:
        return agent.tier, None
    reached = [rung for rung in agent.earns if rung.tier <= earned.tier]
    return (reached[-1].tier, reached[-1]) if reached else (agent.tier, None)


def next_rung(agent: Agent, earned: Earned | None) -> Earning | None:
    """The lowest rung above where the agent starts now; None at the top."""
    tier, _ = start_of(agent, earned)
    return next((rung for rung in agent.earns if rung.tier > tier), None)


def canonical_agent(agent: Agent) -> Mapping[str, Json]:
    """What of an agent's file bears on decisions, as JSON."""
    return {
        "slug": agent.slug,
        "tier": agent.tier.label,
        "tools": sorted(agent.tools),
        "limits": [
            *(agent.max_iterations, agent.timeout_s, agent.deadline_s),
            *(agent.budget_usd, agent.max_actions, agent.max_tokens),
        ],
        "earns": [
            [rung.tier.label, rung.approved, rung.within_s, sorted(rung.tools), rung.denied, rung.edited]
            for rung in agent.earns
        ],
    }


def promotion_rules(agents: Iterable[Agent]) -> tuple[Rule, ...]:
    """Who countersigns a promotion besides those whom the rules ask: `from:` of the rung, as a rule like any other."""
    return tuple(_promotion_rule(agent.slug, rung) for agent in agents for rung in agent.earns if rung.by)


def _promotion_rule(slug: str, rung: Earning) -> Rule:
    name = f"earns:{slug}:{rung.tier.label}"
    required = merged(Requirement(approvers=who, policies=(name,)) for who in rung.by)
    said = [
        Reason(policy=name, file=rung.file, line=rung.line, sets="approve", to=spell_requirement(one))
        for one in required
    ]
    rule = Rule(
        id=name,
        level="agent",
        describe=f"Whether {slug} starts from {rung.tier.label} is for these to say.",
        match=Match((("tool", (RAISE,)), ("resource", (f"agent/{slug}/{rung.tier.label}",)))),
        when=None,
        bounds=Bounds(approvals=required, claims=frozenset(Claim(reason=reason) for reason in said)),
        file=rung.file,
        line=rung.line,
        contents="",
    )
    return replace(rule, contents=contents_of(rule))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an agent stands: by its file, by what it has earned, and on the way to the next rung."""

    agent: str
    given: Tier
    starts: Tier
    ceiling: Tier
    earned: Earned | None
    rung: Earning | None  # the next; None at the top
    since: datetime  # from where the record is looked at
    record: TrackRecord
    lacking: tuple[str, ...]

    @property
    def due(self) -> bool:
        """Whether the record shows all that the next rung asks for."""
        return self.rung is not None and not self.lacking


def looked_at_since(agent: Agent, earned: Earned | None, now: datetime) -> datetime:
    """From where the record counts: the next rung's window, and nothing from before the last rung was reached."""
    rung = next_rung(agent, earned)
    window = now - timedelta(seconds=rung.within_s if rung is not None else SHOWN_S)
    return window if earned is None or rung is None else max(window, earned.since)


def standing_of(
    agent: Agent, earned: Earned | None, deeds: Iterable[Deed], now: datetime, *, lost: datetime | None = None
) -> Standing:
    """Where the agent stands; `deeds` are its own since `looked_at_since`. What it did before it `lost` what it had
    earned no longer speaks for it."""
    rung = next_rung(agent, earned)
    still = [deed for deed in deeds if lost is None or not deed.good or (deed.at is not None and deed.at > lost)]
    record = track_record(still) if rung is None else counted(rung, still, now)
    return Standing(
        agent=agent.slug,
        given=agent.tier,
        starts=start_of(agent, earned)[0],
        ceiling=agent.ceiling,
        earned=earned,
        rung=rung,
        since=max(looked_at_since(agent, earned, now), lost or datetime.min.replace(tzinfo=now.tzinfo)),
        record=record,
        lacking=() if rung is None else lacking(rung, record),
    )


def evidence_of(record: TrackRecord) -> str:
    """`20 approved as proposed, 1 denied, 0 edited; 20 predictions held, 0 did not; 0 rolled back`."""
    asked = f"{record.approved} approved as proposed, {record.denied} denied, {record.edited} edited"
    return f"{asked}; {record.held} predictions held, {record.failed} did not; {record.rolled_back} rolled back"


def described(standing: Standing) -> tuple[tuple[str, str], ...]:
    """Where an agent stands, for people: name and value, in order."""
    earned, rung = standing.earned, standing.rung
    by = (
        f", earned {earned.since:%Y-%m-%d} in {earned.run_id}, countersigned by {', '.join(earned.by)}"
        if earned
        else ""
    )
    said = [
        ("agent", standing.agent),
        ("starts from", f"{standing.starts.label}{by}"),
        ("its file gives", standing.given.label),
        ("record", f"{evidence_of(standing.record)} (since {standing.since:%Y-%m-%d %H:%M} UTC)"),
        ("next rung", "none" if rung is None else f"{rung.tier.label}, {_besides(standing.starts, rung.tier)}"),
    ]
    if rung is not None:
        said.append(("it asks for", f"{asked_for(rung)} ({rung.file}:{rung.line})"))
        said.append(("still lacking", "; ".join(standing.lacking) or "nothing"))
    return tuple(said)


def asked_for(rung: Earning) -> str:
    """`20 approved as proposed within 30d of forge.merge, at most 2 denied and 0 edited, none rolled back ...`."""
    counts = f"{rung.approved} approved as proposed within {spell_duration(rung.within_s)} of {', '.join(rung.tools)}"
    most = f"at most {rung.denied} denied and {rung.edited} edited"
    return f"{counts}, {most}, every prediction held and nothing rolled back"


def _besides(below: Tier, above: Tier) -> str:
    """What the higher tier admits and the lower does not."""
    more = [effect.words for effect in Effect if admits(above, effect) and not admits(below, effect)]
    return f"which also admits to {' and to '.join(more)}" if more else f"which admits no more than {below.label}"


def counted(rung: Earning, deeds: Iterable[Deed], now: datetime) -> TrackRecord:
    """The record that the rung looks at: its tools, its time. What went otherwise counts whichever tool it was."""
    since = now - timedelta(seconds=rung.within_s)
    lately = [deed for deed in deeds if deed.at is not None and deed.at >= since]
    own = [deed for deed in lately if any(matches(glob, deed.tool) for glob in rung.tools)]
    broken = [deed for deed in lately if deed not in own and (deed.held is False or deed.rolled_back)]
    return track_record((*own, *(replace(deed, approved=False, edited=False, denied=False) for deed in broken)))


def lacking(rung: Earning, record: TrackRecord) -> tuple[str, ...]:
    """What the record does not show yet, in words; () once it shows everything."""
    return tuple(_lacking(rung, record))


def _lacking(rung: Earning, record: TrackRecord) -> Iterator[str]:
    within = spell_duration(rung.within_s)
    if record.approved < rung.approved:
        yield f"{record.approved} of {rung.approved} approved as proposed within {within}"
    if record.denied > rung.denied:
        yield f"{record.denied} denied within {within}, and {rung.denied} are the most"
    if record.edited > rung.edited:
        yield f"{record.edited} edited within {within}, and {rung.edited} are the most"
    if record.rolled_back:
        yield f"{record.rolled_back} rolled back within {within}, and none may be"
    if record.failed:
        yield f"{record.failed} predictions did not hold within {within}, and all must"
