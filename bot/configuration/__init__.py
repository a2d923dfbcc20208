"""The configuration directory, read once and strictly. Every fault is found, each with file, line and key."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from bot.configuration import files
from bot.configuration.secrets import ReadSecret, Secret, refuse_references, refuse_secrets
from bot.configuration.sections import (
    CHANNEL,
    SYSTEMS,
    Group,
    Http,
    PersonEntry,
    Slack,
    Source,
    Systems,
    form,
    read_groups,
    read_http,
    read_people,
    read_slack,
    read_sources,
    read_systems,
)
from bot.configuration.storage import ReadStorage, default_storage
from domain.agents import Agent
from domain.decisions import Approvers
from domain.people import Person, Snapshot
from policy import check
from policy.engine import PolicySet
from policy.reading.files import Fault, Faults, Fields, Invalid, Node, by_name, integer, nearest, read, several
from policy.sources.approvers import approvers

__all__ = ["Configuration", "Fault", "Group", "Invalid", "PersonEntry", "Secret", "Source", "load"]

KEYS = (
    *("version", "organization", "people", "groups", "approvers", "admins", "auditors", "standing", "budgets"),
    *("slack", "storage", "sources", "places", "http", *SYSTEMS),
)
_ORGANIZATION = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Everything that the organization has laid down. Made by `load`, which raises rather than guess."""

    directory: Path
    organization: str
    people: Mapping[str, PersonEntry]  # by Slack id
    groups: Mapping[str, Group]
    approvers: tuple[Approvers, ...]
    admins: tuple[Approvers, ...]
    auditors: tuple[Approvers, ...]
    slack: Slack
    storage: Path  # of the database
    sources: Mapping[str, Source]
    places: Mapping[str, tuple[str, ...]]  # what is shown there -> channels
    http: Http
    systems: Systems
    policies: PolicySet
    folders: Mapping[str, files.Texts] = field(repr=False)
    root: files.Texts = field(default=(), repr=False)  # the files beside the folders

    @property
    def agents(self) -> Mapping[str, Agent]:
        """The agents by slug."""
        return self.policies.agents

    def texts(self, folder: str) -> files.Texts:
        """(file, text) of every file of `runbooks`, `agents` or `policies`, by name."""
        return self.folders[folder]

    def missing_secrets(self) -> tuple[Fault, ...]:
        """The secrets that are named and not there. Rules can be checked without them; serving cannot."""
        return tuple(secret.fault for secret in self._secrets() if not secret.present)

    def snapshot(self, now: datetime) -> Snapshot:
        """The people as the configuration names them: for questions about rules, never for votes.

        Where groups are Slack's own nobody is known, so that whoever might be in one counts as being in it.
        """
        if any(group.members is None for group in self.groups.values()):
            return Snapshot(version="configuration", at=now, people={})
        members = {name: group.members or frozenset() for name, group in self.groups.items()}
        people = {
            one.principal: Person(
                principal=one.principal,
                name=one.name,
                groups=frozenset(name for name, who in members.items() if one.principal in who),
            )
            for one in self.people.values()
        }
        return Snapshot(version="configuration", at=now, people=people)

    def _secrets(self) -> Iterator[Secret]:
        for secret in (self.slack.bot_token, self.slack.app_token, self.slack.signing_secret):
            if secret is not None:
                yield secret
        for source in self.sources.values():
            yield from source.secrets


def load(directory: Path, environ: Mapping[str, str] | None, *, tools: Collection[str] | None = None) -> Configuration:
    """The configuration in `directory`. Raises Invalid with every fault. `tools` are the known tools' names, if any.

    Without `environ` no secret is looked up, neither there nor in a file: for directories that others have written.
    """
    faults = Faults()
    said = files.main_file(directory, faults)
    node = read(files.MAIN, said, faults) if said is not None else None
    folders = {name: files.folder(directory, name, faults) for name in ("agents", "policies", "runbooks")}
    resources = files.optional(directory, files.RESOURCES, faults)
    if node is None:
        faults.check()
        raise AssertionError("a document that cannot be read has a fault")
    found = _read(node, faults, directory, environ, folders, resources, tools)
    faults.check()
    beside = ((files.MAIN, said or ""), *(() if resources is None else (resources,)))
    return replace(found, root=beside)


def _read(
    node: Node,
    faults: Faults,
    directory: Path,
    environ: Mapping[str, str] | None,
    folders: Mapping[str, files.Texts],
    resources: tuple[str, str] | None,
    tools: Collection[str] | None,
) -> Configuration:
    _refuse_literals(node, faults)
    fields = Fields(node, faults, *KEYS)
    fields.need("version", integer(1, 1))
    organization = fields.need("organization", form(_ORGANIZATION, "an organization's name", "like acme"))
    people = fields.get("people", read_people, {})
    groups = fields.get("groups", read_groups(people), {})
    listed = several(approvers(groups, people_only=True))
    peers = fields.get("approvers", listed, ())
    members = {name: group.members for name, group in groups.items()}
    bearing = check.Sources(
        agents=folders["agents"],
        policies=folders["policies"],
        resources=resources,
        standing=fields.child("standing"),
        budgets=fields.child("budgets"),
    )
    policies = check.load(bearing, faults, groups=members, approvers=peers, tools=tools)
    secret = ReadSecret(environ, directory)
    sources = fields.get("sources", read_sources(secret), {})
    _known_agents(fields, sources, policies, faults)
    return Configuration(
        directory=directory,
        organization=organization or "",
        people=people,
        groups=groups,
        approvers=peers,
        admins=fields.get("admins", listed, ()),
        auditors=fields.get("auditors", listed, ()),
        slack=_elsewhere(fields.get("slack", read_slack(secret), Slack()), environ or {}),
        storage=fields.get("storage", ReadStorage(directory), default_storage(directory)),
        sources=sources,
        places=fields.get("places", by_name(several(CHANNEL, lone=True)), {}),
        http=fields.get("http", read_http, Http()),
        systems=read_systems(fields, directory),
        policies=policies,
        folders=folders,
    )


def _refuse_literals(node: Node, faults: Faults) -> None:
    """Secrets stand nowhere; references to them only in `slack` and `sources`, where each key knows what it is."""
    refuse_secrets(node, faults)
    faults.check()  # at once: other faults would quote what they dislike
    for key, child in (node.value if isinstance(node.value, Mapping) else {}).items():
        if key not in {"slack", "sources"}:
            refuse_references(child, faults)


def _known_agents(fields: Fields, sources: Mapping[str, Source], policies: PolicySet, faults: Faults) -> None:
    listed = fields.child("sources")
    for name, source in sources.items():
        if source.agent is not None and source.agent not in policies.agents:
            entry = listed.value[name] if listed is not None and isinstance(listed.value, Mapping) else fields.node
            faults.at(entry, f'there is no agent "{source.agent}"', nearest(source.agent, policies.agents))


def _elsewhere(slack: Slack, environ: Mapping[str, str]) -> Slack:
    """`SLACK_API_URL` points the client elsewhere, whatever the file says."""
    url = environ.get("SLACK_API_URL") or slack.api_url
    return replace(slack, api_url=url)
