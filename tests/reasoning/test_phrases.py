"""Phrases: what fits, what does not, and that no request can make matching slow."""

import time

import pytest

from reasoning.runbooks.phrases import PhraseFault, nearest, parse_phrase, read, shown, tidy


@pytest.mark.parametrize(
    ("phrase", "request_", "inputs"),
    [
        ("restart {service}", "restart web", {"service": "web"}),
        ("restart {service}", "Restart  the web", None),
        ("(restart|bounce) [the] [service] {service}", "bounce the service web", {"service": "web"}),
        ("(bring back|revive) {service} [right away|soon]", "bring back web soon", {"service": "web"}),
        ("fix {a} in {b}", "fix `S3-7` in <acme/infra>.", {"a": "S3-7", "b": "acme/infra"}),
        ("why is {service} down?", "why is web down", {"service": "web"}),
        ("restart {service}", "restart", None),
        ("restart {service}", "restart web and db", None),
        ("a.b {x}", "aXb y", None),
    ],
)
def test_reading(phrase: str, request_: str, inputs: dict[str, str] | None) -> None:
    assert read(parse_phrase(phrase), tidy(request_)) == inputs


@pytest.mark.parametrize(
    ("said", "tidied"),
    [
        ("<@U123ABCDE>: please  restart web, thanks!!", "restart web"),
        ("Hey, could you restart web now?", "restart web"),
        ("<@U1|bot> <@U2> restart “web”…", 'restart "web"'),
        ("please", ""),
        ("  ", ""),
    ],
)
def test_politeness_does_not_matter(said: str, tidied: str) -> None:
    assert tidy(said) == tidied


@pytest.mark.parametrize("text", ["{x}", "[maybe]", "fix [the {x}]", "fix {x} {x}", "fix {X}", "fix (a|b"])
def test_faults(text: str) -> None:
    with pytest.raises(PhraseFault):
        parse_phrase(text)


def test_it_is_shown_as_one_would_type_it() -> None:
    phrase = parse_phrase("(fix|mend) [the] finding {finding} in {repository}?")
    assert shown(phrase, {"finding": "S3-7"}) == "fix finding S3-7 in {repository}?"


def test_the_nearest_comes_first() -> None:
    offers = {
        "restart web": "restart {service}",
        "fix finding S3-7": "fix finding {finding}",
        "why is web down?": "why",
    }
    assert nearest("fixx finding S3-7", offers)[0] == "fix finding S3-7"
    assert nearest("restrat web", offers, most=1) == ("restart web",)


@pytest.mark.parametrize("piece", ["please ", "! ", ",", "now ", "<@U1>", "a ", "\u00a0"])
def test_no_request_is_slow(piece: str) -> None:
    phrase = parse_phrase("(a|a a|a a a) [a] [a a] {x} [a] {y} [a|b|c] (a|b) [now]")
    started = time.perf_counter()
    read(phrase, tidy(piece * 20_000 + "x"))
    nearest(piece * 20_000, {"restart web": "restart {service}"})
    assert time.perf_counter() - started < 1.0
