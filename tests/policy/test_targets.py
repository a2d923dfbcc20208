"""What people mean by what they say, by the catalogue; and nothing where that is not certain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.freezes import Target, Unclear
from policy.sources.catalogue import Catalogue, Resource
from policy.sources.targets import find

CATALOGUE = Catalogue.of(
    Resource(pattern=name, labels=labels)
    for name, labels in {
        "prod/*": {"env": "prod"},
        "prod/web": {"service": "web", "team": "shop"},
        "prod/pay": {"team": "pay"},
        "dev/*": {"env": "dev"},
        "dev/pay": {},
        "edge/cdn": {"tier": "gold"},
        "edge/dns": {"rank": "gold"},
        "acme/infra": {"kind": "repository"},
    }.items()
)


@pytest.mark.parametrize(
    ("said", "where", "fits"),
    [
        ("prod", (("label:env", ("prod",)),), ("prod/*", "prod/pay", "prod/web")),
        ("`prod`", (("label:env", ("prod",)),), ("prod/*", "prod/pay", "prod/web")),
        ("env=prod", (("label:env", ("prod",)),), ("prod/*", "prod/pay", "prod/web")),
        ("label:team=shop", (("label:team", ("shop",)),), ("prod/web",)),
        ("env=*", (("label:env", ("*",)),), ("dev/*", "dev/pay", "prod/*", "prod/pay", "prod/web")),
        ("prod/*", (("resource", ("prod/*",)),), ("prod/*", "prod/pay", "prod/web")),
        ("prod/web", (("resource", ("prod/web",)),), ("prod/*", "prod/web")),
        ("prod/new", (("resource", ("prod/new",)),), ("prod/*",)),  # only the pattern knows it
        ("*/pay", (("resource", ("*/pay",)),), ("dev/pay", "prod/pay")),
        ("web", (("resource", ("prod/web",)),), ("prod/*", "prod/web")),
        ("shop", (("label:team", ("shop",)),), ("prod/web",)),
        ("edge", (("resource", ("edge/*",)),), ("edge/cdn", "edge/dns")),
        ("acme/infra", (("resource", ("acme/infra",)),), ("acme/infra",)),
        ("repository:acme/site", (("repository", ("acme/site",)),), ()),
        ("repo acme/*", (("repository", ("acme/*",)),), ()),
    ],
)
def test_what_is_meant(said: str, where: object, fits: tuple[str, ...]) -> None:
    found = find(said, CATALOGUE)
    assert isinstance(found, Target)
    assert (found.where, found.fits) == (where, fits)


@pytest.mark.parametrize("said", ["everything", "All", "*"])
def test_everything(said: str) -> None:
    found = find(said, CATALOGUE)
    assert isinstance(found, Target)
    assert (found.where, found.words) == ((), "everything")


@pytest.mark.parametrize(
    ("said", "choices"),
    [
        ("prdo", "prod"),
        ("prdo/*", "prod/*"),
        ("env=prdo", "env=prod"),
        ("wbe", "web"),
        ("pay", "prod/pay"),  # may be dev/pay as well
        ("gold", "tier=gold"),  # may be rank=gold as well
        ("", "prod"),
        ("../prod", "prod"),
        ("prod web", "prod/web"),
        ("nothing/like/it", "everything"),
        ("x" * 300, "everything"),
    ],
)
def test_what_is_not_certain_says_what_is_known(said: str, choices: str) -> None:
    found = find(said, CATALOGUE)
    assert isinstance(found, Unclear)
    assert choices in found.choices
    assert len(found.why) < 200


def test_without_a_catalogue_only_everything_and_repositories_can_be_named() -> None:
    empty = Catalogue()
    assert isinstance(find("everything", empty), Target)
    assert isinstance(find("repository:a/b", empty), Target)
    for said in ("prod", "prod/*", "env=prod"):
        assert isinstance(find(said, empty), Unclear)


@given(st.text(max_size=40))
def test_no_words_break_it_and_none_freezes_more_than_it_names(said: str) -> None:
    found = find(said, CATALOGUE)
    if isinstance(found, Target) and found.where == ():
        assert said.strip("\"'`“” \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0").casefold() in {"everything", "all", "*"}
