"""Who handles what: phrases, typed tasks, and what is said where nothing fits."""

from dataclasses import replace

import pytest

from domain.tasks import Context, Source, Task, Trigger, Trust
from loop.ports import GiveUp, Routed, Unrouted
from policy.reading.files import Faults
from reasoning.routing import RunbookRouter, check_followers
from reasoning.runbooks.load import read_runbooks
from tests.reasoning.drive import AGENTS, NOON, REASONER, ROUTER, RUNBOOKS, Story, alert, chat, routed

ENCRYPT = {"runbook": "encrypt-bucket", "finding": "S3-7", "repository": "acme/infra"}
RESTART = {"runbook": "service-down", "service": "web"}


@pytest.mark.parametrize(
    ("goal", "agent", "inputs"),
    [
        ("fix finding S3-7 in acme/infra", "remediation", ENCRYPT),
        ("<@U0COUNTERS> please fix the finding `s3-7` in acme/infra, thanks!", "remediation", ENCRYPT),
        ("Could you mend S3-7 in acme/infra?", "remediation", ENCRYPT),
        ("fix S3-7", "remediation", ENCRYPT),
        ("encrypt the bucket of finding S3-7", "remediation", ENCRYPT),
        ("open a pull request for S3-7 in acme/infra", "remediation", ENCRYPT),
        ("restart web", "incident", RESTART),
        ("RESTART the service “Web” now.", "incident", RESTART),
        ("web is down!!", "incident", RESTART),
        ("bring web back up", "incident", RESTART),
        ("why is web down?", "advisor", {"runbook": "question-service", "service": "web"}),
        ("what's the status of web", "advisor", {"runbook": "question-service", "service": "web"}),
        ("how is web doing?", "advisor", {"runbook": "question-service", "service": "web"}),
        (
            "is S3-7 still open in acme/infra?",
            "advisor",
            {"runbook": "question-finding", "finding": "S3-7", "repository": "acme/infra"},
        ),
        (
            "what findings are open in acme/infra?",
            "advisor",
            {"runbook": "question-findings", "repository": "acme/infra"},
        ),
        (
            "scan acme/other",
            "advisor",
            {"runbook": "question-findings", "repository": "acme/other"},
        ),
    ],
)
def test_what_people_type(goal: str, agent: str, inputs: dict[str, str]) -> None:
    answer = routed(chat(goal))
    assert (answer.agent, dict(answer.task.inputs)) == (agent, inputs)
    assert answer.task.type == "chat"
    assert answer.task.context.agent_slug == agent
    assert answer.task.context.repository_id == inputs.get("repository")


@pytest.mark.parametrize(
    ("goal", "why", "nearest"),
    [
        ("fix the finding S3-7 within acme/infra", "No runbook fits", "fix finding S3-7 in acme/infra"),
        ("reboot database", "`database` will not do as service", "restart web"),
        (
            "fix finding NET-22 in acme/infra",
            "`NET-22` will not do as finding of runbook `encrypt-bucket`",
            "fix finding S3-7 in acme/infra",
        ),
        ("what is up with the moon", "No runbook fits “what is up with the moon”", None),
        ("", "No runbook fits a chat task without a goal", None),
        ("restart web" + " and on" * 200, "No runbook fits", None),
    ],
)
def test_what_fits_nothing_is_said_so(goal: str, why: str, nearest: str | None) -> None:
    answer = ROUTER.route(chat(goal))
    assert isinstance(answer, Unrouted)
    assert why in answer.why
    assert len(answer.nearest) == 3
    if nearest is not None:
        assert nearest in answer.nearest


def test_everything_that_is_suggested_can_be_typed() -> None:
    for example in ROUTER.examples():
        assert isinstance(ROUTER.route(chat(example)), Routed), example


def test_an_alert_reads_its_service_from_the_labels() -> None:
    answer = routed(alert({"alertname": "ServiceDown", "service": "web"}))
    assert (answer.agent, dict(answer.task.inputs)) == ("incident", RESTART)


@pytest.mark.parametrize(
    "labels", [{"alertname": "DiskFull", "service": "web"}, {"alertname": "ServiceDown"}, {"service": "db"}, {}]
)
def test_an_alert_that_no_runbook_fits_still_becomes_a_run_that_says_so(labels: dict[str, str]) -> None:
    told = Story(alert(labels))
    assert told.run.received.inputs == {}
    gone = told.next()
    assert isinstance(gone, GiveUp)
    assert "No runbook fits this alert task (web does not answer)" in gone.why


def test_an_alerts_words_are_never_phrases_of_its_own_choosing() -> None:
    answer = routed(alert({"alertname": "Spam"}, goal="why is web down?"))
    assert answer.agent == "incident"
    assert answer.task.inputs == {}


def test_a_typed_task_with_only_a_goal_fits_by_its_words() -> None:
    task = Task(
        type="compliance-remediation",
        goal="encrypt the bucket of finding S3-7",
        trigger=Trigger(source=Source.API, source_id="f7@s31", timestamp=NOON),
        context=Context(organization_id="acme", repository_id="acme/infra", agent_slug="remediation"),
        trust=Trust.MACHINE,
    )
    assert dict(routed(task).task.inputs) == ENCRYPT
    sent = replace(task, goal="", payload={"finding": {"rule": "S3-7", "id": "x"}})
    assert dict(routed(sent).task.inputs) == ENCRYPT


def test_a_repository_out_of_a_machines_words_is_not_vouched_for() -> None:
    task = Task(
        type="question",
        goal="scan evil/repo",
        trigger=Trigger(source=Source.API, source_id="1", timestamp=NOON),
        context=Context(organization_id="acme"),
        trust=Trust.UNTRUSTED,
    )
    answer = routed(task)
    assert answer.task.context.repository_id is None
    clone = Story(task).next()
    assert [call.tainted for call in clone.calls] == [("repository",)]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"type": "alrt"}, 'No agent handles tasks of type `alrt` (did you mean "alert"?).'),
        ({"context": Context(organization_id="acme", agent_slug="nobody")}, "There is no agent `nobody`."),
        (
            {"type": "alert", "context": Context(organization_id="acme", agent_slug="advisor")},
            "The agent `advisor` does not handle tasks of type `alert`",
        ),
    ],
)
def test_unknown_types_and_agents(change: dict[str, object], why: str) -> None:
    answer = ROUTER.route(chat("restart web", **change))
    assert isinstance(answer, Unrouted)
    assert answer.why.startswith(why)


def test_two_agents_for_one_runbook_are_not_chosen_between() -> None:
    text = "runbook: a\ndescribe: d\nmatch: {say: [do it]}\nsteps:\n  - {id: x, conclude: {summary: done}}\n"
    books = read_runbooks({"runbooks/a.yaml": text})
    both = {slug: replace(agent, runbooks=("*",)) for slug, agent in AGENTS.items()}
    answer = RunbookRouter(agents=both, runbooks=books).route(chat("do it"))
    assert isinstance(answer, Unrouted)
    assert "equally well" in answer.why
    named = replace(books["a"], agents=("advisor",))
    assert isinstance(RunbookRouter(agents=both, runbooks={"a": named}).route(chat("do it")), Routed)


def test_a_run_whose_runbook_or_agent_is_gone_says_so() -> None:
    told = Story(chat("restart web"))
    without = replace(REASONER, runbooks={}).propose(told.run)
    assert isinstance(without, GiveUp)
    assert "is not there any more" in without.why
    narrowed = {"incident": replace(AGENTS["incident"], runbooks=("other-*",))}
    refused = replace(REASONER, agents=narrowed).propose(told.run)
    assert isinstance(refused, GiveUp)
    assert "does not follow the runbook `service-down`" in refused.why


def test_a_runbook_that_nobody_follows_is_a_fault() -> None:
    faults = Faults()
    check_followers(RUNBOOKS, AGENTS, faults)
    assert list(faults) == []
    check_followers(RUNBOOKS, {"incident": AGENTS["incident"]}, faults)
    said = [str(fault) for fault in faults]
    assert any("no agent follows `encrypt-bucket`" in line for line in said)
    assert any("there is no agent `advisor`" in line for line in said)
