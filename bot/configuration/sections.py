"""The sections of countersign.yaml, each with its own reader."""

import difflib
import itertools
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bot.configuration.secrets import ReadSecret, Secret
from domain.tasks import Principal, Priority
from policy.reading.files import Faults, Fields, Node, Read, boolean, by_name, choice, integer, nearest, several, text

T = TypeVar("T")
_PERSON = re.compile(r"[UW][A-Z0-9]{1,20}")
_CHANNEL = re.compile(r"[CG][A-Z0-9]{1,20}")
_USER_GROUP = re.compile(r"S[A-Z0-9]{1,20}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_DIRECTORY = re.compile(r"(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9_./-]{0,200}")
_REPOSITORY = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}/[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonEntry:
    """Somebody the organization names. What the directory says of them (guest, deactivated) is the directory's."""

    id: str
    name: str
    email: str | None = None

    @property
    def principal(self) -> Principal:
        return f"user:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Members by principal, or a Slack user group that only the directory can look into."""

    name: str
    members: frozenset[Principal] | None = None
    slack: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    """How to speak to Slack. `api_url` points the client elsewhere."""

    mode: str = "socket"
    bot_token: Secret | None = None
    app_token: Secret | None = None
    signing_secret: Secret | None = None
    api_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A sender of webhooks. `secrets`: the active one, and its predecessor while it is being changed."""

    name: str
    kind: str
    channel: str
    task_type: str
    auth: str = "bearer"
    secrets: tuple[Secret, ...] = ()
    agent: str | None = None
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """Where the bot listens. `url` begins the addresses it gives out; `hosts` are the names it answers to."""

    host: str = "127.0.0.1"
    port: int = 7071
    url: str | None = None
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service this machine runs. `argv` may contain `{generation}`."""

    name: str
    argv: tuple[str, ...] = ()
    directory: Path | None = None
    log: Path | None = None
    url: str | None = None
    health: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRepository:
    """The repository on the forge whose tree, or a directory of it, is a configuration like this one."""

    name: str
    directory: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Systems:
    """What the tools touch. Paths are resolved against the configuration directory."""

    workspaces: Path
    repositories: Mapping[str, Path] = field(default_factory=dict)  # bare repositories, by name
    forge_root: Path | None = None  # of repositories by name: root/OWNER/NAME.git
    services: Mapping[str, Service] = field(default_factory=dict)
    environment: str = "prod"  # of the services: prod/web
    probe_allow: tuple[str, ...] = ()
    sandbox_opt_out: bool = False
    policy_repository: PolicyRepository | None = None


def form(pattern: re.Pattern[str], what: str, like: str) -> Read[str]:
    """A reader of text of one form."""

    def read_form(node: Node, faults: Faults) -> str | None:
        said = text(node, faults)
        if said is not None and not pattern.fullmatch(said):
            faults.at(node, f"{said!r} is not {what}", like)
            return None
        return said

    return read_form


CHANNEL = form(_CHANNEL, "a channel's id", "like C024BE91L; Slack shows it in the channel's details")
PERSON = form(_PERSON, "a person's id", "like U024BE7LH; Slack shows it in the profile")


def read_people(node: Node, faults: Faults) -> Mapping[str, PersonEntry] | None:
    """`{U1: {name: Requester}}`."""
    if not isinstance(node.value, Mapping):
        faults.at(node, f"must be a mapping of people by id, not {node.kind}", "like {U1: {name: Ada}}")
        return None
    found: dict[str, PersonEntry] = {}
    for name, child in node.value.items():
        if not _PERSON.fullmatch(name):
            faults.at(child, f"{name!r} is not a person's id", "like U024BE7LH; Slack shows it in the profile")
        fields = Fields(child, faults, "name", "email")
        found[name] = PersonEntry(
            id=name, name=fields.need("name", text) or name, email=fields.get("email", text, None)
        )
    return found


def read_groups(people: Collection[str]) -> Read[Mapping[str, Group]]:
    """`{sre: [U2], everyone: {slack: S0123}}`."""

    strangers = itertools.count()

    def member(node: Node, faults: Faults) -> str | None:
        said = PERSON(node, faults)
        if said is None or said in people or len(people) > 2_000 or next(strangers) > 100:
            return said  # looking for the nearest name costs: people of large organizations may go without
        if difflib.get_close_matches(said, people, 1, 0.8):
            faults.at(node, f"{said} is not among people", nearest(said, people))
        return said

    def read_group(node: Node, faults: Faults) -> Group | None:
        name = node.key.removeprefix("groups.")
        if not _NAME.fullmatch(name):
            faults.at(node, f"{name!r} is not a group's name", "lower-case letters, digits, dashes")
        if isinstance(node.value, Mapping):
            slack = Fields(node, faults, "slack").need(
                "slack", form(_USER_GROUP, "a user group's id", "like S0614TZR7")
            )
            return None if slack is None else Group(name=name, slack=slack)
        ids = several(member)(node, faults)
        return None if ids is None else Group(name=name, members=frozenset(f"user:{one}" for one in ids))

    return by_name(read_group)


def read_slack(secret: ReadSecret) -> Read[Slack]:
    """`slack:`."""

    def read(node: Node, faults: Faults) -> Slack | None:
        fields = Fields(node, faults, "mode", "bot_token", "app_token", "signing_secret", "api_url")
        return Slack(
            mode=fields.get("mode", choice("socket", "http"), "socket"),
            bot_token=fields.get("bot_token", secret, None),
            app_token=fields.get("app_token", secret, None),
            signing_secret=fields.get("signing_secret", secret, None),
            api_url=fields.get("api_url", text, None),
        )

    return read


def read_sources(secret: ReadSecret) -> Read[Mapping[str, Source]]:
    """`sources:`."""

    def read(node: Node, faults: Faults) -> Source | None:
        keys = ("kind", "channel", "task_type", "auth", "secret", "previous_secret", "agent", "priority")
        fields = Fields(node, faults, *keys)
        name = node.key.removeprefix("sources.")
        if not _NAME.fullmatch(name):
            faults.at(node, f"{name!r} is not a source's name", "lower-case letters, digits, dashes")
        given = [fields.get(key, secret, None) for key in ("secret", "previous_secret")]
        auth = fields.get("auth", choice("bearer", "none"), "bearer")
        if auth == "bearer" and "secret" not in fields:
            faults.at(node, 'the key "secret" is missing', "or say auth: none, where anybody may send")
        if auth == "none" and any(given):
            faults.at(node, "has a secret that auth: none would not check")
        priority = fields.get("priority", choice(*[p.value for p in Priority]), Priority.NORMAL.value)
        kind = fields.need("kind", choice("alertmanager"))
        channel = fields.need("channel", CHANNEL)
        return Source(
            name=name,
            kind=kind or "",
            channel=channel or "",
            task_type=fields.get("task_type", text, "alert"),
            auth=auth,
            secrets=tuple(one for one in given if one is not None),
            agent=fields.get("agent", text, None),
            priority=Priority(priority),
        )

    return by_name(read)


def read_http(node: Node, faults: Faults) -> Http | None:
    """`http:`."""
    fields = Fields(node, faults, "host", "port", "url", "hosts")
    return Http(
        host=fields.get("host", text, "127.0.0.1"),
        port=fields.get("port", integer(1, 65_535), 7071),
        url=fields.get("url", text, None),
        hosts=fields.get("hosts", several(text), ()),
    )


def read_systems(fields: Fields, directory: Path) -> Systems:
    """`workspaces`, `repositories`, `forge`, `services`, `environment`, `probes`, `sandbox` and `policy_repository`."""
    place = _path(directory)
    return Systems(
        workspaces=fields.get("workspaces", place, directory / "workspaces"),
        repositories=fields.get("repositories", _named(_REPOSITORY, _under("path", place)), {}),
        forge_root=fields.get("forge", _under("root", place), None),
        services=fields.get("services", _named(_NAME, _service(place)), {}),
        environment=fields.get("environment", form(_NAME, "a name", "like prod"), "prod"),
        probe_allow=fields.get("probes", _under("allow", several(text)), ()),
        sandbox_opt_out=fields.get("sandbox", _under("opt_out", boolean), False),
        policy_repository=fields.get("policy_repository", _policy_repository, None),
    )


SYSTEMS = (
    *("workspaces", "repositories", "forge", "services", "environment", "probes", "sandbox", "policy_repository"),
)


def _path(directory: Path) -> Read[Path]:
    def read_path(node: Node, faults: Faults) -> Path | None:
        said = text(node, faults)
        return None if said is None else directory / Path(said).expanduser()

    return read_path


def _policy_repository(node: Node, faults: Faults) -> PolicyRepository | None:
    """`acme/policies`, or `{name: acme/policies, directory: operator}`."""
    name = form(_REPOSITORY, "a repository", "like acme/policies")
    if not isinstance(node.value, Mapping):
        said = name(node, faults)
        return None if said is None else PolicyRepository(name=said)
    fields = Fields(node, faults, "name", "directory")
    said = fields.need("name", name)
    directory = fields.get("directory", form(_DIRECTORY, "a directory of the repository", "like operator"), "")
    return None if said is None else PolicyRepository(name=said, directory=directory)


def _under(key: str, reader: Read[T]) -> Read[T]:
    """The only key of a section."""
    return lambda node, faults: Fields(node, faults, key).need(key, reader)


def _named(pattern: re.Pattern[str], reader: Read[T]) -> Read[dict[str, T]]:
    """A mapping whose names have a form."""

    def read(node: Node, faults: Faults) -> dict[str, T] | None:
        for name, child in (node.value if isinstance(node.value, Mapping) else {}).items():
            if not pattern.fullmatch(name):
                faults.at(child, f"{name!r} is not a name here", f"it must match {pattern.pattern}")
        return by_name(reader)(node, faults)

    return read


def _service(place: Callable[[Node, Faults], Path | None]) -> Read[Service]:
    def read_service(node: Node, faults: Faults) -> Service | None:
        fields = Fields(node, faults, "argv", "directory", "log", "url", "health")
        return Service(
            name=node.key.removeprefix("services."),
            argv=fields.get("argv", several(text), ()),
            directory=fields.get("directory", place, None),
            log=fields.get("log", place, None),
            url=fields.get("url", text, None),
            health=fields.get("health", text, None),
        )

    return read_service
