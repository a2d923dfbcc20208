"""`countersign policy digest`: the rules in words, as the reasoner and people would read them for a run."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from bot.commands.policy.loaded import HERE, AsJson, Config, bad, loaded_or_exit, print_json
from domain.agents import Agent
from domain.tasks import Context, Source, Task, Trigger, Trust
from policy.explaining.digest import in_words
from policy.explaining.unknowns import notes_on
from policy.reading.files import Faults, nearest
from policy.sources.subjects import Subject

_MADE_BY_PEOPLE = {"user": Source.USER, "token": Source.API}


def digest(
    agent: Annotated[str, typer.Option("--agent", help="The agent that would do it.")],
    repository: Annotated[str | None, typer.Option("--repository", help="OWNER/NAME.")] = None,
    requester: Annotated[str | None, typer.Option("--requester", help="user:ID, token:NAME; else nobody.")] = None,
    config: Config = HERE,
    *,
    as_json_: AsJson = False,
) -> None:
    """Print what bounds such a run, in words, with the hash that the log would hold beside the decision."""
    found = loaded_or_exit(config)
    who = found.configuration.agents.get(agent)
    if who is None:
        faults = Faults()
        faults.add("--agent", 1, 1, "", f'there is no agent "{agent}"', nearest(agent, found.configuration.agents))
        bad(faults)
    now = datetime.now(UTC)
    policies, people = found.configuration.policies, found.configuration.snapshot(now)
    task = _task(who, repository, requester, found.configuration.organization, now)
    standing = () if requester is None else (requester,)
    decided = policies.evaluate(task, who, standing=standing, people=people, catalog=found.catalog, now=now)
    said = in_words(policies, task, decided, standing=standing, people=people)
    notes = notes_on(policies, [Subject(task=task)], people)
    if as_json_:
        sections = [{"title": one.title, "lines": list(one.lines), "more": one.more} for one in said.sections]
        print_json({"sections": sections, "digest": said.hash, "policy_hash": policies.hash, "notes": list(notes)})
        return
    typer.echo(f"{said.text}\n{said.hash}")
    for note in notes:
        typer.echo(f"note: {note}")


def _task(agent: Agent, repository: str | None, requester: str | None, organization: str, now: datetime) -> Task:
    kind = "" if requester is None else requester.partition(":")[0]
    return Task(
        type=agent.handles[0] if agent.handles else "",
        requester=requester,
        trigger=Trigger(source=_MADE_BY_PEOPLE.get(kind, Source.SCHEDULE), source_id="digest", timestamp=now),
        context=Context(organization_id=organization, repository_id=repository, agent_slug=agent.slug),
        trust=Trust.PERSON,
    )
