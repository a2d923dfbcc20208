"""Who people are and what they see, asked of a real workspace; in doubt, nobody and no."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientSession

from handlers.slack.directory import FileGroup, SlackDirectory, UserGroup, person_of
from handlers.slack.gateway import Gateway, web_client
from handlers.slack.rooms import SlackRooms
from loop.ports import DirectoryUnavailable
from playground import Playground
from tests.slack.conftest import BOT_TOKEN
from tests.slack.fakes import RealClock


class Clock(RealClock):
    """The real time, and as much more as one likes."""

    later = timedelta()

    def now(self) -> datetime:
        return super().now() + self.later


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gateway(playground: Playground, session: ClientSession, clock: Clock) -> Gateway:
    return Gateway(web_client(BOT_TOKEN, session, f"{playground.url}/api/"), session, clock)


@pytest.fixture
def directory(gateway: Gateway, clock: Clock) -> SlackDirectory:
    groups = {"sre": UserGroup(slack="S1"), "contractors": FileGroup(members=("U1", "user:U3"))}
    return SlackDirectory(gateway, clock, groups=groups, on_call={"primary": ["U2"]})


async def act(playground: Playground, session: ClientSession, action: str, **body: Any) -> None:
    async with session.post(f"{playground.url}/playground/{action}", json=body) as response:
        assert (await response.json())["ok"]


async def test_a_snapshot_of_everybody(directory: SlackDirectory) -> None:
    snapshot = await directory.snapshot()
    people = snapshot.people
    assert {name for name, person in people.items() if person.counts} == {"user:U1", "user:U2"}
    assert people["user:U3"].guest
    assert people["user:U4"].external
    assert not people["user:U5"].active
    assert people["user:U6"].bot
    assert people["user:U0BOT"].bot
    assert people["user:U2"].groups == {"sre"}
    assert people["user:U1"].groups == {"contractors"}
    assert people["user:U5"].groups == {"sre"}  # Slack lets the deactivated linger; they do not count
    assert snapshot.on_call == {"primary": frozenset({"user:U2"})}


async def test_it_is_remembered_for_a_minute_and_no_longer(
    directory: SlackDirectory, clock: Clock, playground: Playground, session: ClientSession
) -> None:
    first = await directory.snapshot()
    await act(playground, session, "deactivate", user="U2")
    assert await directory.snapshot() is first
    assert not (await directory.snapshot(max_age_s=0)).people["user:U2"].active
    clock.later = timedelta(seconds=61)
    assert not (await directory.snapshot()).people["user:U2"].active


async def test_a_heard_change_is_seen_at_once(
    directory: SlackDirectory, playground: Playground, session: ClientSession
) -> None:
    first = await directory.snapshot()
    await act(playground, session, "deactivate", user="U2")
    directory.forget()
    second = await directory.snapshot()
    assert not second.people["user:U2"].active
    assert second.version != first.version


@pytest.mark.parametrize("group", ["S2", "S999"])
async def test_a_group_that_cannot_be_read_makes_no_answer(gateway: Gateway, clock: Clock, group: str) -> None:
    directory = SlackDirectory(gateway, clock, groups={"sre": UserGroup(slack=group)})
    with pytest.raises(DirectoryUnavailable):
        await directory.snapshot()


async def test_no_slack_no_answer(
    directory: SlackDirectory, clock: Clock, playground: Playground, session: ClientSession
) -> None:
    await directory.snapshot()
    clock.later = timedelta(seconds=61)
    await act(playground, session, "faults", server_error={"method": "users.list", "count": 9})
    with pytest.raises(DirectoryUnavailable):
        await directory.snapshot()


def test_what_slack_leaves_out_makes_nobody_a_member() -> None:
    assert not person_of({"id": "U1", "team_id": "T2"}, "T1", {}).counts
    assert not person_of({"id": "U1", "team_id": "T1", "deleted": True}, "T1", {}).counts
    assert not person_of({"id": "USLACKBOT", "team_id": "T1"}, "T1", {}).counts


@pytest.mark.parametrize(
    ("principal", "channel", "sees"),
    [
        ("user:U1", "C1", True),
        ("user:U1", "C2", True),  # public: any full member can open it
        ("user:U3", "C1", True),  # a guest who is in it
        ("user:U3", "C2", False),
        ("user:U1", "C3", True),
        ("user:U2", "C3", False),
        ("user:U4", "C1", False),
        ("user:U9", "C1", False),
        ("token:ci", "C1", True),
        ("token:ci", "C3", False),
        ("user:U1", "C404", False),
    ],
)
async def test_who_sees_a_room(
    gateway: Gateway, directory: SlackDirectory, clock: Clock, principal: str, channel: str, *, sees: bool
) -> None:
    assert await SlackRooms(gateway, directory, clock).sees(principal, channel) is sees


@pytest.mark.parametrize(("channel", "takes"), [("C1", True), ("C3", True), ("C5", False), ("C404", False)])
async def test_where_votes_count(
    gateway: Gateway, directory: SlackDirectory, clock: Clock, channel: str, *, takes: bool
) -> None:
    assert await SlackRooms(gateway, directory, clock).takes_approvals(channel) is takes


async def test_a_room_is_remembered_for_a_minute(
    gateway: Gateway, directory: SlackDirectory, clock: Clock, playground: Playground, session: ClientSession
) -> None:
    rooms = SlackRooms(gateway, directory, clock)
    assert await rooms.sees("user:U1", "C3")
    await act(playground, session, "leave", user="U1", channel="C3")
    assert await rooms.sees("user:U1", "C3")
    clock.later = -timedelta(seconds=1)  # set back: of any age
    assert not await rooms.sees("user:U1", "C3")
    clock.later = timedelta(seconds=61)
    assert not await rooms.sees("user:U1", "C3")
    await act(playground, session, "faults", server_error={"method": "conversations.info", "count": 9})
    rooms.forget()
    assert not await rooms.sees("user:U1", "C1")
