"""The organization is a fold: what holds for every run, as its own stream says."""

from datetime import UTC, datetime, timedelta

import pytest

from domain import events as e
from domain.organization import Earned, Organization, replay_organization
from domain.tiers import Tier

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


def folded(*events: e.Event) -> Organization:
    return replay_organization(
        e.Recorded(stream=e.ORGANIZATION_STREAM, seq=n, at=NOW, event=event) for n, event in enumerate(events, start=1)
    )


def test_the_switch_is_on_until_it_is_off() -> None:
    stopped = e.EverythingStopped(by="user:U1", why="smoke")
    assert folded(stopped).stopped_by == "user:U1"
    assert not folded(stopped, e.EverythingResumed(by="user:U2")).stopped


def test_the_newest_rules_are_in_force() -> None:
    begun = e.InstanceStarted(boot=3, version="1", sandbox="bubblewrap", policy_hash="sha256:a")
    assert folded(begun).policy_hash == "sha256:a"
    assert folded(begun, e.PolicyLoaded(policy_hash="sha256:b", why="reloaded")).policy_hash == "sha256:b"
    assert folded(begun).boot == 3


def test_a_freeze_holds_until_it_is_lifted() -> None:
    until = NOW + timedelta(days=1)
    declared = e.FreezeDeclared(id="f1", by="user:U1", until=until, where=(("resource", ("prod/*",)),))
    freeze = folded(declared).freezes["f1"]
    assert (freeze.since, freeze.until, freeze.by) == (NOW, until, "user:U1")
    assert not folded(declared, e.FreezeLifted(id="f1", by="user:U1")).freezes
    assert folded(declared, e.FreezeLifted(id="other", by="user:U1")).freezes


def test_what_happens_to_a_run_does_not_happen_to_the_organization() -> None:
    with pytest.raises(TypeError, match="Paused"):
        folded(e.Paused(by="user:U1"))


def test_freezes_are_counted_kept_apart_and_ended() -> None:
    until = NOW + timedelta(days=1)
    one, two = (
        e.FreezeDeclared(id=name, by="user:U1", why="w", until=until, where=(), zone="Europe/Berlin")
        for name in ("f1", "f2")
    )
    both = folded(one, two)
    assert (set(both.freezes), both.declared) == ({"f1", "f2"}, 2)
    assert (both.freezes["f1"].zone, both.freezes["f1"].why) == ("Europe/Berlin", "w")
    left = folded(one, two, e.FreezeEnded(id="f1"))
    assert (set(left.freezes), left.declared) == ({"f2"}, 2)


def test_what_an_agent_has_earned_holds_until_that_agent_loses_it() -> None:
    one, two = (e.TierEarned(agent=agent, tier=Tier.SANDBOX, run_id="r", by=("user:U2",)) for agent in ("a", "b"))
    both = folded(one, two)
    assert both.earned == {
        agent: Earned(tier=Tier.SANDBOX, since=NOW, run_id="r", by=("user:U2",)) for agent in ("a", "b")
    }
    lost = folded(one, two, e.TierLost(agent="a", by="user:U1", why="rolled back"))
    assert (set(lost.earned), lost.lost) == ({"b"}, {"a": NOW})
    again = folded(one, two, *(e.TierLost(agent=agent, by="user:U1", why="") for agent in ("a", "b")))
    assert (again.earned, set(again.lost)) == ({}, {"a", "b"})
