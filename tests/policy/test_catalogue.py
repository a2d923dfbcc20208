import pytest

from domain.tiers import Effect
from policy.reading.files import Faults
from policy.sources.catalogue import Catalogue, Resource, fill, read_catalogue
from tests.policy.world import RESOURCES, SPECS, spec


def listed(text: str = RESOURCES) -> Catalogue:
    faults = Faults()
    found = read_catalogue("resources.yaml", text, faults)
    faults.check()
    return found


def test_labels_are_handed_down_and_the_specific_entry_has_the_last_word() -> None:
    found = listed("""
version: 1
resources:
  - {name: prod/web, labels: {env: blue, team: shop}}
  - {name: "*", labels: {env: any, owner: ops}}
  - {name: "prod/*", labels: {env: prod}}
""")
    assert found.labels("prod/web") == {"env": "blue", "team": "shop", "owner": "ops"}
    assert found.labels("prod/api") == {"env": "prod", "owner": "ops"}
    assert found.labels("dev/api") == {"env": "any", "owner": "ops"}


def test_what_nobody_lists_is_unknown() -> None:
    assert listed().labels("dev/web") is None
    assert listed().locate(SPECS["service.restart"], {}) == (None, None)
    assert listed().locate(SPECS["dns.set"], {"zone": "x"}) == (None, None)
    assert Catalogue().locate(SPECS["service.restart"], {"service": "web"}) == ("prod/web", None)


def test_what_the_tool_knows_is_joined_by_what_the_organization_says() -> None:
    knows = spec("t", Effect.READ, resource="prod/{name}", labels={"env": "test", "kind": "t"})
    assert listed().locate(knows, {"name": "web"}) == ("prod/web", {"env": "prod", "kind": "t", "team": "shop"})
    assert Catalogue().locate(knows, {"name": "web"}) == ("prod/web", {"env": "test", "kind": "t"})
    assert Catalogue().locate(knows, {}) == (None, {"env": "test", "kind": "t"})


@pytest.mark.parametrize(
    ("value", "resource"),
    [
        ("web", "prod/web"),
        ("acme/infra", "prod/acme/infra"),
        (7, "prod/7"),
        (True, None),
        (7.5, None),
        (None, None),
        ("", None),
        ("*", None),
        ("../dev", None),
        ("/etc", None),
        ("a b", None),
        ("a\n", None),
        ("wеb", None),  # a Cyrillic letter
        (["web"], None),
    ],
)
def test_an_argument_contributes_a_name_or_nothing(value: object, resource: str | None) -> None:
    assert fill("prod/{name}", {"name": value}) == resource


def test_templates_without_arguments() -> None:
    assert fill("prod/db", {}) == "prod/db"
    assert fill(None, {}) is None


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("resources: []", 'the key "version" is missing'),
        ("version: 1\nresources: [{name: a b}]", "is not a resource's name"),
        ("version: 1\nresources: [{labels: {}}]", 'the key "name" is missing'),
        ("version: 1\nresources: [{name: a, label: {}}]", 'did you mean "labels"?'),
        ("version: 1\nresources: [{name: a, labels: {env: [x]}}]", "must be text"),
        ("version: 1\nresources: [{name: a}, {name: a}]", "is there twice"),
    ],
)
def test_faults(said: str, fault: str) -> None:
    faults = Faults()
    read_catalogue("resources.yaml", said, faults)
    assert fault in "".join(map(str, faults))


def test_precedence_does_not_depend_on_order() -> None:
    entries = [Resource(pattern=p, labels={"x": p}) for p in ("a/*", "a/b", "a/b*")]
    assert Catalogue.of(entries) == Catalogue.of(reversed(entries))
