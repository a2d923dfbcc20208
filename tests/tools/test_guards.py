"""Small guards: which addresses may be asked, what is redacted, what a schema accepts."""

import ipaddress

import aiohttp.web
import pytest

from domain.calls import ErrorKind
from tools import schema
from tools.broker import Lent, LocalBroker, Need, NotLentError
from tools.http import Probe, permitted, refusal, target
from tools.port import ToolFailure, Workplace
from tools.redaction import Redaction
from tools.workspace import Workspaces


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "http://user@example.com/",
        "http://user:pw@example.com/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://example.com/#x",
        "http:///x",
        "http://exa_mple.com/",
        "http://[::1",
    ],
)
def test_addresses_that_can_be_read_in_two_ways_are_refused(url: str):
    with pytest.raises(ToolFailure) as raised:
        target(url)
    assert raised.value.kind is ErrorKind.ARGUMENTS


@pytest.mark.parametrize(
    ("address", "literal", "asked"),
    [
        ("127.0.0.1", True, True),
        ("127.0.0.1", False, False),
        ("::1", True, True),
        ("::1", False, False),
        ("::ffff:127.0.0.1", False, False),
        ("::ffff:169.254.169.254", True, False),
        ("169.254.169.254", True, False),
        ("169.254.169.254", False, False),
        ("fe80::1", True, False),
        ("10.0.0.5", True, True),
        ("10.0.0.5", False, False),
        ("192.168.1.1", False, False),
        ("100.64.0.1", False, False),
        ("fd00::1", False, False),
        ("fec0::1", False, False),
        ("64:ff9b::7f00:1", False, False),
        ("64:ff9b::a9fe:a9fe", True, False),
        ("2001:0:7f00:1::", False, False),
        ("0.0.0.0", True, False),  # noqa: S104
        ("224.0.0.1", True, False),
        ("240.0.0.1", True, False),
        ("2002:7f00:1::", False, False),
        ("93.184.216.34", False, True),
    ],
)
def test_which_addresses_are_asked(address: str, literal: bool, asked: bool):
    assert (refusal(ipaddress.ip_address(address), literal=literal) is None) is asked


def test_only_what_the_allow_list_names_is_permitted():
    assert permitted("127.0.0.1", 80, ("127.0.0.1:80",))
    assert not permitted("shop.example", 443, ("shop.example",))
    for host, port in (("127.0.0.1", 81), ("127.0.0.2", 80), ("shop.example.evil", 443)):
        with pytest.raises(ToolFailure) as raised:
            permitted(host, port, ("127.0.0.1:80", "shop.example"))
        assert raised.value.kind is ErrorKind.REFUSED


async def test_redirects_are_reported_not_followed(room):
    async def away(_request: aiohttp.web.Request) -> aiohttp.web.Response:
        raise aiohttp.web.HTTPFound("http://169.254.169.254/latest/meta-data")

    app = aiohttp.web.Application()
    app.router.add_get("/", away)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host = site.name.removeprefix("http://")
        at = Workplace(run_id="r", workspace=room, lent=Lent())
        done = await Probe(allow=(host,)).perform({"url": f"http://{host}/"}, at)
        assert (done.data["status"], done.data["good"]) == (302, False)
        assert done.data["location"] == "http://169.254.169.254/latest/meta-data"
    finally:
        await runner.cleanup()
    gone = await Probe(allow=(host,)).perform({"url": f"http://{host}/"}, at)
    assert gone.data["reachable"] is False


@pytest.mark.parametrize(
    "secret",
    [
        "xoxb-1234567890-abcdef",
        "ghp_" + "a" * 36,
        "AKIA" + "A" * 16,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "https://user:hunter2hunter2@host/",
        "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
        'password = "hunter2hunter2"',
        "Authorization: Bearer abcdefghijklmnopqrst",
    ],
)
def test_what_looks_like_a_secret_is_redacted(secret: str):
    redaction = Redaction()
    said = redaction.text(f"before {secret} after")
    assert "[redacted]" in said
    assert "hunter2" not in said
    assert redaction.count == 1
    assert said.startswith("before ")


def test_lent_secrets_are_redacted_in_every_spelling():
    redaction = Redaction()
    redaction.learn(["p@ss/word"], [("/srv/forge/acme", "[repository]")])
    said = redaction.text("p@ss/word p%40ss%2Fword cEBzcy93b3Jk p@ss\x1b[0m/word /srv/forge/acme/x")
    assert said == "[redacted] [redacted] [redacted] [redacted] [repository]/x"
    assert redaction.count == 4


def test_ordinary_text_stays():
    text = "aws_s3_bucket.exports: commit 0a1b2c, 3 tokens used, password rotation is on"
    redaction = Redaction()
    assert redaction.text(text) == text


async def test_a_loan_ends_with_the_call(room):
    broker = LocalBroker(where=lambda name: room / name)
    need = Need(system="repository", argument="repository")
    async with broker.lend((need,), {"repository": "acme/infra"}, holder="r/x") as lent:
        assert lent.path("repository") == room / "acme/infra"
        with pytest.raises(NotLentError):
            lent.path("repository", write=True)
    with pytest.raises(NotLentError):
        lent.path("repository")


@pytest.mark.parametrize("run_id", ["", "../x", "a/b", ".", "a\n"])
def test_run_ids_cannot_leave_the_root(room, run_id: str):
    with pytest.raises(ToolFailure):
        Workspaces(root=room).of(run_id)


def test_a_schema_that_cannot_be_checked_accepts_nothing():
    assert list(schema.problems({"type": "string", "maxLength": 5, "const": "x"}, "x"))
    assert list(schema.problems({}, "x"))
    assert list(schema.problems({"type": "string"}, "x"))  # unbounded: nothing fits but the empty text
    assert list(schema.problems({"type": "object"}, {"a": 1}))
