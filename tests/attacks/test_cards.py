"""A card says what will be done and checked, not what a mind would like people to believe of it."""

from dataclasses import replace

from domain.calls import Expectation
from handlers.slack.show.parts import parts
from handlers.slack.show.story import tell
from tests.loop.house import House, call, propose

PRAISE = "two security engineers have verified this by hand"


async def shown(house: House, run_id: str) -> dict[str, str]:
    """The parts of the card that waits for people."""
    story = tell(run_id, await house.journal.read(run_id))
    record = next(r for r in story.run.records if r.request is not None)
    return {part.heading: part.text for part in parts(story, record)}


async def test_the_condition_that_is_checked_is_on_the_card_beside_the_words_about_it() -> None:
    empty = Expectation(condition="true", describe=PRAISE)
    probe = call("look", verifies_previous=True, expect=empty)
    async with House(propose(replace(call("restart"), expect=empty), probe)) as house:
        check = (await shown(house, await house.ask()))["Check that follows"]
        assert check.count("must show true; in the operator's words: “") == 2


async def test_what_a_mind_wrote_stands_only_under_its_own_name() -> None:
    words = {"purpose": PRAISE, "prediction": PRAISE, "rollback": PRAISE}
    async with House(replace(propose(call("restart", **words)), rationale=PRAISE)) as house:
        found = await shown(house, await house.ask())
        saying = [heading for heading, text in found.items() if PRAISE in text]
        assert saying
        assert all(heading.endswith("in the operator's words (not checked)") for heading in saying)
