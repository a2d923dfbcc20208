"""`/ops why` and the shortcut on any message: the same answer, for those who may read the run, and for nobody else."""

import json
from dataclasses import replace
from typing import Any

from domain import events as e
from domain.decisions import Deny, Reason, Remedy
from domain.tasks import run_id_of
from domain.tiers import Tier
from handlers.slack.clicks import click_intent, shortcut_intent
from handlers.slack.show.limits import fits
from handlers.slack.show.why import CALLS, why_message, why_parts, words_part
from handlers.slack.words import Opened
from loop.doors import Ways, Why
from tests.slack import samples as s
from tests.slack.conftest import House, until

LOWEST = Reason(policy="standing:group:contractors", file="countersign.yaml", line=9, sets="tier", to="recommend")
LOSER = Reason(policy="agent:operator", file="agents/operator.yaml", line=1, sets="tier", to="production")
CONTROL = Reason(policy="at-rest", file="policies/soc2.yaml", line=4, sets="deny", to="no", control="soc2 CC6.1")
DECIDED = s.decided(
    tier=Tier.RECOMMEND, reasons=(LOWEST,), overruled=(LOSER,), policy_hash="sha256:then", digest="sha256:words-then"
)
WHY = Why(
    policy_hash="sha256:now",
    digest="sha256:words-now",
    words="What policy allows in this run:\n- tier recommend",
    ways=(
        Ways(
            call_id="c1",
            remedies=(
                Remedy(text="if somebody outside group:contractors asked", help=("group:sre",)),
                Remedy(text="if the rule at-rest were changed (policies/soc2.yaml:4)", rules=("at-rest",)),
            ),
        ),
    ),
)
DENIED = e.CallDenied(call_id="c1", verdict=Deny(text="Not encrypted", reasons=(CONTROL,)))


def told(*events: e.Event, why: Why = WHY) -> dict[str, str]:
    log = s.log([s.received(), *events])
    return {part.title: part.text for part in why_parts(s.story(s.received(), *events).run, log, why)}


def test_everything_that_people_ask_is_there() -> None:
    found = told(DECIDED, s.proposed(), DENIED)
    assert found["Decision"] == "Full members may."
    assert found["What holds, and who lost"].split("\n") == [
        "tier recommend: standing:group:contractors (countersign.yaml:9)",
        "  recommend beats production: agent:operator (agents/operator.yaml:1)",
    ]
    assert found["Calls, the latest last"] == (
        "c1 service.restart prod/web: denied: Not encrypted · by at-rest, soc2 CC6.1 (policies/soc2.yaml:4)"
    )
    assert found["What would have to change"].split("\n") == [
        "service.restart would be another answer: if somebody outside group:contractors asked; group:sre can help",
        "service.restart would be another answer: if the rule at-rest were changed (policies/soc2.yaml:4)",
    ]
    assert found["By which rules"].split("\n") == [
        "decided by sha256:then",
        "in words sha256:words-then",
        "since then the rules have changed: sha256:now; calls meet the stricter of both",
        "in words sha256:words-now now",
    ]


def test_a_log_from_before_is_told_as_far_as_it_goes() -> None:
    found = told(s.decided(), why=Why(policy_hash=""))
    assert found == {
        "Decision": "Full members may.",
        "What holds, and who lost": "max iterations 10: limits (policies/org.yaml:3)",
        "By which rules": "decided by rules without a name",
    }
    assert told() == {"Decision": "Policy has not decided about this run yet."}


def test_of_many_calls_the_latest_and_of_a_long_answer_what_a_message_holds() -> None:
    calls = [s.call(f"c{n}") for n in range(1, CALLS + 3)]
    found = told(DECIDED, s.proposed(*calls))["Calls, the latest last"]
    assert found.count("\n") == CALLS - 1
    assert "c1 " not in found
    long = replace(WHY, ways=(Ways(call_id=None, remedies=tuple(Remedy(text="x" * 900) for _ in range(40))),))
    story, log = s.story(s.received(), DECIDED), s.log([s.received(), DECIDED])
    message = why_message(story.run, why_parts(story.run, log, long))
    assert fits(message.blocks)
    assert "What would have to change: see Details" in json.dumps(message.blocks)


def test_the_rules_in_words_come_with_their_hash() -> None:
    assert words_part(WHY)[0].text.endswith("- tier recommend\n\nsha256:words-now")
    assert words_part(Why(policy_hash="", note="The directory is away."))[0].text == "The directory is away."


def test_buttons_and_shortcuts_open_details_of_the_run() -> None:
    def pressed(value: str) -> Opened:
        action = {"action_id": "details", "value": value}
        intent = click_intent({"actions": [action], "user": {"id": "U1"}, "container": {"channel_id": "C1"}})
        assert isinstance(intent, Opened)
        return intent

    assert (pressed("why r-abcd").about["what"], pressed("rules r-abcd").about["run"]) == ("why", "r-abcd")
    assert pressed(f"{s.APPROVAL} {s.DIGEST}").about["approval"] == s.APPROVAL
    message = {"ts": "1.1", "metadata": {"event_type": "another", "event_payload": {"run_id": "r-abcd"}}}
    foreign = {"callback_id": "explain_decision", "message": message, "channel": {"id": "C1"}, "user": {"id": "U1"}}
    intent = shortcut_intent(foreign)
    assert isinstance(intent, Opened)
    assert intent.about["run"] == ""


# ── Over real sockets ─────────────────────────────────────────────────────────────────────────────────────────────────


async def explained(house: House, ts: str, user: str = "U2", channel: str = "C1") -> str:
    """What the view says that the shortcut on this message opens, once it says something."""
    before = {view["id"] for view in (await house.state())["views"]}
    await house.act("shortcut", user=user, callback_id="explain_decision", channel=channel, ts=ts)

    async def filled() -> list[str]:
        new = [view for view in (await house.state())["views"] if view["id"] not in before]
        texts = [json.dumps(view, ensure_ascii=False) for view in new if view["callback_id"] == "details"]
        return [text for text in texts if "One moment" not in text]

    (text,) = await until(filled)
    return str(text)


async def denied(house: House) -> dict[str, Any]:
    """A run with a denied call, and its card."""
    house.operator.reasons = WHY
    await house.ops("restart prod/web")
    card = await house.one(":card")
    await house.write(DECIDED, s.proposed(), DENIED)
    return card


async def test_the_shortcut_explains_on_every_message_of_a_run(house: House) -> None:
    card = await denied(house)
    text = await explained(house, card["ts"])
    for part in (
        "recommend beats production",
        "outside group:contractors",
        "soc2 CC6.1",
        "sha256:then",
        "sha256:words-now",
    ):
        assert part in text, part
    said = await house.say("and now?", thread_ts=card["ts"])
    assert "recommend beats production" in await explained(house, said), "somebody's words in the run's thread"
    asked = await house.say("<@U0BOT> restart prod/db")
    await until(lambda: _submitted(house, 2))

    async def known() -> bool:  # the run is there a moment after it was submitted
        return "has not decided" in await explained(house, asked)

    assert await until(known), "the words that began a run"


async def test_on_other_messages_the_shortcut_says_so(house: House) -> None:
    ts = await house.say("good morning")
    assert "belongs to no run" in await explained(house, ts)


async def test_who_may_not_read_a_run_is_not_told_why(house: House) -> None:
    card = await denied(house)
    house.operator.unreadable.add("user:U2")
    text = await explained(house, card["ts"])
    assert "nothing here that you can see" in text
    assert "contractors" not in text


async def test_why_says_the_same_and_opens_the_rules_in_words(house: House) -> None:
    await denied(house)
    run_id = run_id_of(house.operator.submitted[0])
    await house.ops(f"why {run_id}", user="U2")
    await house.consumer.idle()
    rows = [row for row in (await house.state())["messages"] if row.get("ephemeral_to") == "U2"]
    assert "recommend beats production" in json.dumps(rows[-1], ensure_ascii=False)
    values = [each["value"] for block in rows[-1]["blocks"] if block["type"] == "actions" for each in block["elements"]]
    assert values == [f"why {run_id}", f"rules {run_id}"]
    await house.click("details", rows[-1]["ts"], value=f"rules {run_id}")

    async def shown() -> bool:
        views = (await house.state())["views"]
        return any("What policy allows in this run" in json.dumps(view) for view in views)

    await until(shown)


async def _submitted(house: House, count: int) -> bool:
    return len(house.operator.submitted) >= count
