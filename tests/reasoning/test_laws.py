"""On every run that the loop can reach: an answer, the same each time, well formed; and an end."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import events as e
from domain.approvals import ApprovalEnd
from domain.calls import Doubt, Observation
from domain.runs import Run, Status
from domain.tiers import Effect
from loop.ports import AwaitTopic, Conclude, DraftCall, GiveUp, Propose
from reasoning.scripted import ScriptedReasoner
from tests.reasoning.drive import CATALOG, ROUTER, Story, alert, chat
from tests.reasoning.test_encrypt_bucket import CLONED, FINDING, MERGE_SEEN, OPENED, scanned
from tests.reasoning.test_service_down import DOWN, LOG, PROBED, UP

MOST_TURNS = 150
SOUND: Mapping[str, list[dict[str, Any]]] = {
    "git.clone": [CLONED],
    "scan.repository": [scanned(FINDING), scanned(), scanned(FINDING, {**FINDING, "line": 9})],
    "repo.read": [{"text": "x"}],
    "repo.search": [{"count": 1, "hits": []}, {"count": 0, "hits": []}],
    "repo.edit": [{"changed": True, "diff": "+"}],
    "git.commit": [{"head": "a" * 40}],
    "git.push": [{"head": "a" * 40}],
    "forge.open_change": [OPENED],
    "forge.change": [MERGE_SEEN, {**OPENED, "checks": "failed", "pipeline": {"state": "failed", "checks": []}}],
    "service.status": [DOWN, UP],
    "service.logs": [LOG],
    "http.probe": [PROBED],
    "service.restart": [{"generation": 4, "healthy": True}, {}],
}
ASKED = [
    *(chat(example) for example in ROUTER.examples()),
    alert({"alertname": "ServiceDown", "service": "web"}),
    alert({"alertname": "Unknown"}),
]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(["findings", "count", "url", "healthy", "generation", "number", "checks_topic", "result"])


def well_formed(proposal: object) -> None:
    match proposal:
        case Propose(calls=calls, rationale=rationale):
            assert calls
            assert rationale
            for call in calls:
                check_draft(call)
        case AwaitTopic(topic=topic, why=why, within_s=within_s, offer=offer):
            assert topic
            assert why
            assert within_s > 0
            if offer is not None:
                check_draft(offer)
        case Conclude(summary=summary, checks=checks):
            assert summary
            for call in checks:
                check_draft(call)
                assert effect(call) is Effect.READ
                assert call.expect is not None
        case GiveUp(why=why):
            assert why


def check_draft(call: DraftCall) -> None:
    assert call.step
    assert call.purpose
    if effect(call) is Effect.CHANGE:
        assert call.prediction
        assert call.rollback


def effect(call: DraftCall) -> Effect:
    spec = CATALOG.spec(call.tool)
    assert spec is not None
    return spec.effect


class Walk(Story):
    """A story in which anything may happen."""

    def made(self, drafts: Any) -> Any:
        return super().made(drafts) if self.sound else _unchecked(self, drafts)

    sound = True


def _unchecked(walk: "Walk", drafts: Any) -> Any:
    """Hostile results lead to arguments that no tool takes; the boundary refuses those later."""
    plain = [replace(draft, arguments={}) for draft in drafts]
    calls = []
    for draft, bare in zip(drafts, plain, strict=True):
        spec = CATALOG.spec(draft.tool)
        assert spec is not None
        made = e.ToolCall(
            call_id=f"c{walk.run.calls_made + len(calls) + 1}",
            tool=draft.tool,
            version=1,
            effect=spec.effect,
            arguments=bare.arguments,
            step=draft.step,
            expect=draft.expect,
        )
        calls.append(made)
    return tuple(calls)


def happen(walk: Walk, data: st.DataObject) -> None:
    """One turn of anything that may follow a proposal."""
    walk.take()
    match walk.run.status:
        case Status.WAITING:
            wait_ends(walk, data)
        case Status.PROPOSED:
            while walk.run.batch:
                group_ends(walk, data)
        case _:
            pass


def wait_ends(walk: Walk, data: st.DataObject) -> None:
    ends = ["passed", "merged", "applied", "failed", "closed", "stale", "timed out", "offer"]
    what = data.draw(st.sampled_from(ends))
    offer = walk.run.offer
    if what == "offer" and offer is not None:
        walk.close(walk.ask(), data.draw(st.sampled_from(list(ApprovalEnd))), "why")
    elif what == "timed out":
        walk.add(e.DeadlineReached(kind="wait"))
    else:
        walk.add(e.Noticed(topic=walk.run.waits[-1].topic, what=what))


def group_ends(walk: Walk, data: st.DataObject) -> None:
    group = walk.run.group
    first = group[0].call
    fate = data.draw(st.sampled_from([*["done"] * 8, "fails", "unmet", "refused", "ended", "doubt", "wild"]))
    if fate == "refused":
        walk.add(e.CallDenied(call_id=first.call_id, verdict=e.Deny(text="no")))
        walk.drop_rest("denied")
        return
    if fate == "ended" and first.effect is not Effect.READ:
        walk.close(walk.ask(), data.draw(st.sampled_from(list(ApprovalEnd))), "why")
        return
    walk.start(*(record.call.call_id for record in group))
    if fate == "doubt" and first.effect is not Effect.READ:
        walk.add(e.ActionInDoubt(call_id=first.call_id, why="lost", remedy="ask"))
        walk.drop_rest("in doubt")
        walk.add(e.DoubtPutToPerson(call_id=first.call_id, question="?", options=()))
        walk.add(e.Answered(by="user:U0SRE0001", text="it did"))
        finding = data.draw(st.sampled_from([Doubt.HAPPENED, Doubt.NOT_HAPPENED]))
        walk.add(e.DoubtResolved(call_id=first.call_id, finding=finding, by="user:U0SRE0001"))
        return
    for record in group:
        walk.returned(
            record.call.call_id, brought(walk, record.call.tool, fate, data), met=False if fate == "unmet" else None
        )
    if fate in ("fails", "unmet"):
        walk.drop_rest("the one before it failed")


def brought(walk: Walk, tool: str, fate: str, data: st.DataObject) -> Observation | Mapping[str, Any]:
    if fate == "fails":
        return Observation(ok=False, summary="", error="it broke")
    if fate == "wild" and not walk.sound:
        return data.draw(st.dictionaries(keys, json_values, max_size=4))
    return data.draw(st.sampled_from(SOUND[tool]))


@pytest.mark.parametrize("sound", [True, False])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data(), asked=st.sampled_from(ASKED))
def test_every_reachable_run_has_a_well_formed_answer_and_an_end(
    *, sound: bool, data: st.DataObject, asked: Any
) -> None:
    walk = Walk(asked)
    walk.sound = sound
    for _ in range(MOST_TURNS):
        well_formed(walk.next())
        if walk.run.ending is not None:
            return
        if data.draw(st.integers(0, 9)) == 0:
            walk.add(e.PersonSpoke(by="user:U0GUEST001", text=data.draw(st.text(max_size=20))))
            well_formed(walk.next())
        happen(walk, data)
    raise AssertionError("the run does not end")


@given(text=st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_no_request_breaks_the_router(text: str) -> None:
    ROUTER.route(chat(text))
    ROUTER.route(alert({"alertname": text, "service": text}, goal=text))


def test_the_script_follows_the_turns_of_the_run_not_the_questions() -> None:
    def shout(run: Run) -> GiveUp:
        return GiveUp(why=run.run_id.upper(), by="script")

    script = ScriptedReasoner([GiveUp(why="one", by="script"), RuntimeError("two"), shout])
    run = Run(run_id="r-1")
    ask = lambda turn: asyncio.run(script.reason(replace(run, iterations=turn), "the rules"))  # noqa: E731
    assert ask(0) == ask(0) == GiveUp(why="one", by="script")
    with pytest.raises(RuntimeError, match="two"):
        ask(1)
    assert ask(2).why == "R-1"
    assert ask(3).why == "The script has ended."
    assert [asked.iterations for asked in script.asked] == [0, 0, 1, 2, 3]
