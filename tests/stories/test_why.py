"""Why, in the running demo: a refusal explained by a shortcut on its card, with what would have to change."""

import json

from tests.stories.page import CONTRACTOR, INCIDENTS, SECURITY, Page, until


async def test_a_refusal_is_explained_where_it_is_shown(page: Page) -> None:
    run = await page.asked(CONTRACTOR, "restart web", INCIDENTS)
    assert await page.outcome(run) == "denied"
    [card] = await page.by_key(run, "card")
    said = {"user": SECURITY, "callback_id": "explain_decision", "channel": card["channel"], "ts": card["ts"]}
    assert (await page.do("shortcut", **said))["ok"]

    async def explained() -> str | None:
        views = [json.dumps(view, ensure_ascii=False) for view in (await page.state())["views"]]
        return next((view for view in views if "would be another answer" in view), None)

    view = await until(explained, 10, "the view that explains")
    for part in (
        "contractors-no-production (policies/organization.yaml:3)",
        "recommend beats production: agent:incident (agents/incident.yaml:1)",
        "standing:group:contractors (countersign.yaml:",
        "if somebody outside group:contractors asked; group:sre",
        "with another agent: advisor (tier recommend)",
        "in words sha256:",
    ):
        assert part in view, part
    [decided] = [row for row in await page.events(run) if row["type"] == "PolicyDecided"]
    assert decided["data"]["decision"]["digest"] in view
    assert [one["policy"] for one in decided["data"]["decision"]["overruled"]] == ["agent:incident"]
