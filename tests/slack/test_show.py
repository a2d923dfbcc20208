"""What Slack shows: within its limits whatever comes, nothing lost, nothing foreign as markup."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import events as e
from domain.approvals import ApprovalEnd, Ballot
from domain.budgets import Balance, Unit
from domain.calls import Preview
from domain.decisions import Approvers, Requirement
from domain.outcomes import Outcome
from domain.tasks import Trust
from domain.tiers import Effect
from handlers.slack.show import forms, kit, limits
from handlers.slack.show.approval import approval, value_of
from handlers.slack.show.budgets import budgets
from handlers.slack.show.card import card, headline
from handlers.slack.show.home import Row, home
from handlers.slack.show.message import Message, note
from handlers.slack.show.outcome import outcome, question
from handlers.slack.show.parts import parts
from handlers.slack.show.story import Story
from handlers.slack.show.text import clip, duration, escaped, size, visible
from handlers.slack.show.trace import due, trace
from playground import blocks as slack
from tests.slack import samples as s

TEXT = st.text(max_size=400) | st.text(alphabet="<>&*_`~|!@#\u202e\u200b\u0000\ud800\U000e0041\n\t🂡a", max_size=400)


class Big(str):
    """A text whose repr stays short."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Big({self[:40]!r}… {len(self)})"


LONG = TEXT | st.builds(lambda text, times: Big(text * times), TEXT, st.sampled_from([1, 60]))
LONG = LONG | st.sampled_from([Big("x" * 30_000), Big("line\n" * 6_000)])
QUICK = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


def told(value: Any) -> str:
    """Every text of some blocks, in order."""
    if isinstance(value, list):
        return "".join(told(each) for each in value)
    if isinstance(value, dict):
        return "".join(each if name == "text" and isinstance(each, str) else told(each) for name, each in value.items())
    return ""


def buttons(message: Message) -> list[str]:
    return [each["action_id"] for block in message.blocks if block["type"] == "actions" for each in block["elements"]]


def title(block: dict[str, Any]) -> bool:
    """A block that is one bold line."""
    inner = block["elements"][0]["elements"]
    return len(inner) == 1 and inner[0].get("style") == {"bold": True}


def check(message: Message) -> None:
    """As Slack would take it."""
    body = message.body()
    slack.for_message(body["blocks"])
    assert limits.fits(body["blocks"])
    assert 0 < size(body["text"]) <= 4_000
    json.dumps(body, ensure_ascii=False).encode("utf-8")  # no half surrogates
    assert "mrkdwn" not in json.dumps(body)


def check_view(view: dict[str, Any]) -> None:
    assert not slack.check(view["blocks"], "modal")
    assert len(view["title"]["text"]) <= 24
    assert len(view["private_metadata"]) <= 3_000
    assert len(json.dumps(view)) <= 250_000


# ── Text ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u200bb", "a\\u200bb"),
        ("a\u2028b", "a\\u2028b"),
        ("a\u00a0b", "a\\u00a0b"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("\u3164", "\\u3164"),
        ("x\ufe0f", "x\\ufe0f"),
        ("bell\x07", "bell\\u0007"),
        ("a\r\nb\tc", "a\\u000d\nb\tc"),
        ("grün 🙂 日本", "grün 🙂 日本"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(shown) == shown


def test_markup_is_escaped_in_fallbacks() -> None:
    assert escaped("<!channel> <@U1> a&b") == "&lt;!channel&gt; &lt;@U1&gt; a&amp;b"


@QUICK
@given(LONG, st.integers(10, 3_000))
def test_pieces_lose_nothing(text: str, most: int) -> None:
    found = limits.pieces(text, most)
    assert "".join(found) == text
    assert all(0 < size(piece) <= most for piece in found)
    assert size(clip(text, most)) <= most


@pytest.mark.parametrize(("seconds", "shown"), [(900, "15 min"), (14_400, "4 h"), (86_400, "1 d"), (1.5, "1.5 s")])
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


# ── Approvals ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def awaiting(**changes: Any) -> Story:
    return s.story(s.received(), s.decided(), s.proposed(s.call(**changes)), s.asked())


def test_the_approval_card_says_everything() -> None:
    check_probe = s.call("c2", tool="http.probe", effect=Effect.READ, verifies="c1", preview=None)
    story = s.story(
        s.received(trust=Trust.UNTRUSTED), s.decided(), s.proposed(s.call(tainted=("service",)), check_probe), s.asked()
    )
    payload = approval(story, story.run.record("c1"))
    check(payload.card)
    assert payload.file is None
    shown = told(payload.card.blocks)
    for wanted in (
        "service.restart", "prod/web", "env=prod", 'service: "web"', "web restarts", "-down\n+up", "Pid: 17",
        "healthy within 5 s", "http.probe", "start the old process", "policies/org.yaml:7", "someone of group sre",
        "nobody vouches for", "abababababab", "it is wedged", "(not checked)",
    ):  # fmt: skip
        assert wanted in shown
    assert buttons(payload.card) == ["approve", "deny", "ask", "details"]


def test_an_offer_is_merged() -> None:
    story = s.story(s.received(), s.decided(), s.proposed(), s.asked(verb="merge"))
    card_ = approval(story, story.run.record("c1")).card
    assert buttons(card_)[0] == "merge"
    assert "Ready to merge: prod/web" in told(card_.blocks)


def test_buttons_carry_ids_only() -> None:
    story = awaiting()
    request = story.run.record("c1").request
    assert request is not None
    assert value_of(request) == f"{s.APPROVAL} {s.DIGEST}"


def test_a_long_payload_goes_whole_into_a_file() -> None:
    diff = "".join(f"+ line {number} of the plan\n" for number in range(3_000))
    story = awaiting(preview=Preview(summary="much", diff=diff))
    payload = approval(story, story.run.record("c1"))
    check(payload.card)
    check(payload.without_approve)
    assert payload.file is not None
    assert diff in payload.file
    assert "whole in the file" in told(payload.card.blocks)
    assert "approve" in buttons(payload.card)
    assert "approve" not in buttons(payload.without_approve)
    assert "deny" in buttons(payload.without_approve)


@QUICK
@given(arguments=LONG, diff=LONG, resource=TEXT, prediction=LONG, purpose=LONG, label=TEXT, trusted=st.booleans())
def test_nothing_that_is_approved_is_ever_lost(
    arguments: str, diff: str, resource: str, prediction: str, purpose: str, label: str, *, trusted: bool
) -> None:
    preview = Preview(summary=purpose, diff=diff, facts=((label, resource),))
    story = awaiting(
        arguments={"a": arguments, label: [arguments]},
        resource=resource,
        preview=preview,
        prediction=prediction,
        purpose=purpose,
        labels={label: "x"},
        tainted=() if trusted else ("a",),
    )
    record = story.run.record("c1")
    payload = approval(story, record)
    check(payload.card)
    check(payload.without_approve)
    delivered = payload.file if payload.file is not None else told(payload.card.blocks)
    for part in parts(story, record):
        assert visible(part.text) in delivered
    assert visible(diff) in delivered
    paged = [block for page in forms.pages(parts(story, record)) for block in page]
    assert "".join(visible(part.text) for part in parts(story, record)) == told([b for b in paged if not title(b)])


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ([s.voted(), s.granted()], "Countersigned; it starts now."),
        ([s.voted(), s.granted(), s.started()], "it is under way"),
        ([s.voted(), s.granted(), s.started(), s.returned()], "Done: restarted"),
        (
            [
                s.voted(ballot=Ballot.DENY, reason="not now"),
                e.ApprovalClosed(approval_id=s.APPROVAL, end=ApprovalEnd.DENIED, why="not now", by="user:U2"),
            ],
            "Denied: not now",
        ),
        ([e.ApprovalClosed(approval_id=s.APPROVAL, end=ApprovalEnd.EXPIRED, why="4 h passed")], "Expired: 4 h passed"),
    ],
)
def test_a_decided_card_has_only_details(more: list[e.Event], says: str) -> None:
    story = s.story(s.received(), s.decided(), s.proposed(), s.asked(), *more)
    message = approval(story, story.run.record("c1")).card
    check(message)
    assert buttons(message) == ["details"]
    assert says in told(message.blocks)
    assert "-down\n+up" in told(message.blocks)


@pytest.mark.parametrize("size_", [7_000, 7_900, 8_100, 20_000])
def test_a_card_stays_as_it_was_delivered(size_: int) -> None:
    """Whether it needs its file does not change with votes, later calls or the end."""
    first = [s.received(), s.decided(), s.proposed(s.call(prediction="x" * size_)), s.asked()]
    many = tuple(Requirement(approvers=Approvers(kind="user", name=f"U{n}")) for n in range(30))
    for before in (first, [*first[:3], s.asked(requirements=many)]):
        open_ = s.story(*before)
        votes = [s.voted(by=f"user:U{n}", reason="y" * 300) for n in range(20)]
        done = s.story(*before, *votes, s.granted(), s.started(), s.returned(summary="z" * 3_000))
        was, now = (approval(each, each.run.record("c1")) for each in (open_, done))
        check(was.card)
        check(now.card)
        assert (was.file is None) == (now.file is None)


# ── Cards, traces, ends ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_card_of_a_run() -> None:
    story = s.story(s.received(), s.decided(), s.proposed(), s.asked())
    message = card(story.run)
    check(message)
    shown = told(message.blocks)
    for wanted in (
        "Waiting for a countersignature",
        "restart prod/web",
        "production",
        "10 iterations",
        "$2.50",
        "policies/org.yaml:3",
    ):
        assert wanted in shown
    assert buttons(message) == ["pause", "redirect", "stop", "details"]


@pytest.mark.parametrize(
    ("events", "pressed", "title"),
    [
        ([e.Paused(by="user:U1")], ["resume", "redirect", "stop", "details"], "Paused"),
        ([e.TakenOver(by="user:U1")], ["resume", "redirect", "stop", "details"], "Taken over"),
        ([e.StopRequested(by="user:U1")], ["details"], "Stopping"),
        ([s.finished()], ["details"], "Done"),
        ([s.finished(Outcome.DENIED)], ["details"], "Refused by policy"),
    ],
)
def test_buttons_follow_the_status(events: list[e.Event], pressed: list[str], title: str) -> None:
    run = s.story(s.received(), s.decided(), *events).run
    assert buttons(card(run)) == pressed
    assert title in headline(run)


def test_the_open_sandbox_is_said_on_every_card() -> None:
    story = s.story(s.received(), s.decided(), s.proposed(), s.asked())
    for message in (
        card(story.run, unconfined=True),
        approval(story, story.run.record("c1"), unconfined=True).card,
        outcome(s.story(*s.whole_run()).run, unconfined=True),
    ):
        assert "sandbox is switched off" in told(message.blocks)


def test_the_trace_is_a_message_a_step() -> None:
    story, messages = s.story(), []
    for recorded in s.log(s.whole_run()):
        story = story.after(recorded)
        if due(story):
            message = trace(story)
            messages += [told(message.blocks)] if message else []
            story = story.told()
    assert len(messages) == 3
    assert "Policy: Full members may." in messages[0]
    assert "The service is wedged." in messages[1]
    assert "countersigned" in messages[2]
    assert "✓ service.restart prod/web: restarted (1.2 s)" in messages[2]
    assert "As predicted: the probe answers 200" in messages[2]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(TEXT, TEXT, st.sampled_from(Unit), st.integers(0, 9), st.booleans()), max_size=30))
def test_budgets_fit_their_message(drawn: list[tuple[str, str, Unit, int, bool]]) -> None:
    renews = datetime(2026, 11, 21, 14, 5, tzinfo=UTC)
    shown = budgets(
        [
            Balance(
                budget=f"b{n}",
                describe=describe,
                whose=(("resource", whose),),
                of=unit,
                used=used,
                most=4,
                renews=renews if renewing else None,
                file="policies/org.yaml",
                line=n,
            )
            for n, (describe, whose, unit, used, renewing) in enumerate(drawn)
        ]
    )
    assert not slack.check(shown.blocks, "message")


def test_an_empty_account_comes_first_and_says_when_there_is_more() -> None:
    full = Balance(
        budget="restarts",
        describe="No restart storms.",
        whose=(("resource", "prod/web"),),
        of=Unit.ACTIONS,
        used=3,
        most=3,
        renews=datetime(2026, 11, 21, 14, 5, tzinfo=UTC),
        file="policies/org.yaml",
        line=3,
    )
    half = replace(full, budget="money", of=Unit.USD, used=1.5, renews=None)
    said = json.dumps(budgets([half, full]).blocks)
    assert said.index("3 of 3 actions") < said.index("$1.50 of $3.00")
    assert "more at 2026-11-21 14:05 UTC" in said


def test_the_outcome_names_what_was_done_and_who_countersigned() -> None:
    message = outcome(s.story(*s.whole_run()).run)
    check(message)
    assert "web is healthy" in told(message.blocks)
    assert "U2" in json.dumps(message.blocks)


def test_a_refusal_names_the_rule_and_who_can_help() -> None:
    run = s.story(
        s.received(),
        s.decided(allowed=False, reason="Contractors only look.", help=("group:sre",)),
        s.finished(Outcome.DENIED, "Contractors only look."),
    ).run
    for message in (outcome(run), card(run)):
        shown = told(message.blocks)
        assert "policies/org.yaml:3" in shown
        assert "group sre" in shown


@pytest.mark.parametrize(
    ("options", "pressed"),
    [
        ((), ["answer"]),
        (("yes", "no"), ["answer_0", "answer_1"]),
        (tuple("abcdefg"), ["answer"]),
        (("x" * 80,), ["answer"]),
    ],
)
def test_a_question_has_its_answers(options: tuple[str, ...], pressed: list[str]) -> None:
    run = s.story(s.received(), s.decided(), e.QuestionAsked(question="Which one?", options=options)).run
    message = question(run, 0, run.questions[0])
    check(message)
    assert buttons(message) == pressed
    answered = s.story(
        s.received(),
        s.decided(),
        e.QuestionAsked(question="Which?", options=options),
        e.Answered(by="user:U1", text="a"),
    ).run
    assert buttons(question(answered, 0, answered.questions[0])) == []


@QUICK
@given(goal=LONG, summary=LONG, why=LONG, tool=TEXT.filter(bool), reason=LONG)
def test_no_text_breaks_a_card(goal: str, summary: str, why: str, tool: str, reason: str) -> None:
    events: list[e.Event] = [
        s.received(goal=goal, requester="user:" + tool),
        s.decided(reason=reason, help=(tool,) * 30),
        e.CallsProposed(calls=tuple(s.call(f"c{n}", tool=tool, effect=Effect.READ) for n in range(40)), rationale=why),
    ]
    calls = [e.CallAllowed(call_id=f"c{n}") for n in range(40)]
    ran: list[e.Event] = [s.started(f"c{n}") for n in range(40)]
    ran += [s.returned(f"c{n}", summary, problems=(why,)) for n in range(40)]
    asked = s.story(s.received(), s.decided(), e.QuestionAsked(question=goal, options=(why, reason)))
    run = s.story(*events, *calls, *ran, s.finished(Outcome.ESCALATED, summary))
    working = s.story(*events)
    message = trace(run)
    assert message is not None
    for each in (
        card(working.run),
        card(run.run),
        outcome(run.run),
        message,
        question(asked.run, 0, asked.run.questions[0]),
    ):
        check(each)
    check(note(why or "-", helpers=(tool,) * 20))
    rows = [Row(run=run.run, waits_for=summary)] * 40
    assert not slack.check(home(rows, rows, stopped=True)["blocks"], "home")
    about = {"run": s.RUN, "message": visible(why)[:1_200], "channel": "C1", "thread": None, "ts": "1.0"}
    for view in (
        forms.task(about, why),
        forms.redirect({}, goal),
        forms.answer({}, asked.run.questions[0]),
        forms.deny({}),
    ):
        check_view(view)


@QUICK
@given(text=LONG, page=st.integers(-3, 300))
def test_details_fit_their_views(text: str, page: int) -> None:
    story = awaiting(preview=Preview(summary=text, diff=text), prediction=text)
    check_view(forms.details({"run": s.RUN}, parts(story, story.run.record("c1")), page))


def test_mentions_of_foreign_text_stay_text() -> None:
    blocks = kit.prose("<!channel> <@U1> <https://evil.example|safe>")
    assert blocks[0]["elements"][0]["elements"] == [
        {"type": "text", "text": "<!channel> <@U1> <https://evil.example|safe>"}
    ]
    assert kit.who("user:not-an-id")[0]["type"] == "text"
    assert kit.who("user:U1") == [{"type": "user", "user_id": "U1"}]
