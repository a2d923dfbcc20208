"""What a group of rules stands for: the organization, one agent, a repository, a compliance framework, a standing.

A file of `policies/` may carry one header beside its version; rules of `agents/*.yaml` and `standing:` carry theirs by
where they stand. A header never gives precedence: it adds what its rules imply, and tells readers whose they are.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from policy.matching import Names, ReadPattern, Tests
from policy.reading.files import Fields, several, text
from policy.reading.nodes import Faults, Node
from policy.sources.approvers import approvers

FRAMEWORK, REPOSITORY = "framework", "repository"
KEYS = (FRAMEWORK, REPOSITORY)
LONGEST_CONVENTION = 500  # characters
MOST_CONVENTIONS = 100
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_CONTROL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._()/:-]{0,59}")


class Origin(StrEnum):
    """Whose rules these are, as the digest groups them."""

    ORGANIZATION = "organization"
    AGENT = "agent"
    REPOSITORY = "repository"
    FRAMEWORK = "framework"
    STANDING = "standing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What every rule under it has in common. `implied` are tests that each of them has, whether it says so or not."""

    origin: Origin = Origin.ORGANIZATION
    level: str = "organization"  # of rules that name none
    name: str = ""  # the framework's id, the agent's slug
    describe: str = ""
    implied: Tests = ()
    conventions: tuple[str, ...] = ()  # sentences for reasoner and people; never rules
    owners: tuple[str, ...] = ()  # who can change these rules
    file: str = ""
    line: int = 0


PLAIN = Header()


def read_header(fields: Fields, names: Names, faults: Faults) -> Header:
    """The header among a file's fields; `PLAIN` where it has none."""
    framework, repository = fields.child(FRAMEWORK), fields.child(REPOSITORY)
    if framework is not None and repository is not None:
        faults.at(repository, "is a second header: a file stands for one thing", "put one of them in a file of its own")
    if framework is not None:
        return fields.get(FRAMEWORK, _ReadFramework(names), PLAIN)
    return fields.get(REPOSITORY, _ReadRepository(names), PLAIN)


def read_control(header: Header) -> Callable[[Node, Faults], str | None]:
    """A reader of `control: CC6.1`: what of a framework a rule stands for."""

    def read(node: Node, faults: Faults) -> str | None:
        if header.origin is not Origin.FRAMEWORK:
            faults.at(node, "names a control of no framework", "begin the file with framework: {id: soc2}")
            return None
        said = text(node, faults)
        if said is not None and not _CONTROL.fullmatch(said):
            faults.at(node, f"{said!r} is not a control's name", "like CC6.1")
            return None
        return said

    return read


@dataclass(frozen=True, slots=True)
class _ReadFramework:
    """Reads `framework: {id: soc2, describe: ...}`."""

    names: Names

    def __call__(self, node: Node, faults: Faults) -> Header | None:
        fields = Fields(node, faults, "id", "describe", "owners")
        name = fields.need("id", text)
        if name is not None and not _NAME.fullmatch(name):
            faults.at(fields.child("id") or node, f"{name!r} is not a framework's id", "like soc2")
            return None
        return Header(
            origin=Origin.FRAMEWORK,
            name=name or "",
            describe=fields.get("describe", text, ""),
            owners=_owners(fields, self.names),
            file=node.file,
            line=node.line,
        )


@dataclass(frozen=True, slots=True)
class _ReadRepository:
    """Reads `repository: {match: ["acme/infra"], conventions: ["Shared code lives in modules/."]}`."""

    names: Names

    def __call__(self, node: Node, faults: Faults) -> Header | None:
        fields = Fields(node, faults, "match", "conventions", "owners")
        patterns = fields.need("match", several(ReadPattern(REPOSITORY, None), lone=True))
        child = fields.child("match")
        if child is not None and child.value == ():
            faults.at(child, "names no repository", 'like ["acme/infra"]')
        conventions = fields.get("conventions", several(_convention), ())
        if len(conventions) > MOST_CONVENTIONS:
            faults.at(fields.child("conventions") or node, f"are more than {MOST_CONVENTIONS} sentences")
        if not patterns:
            return None
        return Header(
            origin=Origin.REPOSITORY,
            level="resource",
            name=", ".join(patterns),
            implied=((REPOSITORY, patterns),),
            conventions=conventions,
            owners=_owners(fields, self.names),
            file=node.file,
            line=node.line,
        )


def _owners(fields: Fields, names: Names) -> tuple[str, ...]:
    return tuple(one.text for one in fields.get("owners", several(approvers(names.groups, people_only=True)), ()))


def _convention(node: Node, faults: Faults) -> str | None:
    said = text(node, faults)
    if said is not None and len(said) > LONGEST_CONVENTION:
        faults.at(node, f"is longer than {LONGEST_CONVENTION} characters", "say it in several sentences")
        return None
    return None if said is None else " ".join(said.split())
