"""What people see and do on the page, in a real browser against the real workspace."""

import json
from typing import Any

import pytest
from playwright.async_api import expect

from .conftest import BUTTONS, CONFIRM, Stage, plain

pytestmark = pytest.mark.browser

HOSTILE = (
    "*bold* _it_ ~gone~ `code` <https://example.com/a?b=1&amp;c=2|a link> <@U1> <#C2> <!here> :tada:\n"
    "&lt;img src=x onerror=alert(1)&gt; <img src=x onerror=alert(2)> <script>alert(3)</script> "
    "<javascript:alert(4)|press> <data:text/html,x|data>\n&gt; quoted"
)


async def test_mrkdwn_is_rendered_and_nothing_hostile_lives(stage: Stage) -> None:
    page = await stage.page()
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": HOSTILE}},
        {"type": "markdown", "text": "# Title\n\n**strong** [bad](javascript:alert(5)) <b onclick=alert(6)>x</b>"},
        {"type": "section", "text": {"type": "plain_text", "text": "<svg onload=alert(7)>"}},
        {"type": "image", "image_url": "https://example.com/x.png", "alt_text": "<img src=x>"},
    ]
    posted = await stage.bot.chat_postMessage(channel="C1", text="fallback", blocks=blocks)
    message = page.locator(f"[data-ts='{posted['ts']}']")
    await expect(message.locator("strong").first).to_have_text("bold")
    await expect(message.locator("em").first).to_have_text("it")
    await expect(message.locator("s")).to_have_text("gone")
    await expect(message.locator("code").first).to_have_text("code")
    await expect(message.locator("blockquote")).to_have_text("quoted")
    await expect(message.locator(".mention-me").first).to_have_text("@Ann Asker")
    await expect(message.locator(".md-h1")).to_have_text("Title")
    await expect(message.locator("a").first).to_have_attribute("href", "https://example.com/a?b=1&c=2")
    await expect(message).to_contain_text("<script>alert(3)</script>")
    assert await message.locator("script, img, svg[onload], b").count() == 0
    links = await message.locator("a").evaluate_all("nodes => nodes.map(n => n.href)")
    assert all(link.startswith("https://example.com/") for link in links), links
    handlers = "nodes => nodes.flatMap(n => n.getAttributeNames()).filter(name => name.startsWith('on'))"
    assert await message.locator("*").evaluate_all(handlers) == []
    assert dialogs == []


async def test_a_click_reaches_the_app_as_the_acting_person(stage: Stage) -> None:
    posted = await stage.bot.chat_postMessage(channel="C1", text="decide", blocks=[BUTTONS])
    page = await stage.page("as=U2&channel=C1")
    await page.click(f"[data-ts='{posted['ts']}'] [data-action-id=approve][data-block-id=decide]")
    body = await stage.hears("approve")
    assert body["user"]["id"] == "U2"
    assert body["actions"][0]["value"] == "run_1"
    assert body["container"]["message_ts"] == posted["ts"]


async def test_a_form_shows_its_errors_and_then_closes(stage: Stage) -> None:
    posted = await stage.bot.chat_postMessage(channel="C1", text="decide", blocks=[BUTTONS])
    page = await stage.page()
    await page.click(f"[data-ts='{posted['ts']}'] [data-action-id=edit]")
    await expect(page.get_by_test_id("modal")).to_be_visible()
    await page.get_by_test_id("modal-submit").click()
    await expect(page.locator(".input-error").first).to_have_text("Please complete this required field.")
    assert not any(kind == "submit" for kind, _ in stage.heard), "an empty form is the page's own business"
    reason = page.locator("[data-block-id=why] [data-action-id=text]")
    await reason.fill("because")
    await page.get_by_label("Tonight").check()
    await page.get_by_test_id("modal-submit").click()
    await expect(page.locator(".input-error").first).to_have_text("Name the incident.")
    await expect(reason).to_have_value("because")
    await expect(page.get_by_label("Tonight")).to_be_checked()
    await reason.fill("because of INC-1")
    await page.get_by_test_id("modal-submit").click()
    await expect(page.get_by_test_id("modal")).to_be_hidden()
    last = [values for kind, values in stage.heard if kind == "submit"][-1]
    assert last["why"]["text"]["value"] == "because of INC-1"
    assert last["when"]["pick"]["selected_option"]["value"] == "night"


async def test_switching_people_changes_whose_words_they_are(stage: Stage) -> None:
    page = await stage.page()
    await expect(page.locator(".place", has_text="leads")).to_have_count(0)
    await page.get_by_test_id("act-as").click()
    await page.locator("[data-testid=act-as-option][data-user=U2]").click()
    await expect(page.get_by_test_id("act-as")).to_have_attribute("data-user", "U2")
    await expect(page.locator(".place", has_text="leads")).to_be_visible()
    await page.get_by_test_id("composer").fill("from Sam to @Ann Asker & <all>")
    await page.get_by_test_id("composer").press("Enter")
    mine = page.locator("[data-testid=message][data-user=U2]")
    await expect(mine).to_contain_text("from Sam to @Ann Asker & <all>")
    heard = await stage.hears("message")
    assert heard["text"] == "from Sam to <@U1> &amp; &lt;all&gt;"
    await page.keyboard.press("Alt+1")
    await expect(page.get_by_test_id("act-as")).to_have_attribute("data-user", "U1")
    await page.locator("[data-testid=act-as-face][data-user=U3]").click()
    await expect(page.get_by_test_id("composer")).to_be_disabled()


async def test_a_reply_stays_in_its_thread(stage: Stage) -> None:
    root = await stage.act("say", user="U2", channel="C1", text="root")
    page = await stage.page()
    message = page.locator(f".channel [data-ts='{root['ts']}']")
    await message.hover()
    await message.get_by_test_id("reply-in-thread").click()
    thread = page.get_by_test_id("thread-pane")
    await thread.get_by_test_id("thread-composer").fill("in the thread")
    await thread.get_by_test_id("thread-composer").press("Enter")
    await expect(thread.get_by_test_id("message")).to_have_count(2)
    await expect(message.get_by_test_id("thread-link")).to_contain_text("1 reply")
    await expect(page.locator(".channel [data-testid=message]")).to_have_count(1)
    await thread.get_by_test_id("thread-close").click()
    await expect(thread).to_be_hidden()


async def test_a_command_answers_its_person_only(stage: Stage) -> None:
    page = await stage.page()
    box = page.get_by_test_id("composer")
    await box.click()
    await page.keyboard.type("/o")
    await expect(page.get_by_test_id("composer-suggestions")).to_contain_text("/ops REQUEST")
    await page.keyboard.press("Tab")
    await page.keyboard.type("scale up")
    await page.keyboard.press("Enter")
    assert (await stage.hears("command"))["text"] == "scale up"
    answer = page.locator(".msg.ephemeral")
    await expect(answer).to_contain_text("Only visible to you")
    await expect(answer).to_contain_text("Only for you: scale up")
    await page.locator("[data-testid=act-as-face][data-user=U2]").click()
    await expect(page.get_by_test_id("act-as")).to_have_attribute("data-user", "U2")
    await expect(page.locator(".msg.ephemeral")).to_have_count(0)
    await page.get_by_test_id("composer").fill("/nonsense")
    await page.get_by_test_id("composer").press("Enter")
    await expect(page.get_by_test_id("toast")).to_contain_text("no such command")


async def test_a_draft_and_the_caret_survive_what_happens_meanwhile(stage: Stage) -> None:
    page = await stage.page()
    await page.get_by_test_id("composer").click()
    await page.keyboard.type("half a thought")
    await stage.act("say", user="U2", channel="C1", text="news")
    await stage.act("say", user="U2", channel="C2", text="<@U1> look")
    await expect(page.locator("[data-testid=message]")).to_contain_text("news")
    await expect(page.locator(".place[data-channel=C2] [data-testid=unread]")).to_have_text("1")
    await page.keyboard.type(", whole")
    await expect(page.get_by_test_id("composer")).to_have_value("half a thought, whole")
    await page.locator(".place[data-channel=C2]").click()
    await expect(page.get_by_test_id("composer")).to_have_value("")
    await page.locator(".place[data-channel=C1]").click()
    await expect(page.get_by_test_id("composer")).to_have_value("half a thought, whole")
    await expect(page.get_by_test_id("unread")).to_have_count(0)


async def test_reactions_edits_and_message_shortcuts(stage: Stage) -> None:
    said = await stage.act("say", user="U1", channel="C1", text="first try")
    page = await stage.page()
    message = page.locator(f"[data-ts='{said['ts']}']")
    await message.hover()
    await message.get_by_test_id("react").click()
    await page.get_by_label("React with eyes").click()
    await expect(message.locator("[data-reaction=eyes]")).to_have_attribute("aria-pressed", "true")
    await message.hover()
    await message.get_by_test_id("message-menu").click()
    await page.get_by_role("menuitem", name="Explain this").click()
    assert (await stage.hears("explain"))["message"]["ts"] == said["ts"]
    await message.hover()
    await message.get_by_test_id("message-menu").click()
    await page.get_by_role("menuitem", name="Edit message").click()
    await page.get_by_test_id("edit-box").fill("second *try*")
    await page.get_by_test_id("edit-box").press("Enter")
    await expect(message.locator("strong")).to_have_text("try")
    await expect(message).to_contain_text("(edited)")


async def test_the_home_tab_and_two_people_side_by_side(stage: Stage) -> None:
    page = await stage.page(width=1500)
    await page.get_by_test_id("app-entry").click()
    home = page.get_by_test_id("app-home")
    await expect(home.locator(".block-header")).to_have_text("Welcome home")
    await home.locator("[data-action-id=approve]").click()
    assert (await stage.hears("approve"))["container"]["type"] == "view"
    await page.get_by_test_id("tab-messages").click()
    await expect(page.get_by_test_id("composer")).to_be_visible()
    await page.get_by_test_id("split").click()
    panes = page.get_by_test_id("pane")
    await expect(panes).to_have_count(2)
    left, right = panes.nth(0), panes.nth(1)
    await left.locator(".place[data-channel=C1]").click()
    await right.locator(".place[data-channel=C1]").click()
    await left.get_by_test_id("composer").fill("hello over there")
    await left.get_by_test_id("composer").press("Enter")
    await expect(right.get_by_test_id("message")).to_contain_text("hello over there")
    assert await right.get_attribute("data-user") == "U2"
    await page.get_by_test_id("split-close").click()
    await expect(panes).to_have_count(1)


async def test_every_kind_of_choice_reaches_the_app(stage: Stage) -> None:
    options = [{"text": plain("Production"), "value": "prod"}, {"text": plain("Staging"), "value": "stg"}]
    elements: list[dict[str, Any]] = [
        {"type": "static_select", "action_id": "pick_one", "placeholder": plain("Where"), "options": options},
        {"type": "multi_static_select", "action_id": "pick_many", "placeholder": plain("Places"), "options": options},
        {"type": "external_select", "action_id": "pick_found", "placeholder": plain("Find"), "min_query_length": 1},
        {"type": "users_select", "action_id": "pick_user", "placeholder": plain("Who")},
        {"type": "datepicker", "action_id": "pick_date"},
        {"type": "checkboxes", "action_id": "pick_boxes", "options": options},
        {"type": "overflow", "action_id": "pick_more", "options": options},
        {"type": "button", "action_id": "pick_sure", "text": plain("Sure"), "value": "1", "confirm": CONFIRM},
    ]
    multi, single = [elements[1]], [each for each in elements if not each["type"].startswith("multi_")]
    blocks: list[dict[str, Any]] = [{"type": "actions", "block_id": "all", "elements": single}]
    blocks += [{"type": "section", "block_id": "many", "text": plain("Pick"), "accessory": each} for each in multi]
    await stage.bot.chat_postMessage(channel="C1", text="choices", blocks=blocks)
    page = await stage.page()

    await page.locator("[data-action-id=pick_one]").select_option("stg")
    assert (await stage.hears("pick_one"))["selected_option"]["value"] == "stg"
    await page.locator("[data-action-id=pick_many]").click()
    await page.locator("[role=option][data-value=prod]").click()
    assert [each["value"] for each in (await stage.hears("pick_many"))["selected_options"]] == ["prod"]
    await page.keyboard.press("Escape")
    await page.locator("[data-action-id=pick_found]").click()
    await page.get_by_label("Search options").fill("inc")
    await page.locator("[role=option][data-value=found-inc]").click()
    assert (await stage.hears("pick_found"))["selected_option"]["value"] == "found-inc"
    await page.keyboard.press("Escape")
    await page.locator("[data-action-id=pick_user]").select_option("U2")
    assert (await stage.hears("pick_user"))["selected_user"] == "U2"
    await page.locator("[data-action-id=pick_date]").fill("2026-11-21")
    assert (await stage.hears("pick_date"))["selected_date"] == "2026-11-21"
    await page.get_by_label("Production").check()
    assert [each["value"] for each in (await stage.hears("pick_boxes"))["selected_options"]] == ["prod"]
    await page.locator("[data-action-id=pick_more]").click()
    await page.get_by_role("menuitem", name="Staging").click()
    assert (await stage.hears("pick_more"))["selected_option"]["value"] == "stg"
    await page.locator("[data-action-id=pick_sure]").click()
    await expect(page.get_by_test_id("confirm")).to_contain_text("Really?")
    await page.get_by_test_id("confirm-no").click()
    assert not any(kind == "pick_sure" for kind, _ in stage.heard), "a question denied is no click"
    await page.locator("[data-action-id=pick_sure]").click()
    await page.get_by_test_id("confirm-yes").click()
    assert (await stage.hears("pick_sure"))["value"] == "1"


async def test_what_is_missing_is_said_in_words(stage: Stage) -> None:
    page = await stage.page("as=U2&channel=C1")
    await page.locator(".place[data-channel=C3]").click()
    await expect(page.locator(".head-name h1")).to_have_text("leads")
    await page.locator("[data-testid=act-as-face][data-user=U1]").click()
    for channel in ("C1", "C2"):
        await page.locator(f".place[data-channel={channel}]").click()
        text = await page.locator("body").inner_text()
        assert not any(word in text for word in ("null", "undefined", "[object", "NaN")), text
    await stage.bot.chat_postMessage(channel="C1", text="odd", blocks=[BUTTONS])
    await page.locator(".place[data-channel=C1]").click()
    await stage.disconnect()
    await expect(page.locator(".notice")).to_contain_text("The app is not connected")
    await page.locator("[data-action-id=approve]").click()
    await expect(page.get_by_test_id("toast")).to_contain_text("nobody received this")


async def test_an_address_leads_back_to_its_place(stage: Stage) -> None:
    root = await stage.act("say", user="U2", channel="C2", text="root")
    await stage.act("say", user="U2", channel="C2", text="reply", thread_ts=root["ts"])
    page = await stage.page("as=U1&channel=home:U0BOT")
    await expect(page.get_by_test_id("app-home").locator(".block-header")).to_have_text("Welcome home")
    await page.goto(f"{stage.playground.url}/?as=U2&channel=C2&thread={root['ts']}&ts={root['ts']}")
    await expect(page.get_by_test_id("thread-pane").get_by_test_id("message")).to_have_count(2)
    await page.reload()
    await expect(page.get_by_test_id("act-as")).to_have_attribute("data-user", "U2")
    await expect(page.get_by_test_id("thread-pane").get_by_test_id("message")).to_have_count(2)


async def test_stop_stands_beside_a_working_agent(stage: Stage) -> None:
    root = await stage.act("say", user="U1", channel="C1", text="<@U0BOT> look into it")
    stream = await stage.bot.chat_startStream(
        channel="C1",
        thread_ts=root["ts"],
        recipient_user_id="U1",
        recipient_team_id="T0PLAY",
        markdown_text="**So** far",
    )
    page = await stage.page(f"as=U1&channel=C1&thread={root['ts']}")
    message = page.locator(f"[data-testid=thread-pane] [data-ts='{stream['ts']}']")
    await expect(message.locator("strong")).to_have_text("So")
    await expect(message.locator(".caret")).to_be_visible()
    await page.locator(".thread-status").get_by_test_id("stop-agent").click()
    assert (await stage.hears("stopped"))["thread_ts"] == root["ts"]
    await expect(message.locator(".caret")).to_be_hidden()
    await expect(page.get_by_test_id("stop-agent")).to_have_count(0)


async def test_traffic_faults_and_starting_over(stage: Stage) -> None:
    page = await stage.page()
    violations: list[str] = []
    page.on("console", lambda entry: violations.append(entry.text) if "Content Security" in entry.text else None)
    await page.get_by_test_id("traffic").click()
    await stage.bot.chat_postMessage(channel="C1", text="seen on the wire")
    row = page.locator(".wire-row", has_text="chat.postMessage")
    await row.locator("button").click()
    await expect(row.locator(".json").first).to_contain_text("seen on the wire")
    await page.get_by_test_id("traffic-filter").fill("no such thing")
    await expect(page.get_by_test_id("traffic-list")).to_contain_text("Nothing matches")
    await page.locator("[data-fault=delay_ms]").fill("5")
    await page.get_by_test_id("faults").get_by_role("button", name="Apply").click()
    await expect(page.get_by_test_id("toast")).to_contain_text("misbehave")
    state = await page.evaluate("fetch('/playground/state').then(a => a.json())")
    assert state["faults"]["delay_ms"] == 5, json.dumps(state["faults"])
    await page.get_by_test_id("reset").click()
    await page.get_by_test_id("confirm-yes").click()
    await expect(page.get_by_test_id("message")).to_have_count(0)
    assert violations == []


async def test_a_click_counts_although_the_message_was_renewed_meanwhile(stage: Stage) -> None:
    sure = {"type": "button", "action_id": "pick_sure", "value": "1", "text": plain("Stop"), "confirm": CONFIRM}
    blocks = [{"type": "actions", "elements": [sure]}]
    posted = await stage.bot.chat_postMessage(channel="C1", text="working", blocks=blocks)
    page = await stage.page()
    await page.locator("[data-action-id=pick_sure]").click()
    before = await page.locator("[data-action-id=pick_sure]").get_attribute("data-block-id")
    await stage.bot.chat_update(channel="C1", ts=posted["ts"], text="still working", blocks=blocks)
    renewed = page.locator(f"[data-action-id=pick_sure]:not([data-block-id={json.dumps(before)}])")
    await expect(renewed).to_have_count(1)
    await page.get_by_test_id("confirm-yes").click()
    assert (await stage.hears("pick_sure"))["value"] == "1"
