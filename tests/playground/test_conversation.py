"""People talk, the app hears it, and answers where they see it."""

from slack_bolt.async_app import AsyncAck

from tests.playground.conftest import Bot, Json, Person, until


async def test_one_mention_arrives_as_message_and_as_app_mention(bot: Bot, person: Person) -> None:
    await bot.connect()
    answer = await person("say", user="U1", channel="C1", text="<@U0BOT> fix it & go <now>")
    assert answer["ok"]
    assert [(each["delivered"], each["acked"]) for each in answer["deliveries"]] == [(True, True)] * 2
    assert sorted(bot.types()) == ["app_mention", "message"]
    assert len({body["event_id"] for body in bot.bodies}) == 2
    for event in bot.events:
        assert event["text"] == "<@U0BOT> fix it &amp; go &lt;now&gt;"
        assert event["ts"] == answer["ts"]
        assert event["user"] == "U1"


async def test_a_typed_name_becomes_a_mention(bot: Bot, person: Person) -> None:
    await bot.connect()
    await person("say", user="U1", channel="C1", text="@testbot ask @sre, see https://example.com/a.")
    assert "app_mention" in bot.types()
    assert bot.events[0]["text"] == "<@U0BOT> ask <!subteam^S1>, see <https://example.com/a>."


async def test_what_the_bot_is_not_in_it_does_not_hear(bot: Bot, person: Person) -> None:
    await bot.connect()
    answer = await person("say", user="U1", channel="C2", text="<@U0BOT> hello")
    assert answer["deliveries"] == []
    assert bot.events == []


async def test_a_direct_message_is_no_mention(bot: Bot, person: Person) -> None:
    await bot.connect()
    answer = await person("say", user="U1", channel="U0BOT", text="<@U0BOT> hello")
    assert bot.types() == ["message"]
    assert bot.events[0]["channel_type"] == "im"
    assert answer["channel"].startswith("D")


async def test_edits_and_deletes_of_people(bot: Bot, person: Person) -> None:
    await bot.connect()
    said = await person("say", user="U1", channel="C1", text="one")
    await person("edit", user="U1", channel="C1", ts=said["ts"], text="two")
    await person("delete", user="U1", channel="C1", ts=said["ts"])
    changed, deleted = bot.events[1:]
    assert (changed["subtype"], changed["message"]["text"], changed["previous_message"]["text"]) == (
        "message_changed",
        "two",
        "one",
    )
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", said["ts"])


async def test_a_command_and_the_text_of_its_acknowledgement(bot: Bot, person: Person) -> None:
    seen: list[Json] = []

    @bot.app.command("/ops")
    async def ops(ack: AsyncAck, command: Json) -> None:
        seen.append(command)
        await ack("on it")

    @bot.app.command("/raw")
    async def raw(ack: AsyncAck, command: Json) -> None:
        seen.append(command)
        await ack()

    await bot.connect()
    answer = await person("command", user="U1", channel="C1", command="/ops", text="ask <@U2> in <#C1>")
    assert (answer["ok"], answer["text"]) == (True, "on it")
    shown = await person.message(answer["ts"])
    assert (shown["ephemeral_to"], shown["text"]) == ("U1", "on it")
    await person("command", user="U1", channel="C1", command="/raw", text="ask <@U2>")
    assert [each["text"] for each in seen] == ["ask <@U2|sam> in <#C1|general>", "ask @sam"]


async def test_a_command_without_an_app_says_so(person: Person) -> None:
    answer = await person("command", user="U1", channel="C1", command="/ops", text="")
    assert (answer["status"], answer["ok"], answer["error"]) == (200, False, "dispatch_failed")
    assert (await person("command", user="U1", channel="C1", command="/nope", text=""))["error"] == "unknown_command"


async def test_who_cannot_speak(person: Person) -> None:
    for body, error in (
        ({"user": "U5", "channel": "C1", "text": "x"}, "account_inactive"),
        ({"user": "U9", "channel": "C1", "text": "x"}, "user_not_found"),
        ({"user": "U4", "channel": "C1", "text": "x"}, "not_in_channel"),
        ({"user": "U1", "channel": "C9", "text": "x"}, "channel_not_found"),
        ({"user": "U1", "channel": "C6", "text": "x"}, "is_archived"),
        ({"user": "U1", "channel": "C1", "text": " "}, "no_text"),
    ):
        answer = await person("say", **body)
        assert (answer["status"], answer["ok"], answer["error"]) == (200, False, error)
    assert (await person("say", user="U1", channel="C1", text=3))["status"] == 400


async def test_reactions_joins_and_the_directory(bot: Bot, person: Person) -> None:
    await bot.connect()
    said = await person("say", user="U1", channel="C1", text="one")
    await person("react", user="U2", channel="C1", ts=said["ts"], name="eyes")
    await person("join", user="U4", channel="C1")
    await person("deactivate", user="U2")
    await person("usergroup", id="S1", users=["U1"])
    await person("channel", channel="C1", is_ext_shared=True)
    assert bot.types()[1:] == [
        "reaction_added",
        "member_joined_channel",
        "user_change",
        "subteam_updated",
        "subteam_members_changed",
        "channel_shared",
    ]
    state = await person.state()
    assert (await person.message(said["ts"]))["reactions"] == [{"name": "eyes", "users": ["U2"], "count": 1}]
    assert next(user for user in state["users"] if user["id"] == "U2")["deleted"]


async def test_home_and_stop(bot: Bot, person: Person) -> None:
    await bot.connect()
    await person("open_home", user="U1")
    assert (bot.events[0]["type"], bot.events[0]["tab"]) == ("app_home_opened", "home")
    said = await person("say", user="U1", channel="C1", text="go")
    assert (await person("stop_agent", user="U1", channel="C1", thread_ts=said["ts"]))["error"] == "no_stop_button"
    await bot.client.agents_sessions_setStatus(channel_id="C1", thread_ts=said["ts"], status="processing")
    assert (await person("stop_agent", user="U1", channel="C1", thread_ts=said["ts"]))["ok"]
    stopped = await until(lambda: next((e for e in bot.events if e["type"] == "agent_session_stopped"), None))
    assert (stopped["user"], stopped["thread_ts"], stopped["streaming_message_ts"]) == ("U1", said["ts"], [])
