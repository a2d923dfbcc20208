"""The real playground, a small app that speaks the official SDK, and a real Chromium."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from playground import Playground, parse_workspace

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WORKSPACE: dict[str, Any] = {
    "team": {"name": "Page Test"},
    "users": [
        {"id": "U1", "name": "ann", "real_name": "Ann Asker", "role": "requester"},
        {"id": "U2", "name": "sam", "real_name": "Sam Seconder", "role": "approver"},
        {"id": "U3", "name": "old", "real_name": "Robin Gone", "deleted": True},
    ],
    "channels": [
        {
            "id": "C1",
            "name": "general",
            "members": ["U1", "U2", "U0BOT"],
            "topic": "Ask <https://example.com/runbook|here>",
        },
        {"id": "C2", "name": "incidents", "members": ["U1", "U2", "U0BOT"]},
        {"id": "C3", "name": "leads", "members": ["U2"], "is_private": True},
    ],
    "apps": [
        {
            "id": "A0PAGE",
            "bot_user": {"id": "U0BOT", "name": "pagebot"},
            "manifest": {
                "display_information": {"name": "Pagebot"},
                "features": {
                    "agent_view": {"agent_description": "A test agent"},
                    "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True},
                    "slash_commands": [{"command": "/ops", "description": "Ask for work", "usage_hint": "REQUEST"}],
                    "shortcuts": [
                        {"name": "Explain this", "type": "message", "callback_id": "explain", "description": "Explains"}
                    ],
                },
                "oauth_config": {
                    "scopes": {
                        "bot": [
                            "app_mentions:read",
                            "channels:history",
                            "chat:write",
                            "commands",
                            "users:read",
                            "im:history",
                        ]
                    }
                },
                "settings": {
                    "event_subscriptions": {
                        "bot_events": ["agent_session_stopped", "app_home_opened", "app_mention", "message.channels"]
                    },
                    "interactivity": {"is_enabled": True},
                    "socket_mode_enabled": True,
                },
            },
        }
    ],
}


@dataclass(frozen=True)
class Stage:
    """A running workspace with its app, and a browser to look at it."""

    playground: Playground
    bot: AsyncWebClient
    browser: Browser
    heard: list[tuple[str, Any]]
    disconnect: Callable[[], Awaitable[Any]]

    async def page(self, query: str = "as=U1&channel=C1", *, width: int = 1280) -> Page:
        context = await self.browser.new_context(viewport={"width": width, "height": 800})
        page = await context.new_page()
        page.set_default_timeout(8000)
        await page.goto(f"{self.playground.url}/?{query}")
        await page.wait_for_selector("body.ready")
        return page

    async def act(self, action: str, **given: Any) -> dict[str, Any]:
        """What another person does meanwhile, through the control API."""
        url = f"{self.playground.url}/playground/{action}"
        async with aiohttp.ClientSession() as session, session.post(url, json=given) as answer:
            body: dict[str, Any] = await answer.json()
            return body

    async def hears(self, kind: str) -> Any:
        async with asyncio.timeout(5):
            while True:
                for name, payload in self.heard:
                    if name == kind:
                        return payload
                await asyncio.sleep(0.02)


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        reason = "no chromium on the PATH: the page was not looked at"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture
async def stage(browser: Browser) -> AsyncIterator[Stage]:
    playground = Playground(parse_workspace(WORKSPACE, folder=Path(__file__).parent))
    await playground.start()
    tokens = next(iter(playground.hub.world.apps.values()))
    bot = AsyncWebClient(token=tokens.bot_token, base_url=f"{playground.url}/api/")
    heard: list[tuple[str, Any]] = []
    handler = AsyncSocketModeHandler(pagebot(bot, heard), tokens.app_token)
    await handler.connect_async()
    try:
        yield Stage(playground, bot, browser, heard, handler.close_async)
    finally:
        await handler.close_async()
        await playground.stop()


def pagebot(bot: AsyncWebClient, heard: list[tuple[str, Any]]) -> AsyncApp:
    """Opens a form on a click, refuses short reasons, answers a command to its caller only."""
    app = AsyncApp(name="pagebot", client=bot)
    Ack = Callable[..., Awaitable[Any]]  # noqa: N806 (a type)

    @app.command("/ops")
    async def command(ack: Ack, command: dict[str, Any]) -> None:
        heard.append(("command", command))
        await ack(f"Only for you: {command['text']}")

    @app.action("approve")
    async def approve(ack: Ack, body: dict[str, Any]) -> None:
        await ack()
        heard.append(("approve", body))

    @app.action("edit")
    async def edit(ack: Ack, body: dict[str, Any]) -> None:
        await ack()
        await bot.views_open(trigger_id=body["trigger_id"], view=FORM)

    @app.view("edit_form")
    async def submitted(ack: Ack, view: dict[str, Any]) -> None:
        values = view["state"]["values"]
        heard.append(("submit", values))
        if "INC-" not in values["why"]["text"]["value"]:
            await ack(response_action="errors", errors={"why": "Name the incident."})
        else:
            await ack()

    @app.action(re.compile("^pick_"))
    async def picked(ack: Ack, action: dict[str, Any]) -> None:
        await ack()
        heard.append((action["action_id"], action))

    @app.options("pick_found")
    async def found(ack: Ack, payload: dict[str, Any]) -> None:
        text = payload["value"]
        await ack(options=[{"text": plain(f"Found {text}"), "value": f"found-{text}"}] if text else [])

    @app.shortcut("explain")
    async def explain(ack: Ack, shortcut: dict[str, Any]) -> None:
        await ack()
        heard.append(("explain", shortcut))

    @app.event("app_home_opened")
    async def opened(event: dict[str, Any]) -> None:
        home = {"type": "home", "blocks": [{"type": "header", "text": plain("Welcome home")}, BUTTONS]}
        await bot.views_publish(user_id=event["user"], view=home)

    @app.event("agent_session_stopped")
    async def stopped(event: dict[str, Any]) -> None:
        heard.append(("stopped", event))

    @app.event("app_mention")
    async def mentioned(event: dict[str, Any]) -> None:
        heard.append(("mention", event))

    @app.event("message")
    async def message(event: dict[str, Any]) -> None:
        heard.append(("message", event))

    return app


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


BUTTONS: dict[str, Any] = {
    "type": "actions",
    "block_id": "decide",
    "elements": [
        {"type": "button", "action_id": "approve", "style": "primary", "value": "run_1", "text": plain("Approve")},
        {"type": "button", "action_id": "edit", "value": "run_1", "text": plain("Edit")},
    ],
}
CONFIRM: dict[str, Any] = {
    "title": plain("Really?"),
    "text": plain("This counts."),
    "confirm": plain("Yes"),
    "deny": plain("No"),
}
FORM: dict[str, Any] = {
    "type": "modal",
    "callback_id": "edit_form",
    "title": plain("Edit the plan"),
    "submit": plain("Save"),
    "blocks": [
        {
            "type": "input",
            "block_id": "why",
            "label": plain("Reason"),
            "element": {"type": "plain_text_input", "action_id": "text", "multiline": True},
        },
        {
            "type": "input",
            "block_id": "when",
            "optional": True,
            "label": plain("When"),
            "element": {
                "type": "radio_buttons",
                "action_id": "pick",
                "options": [{"text": plain("Now"), "value": "now"}, {"text": plain("Tonight"), "value": "night"}],
            },
        },
    ],
}
