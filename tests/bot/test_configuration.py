from pathlib import Path

import pytest

from bot.configuration import Configuration, Invalid, load
from bot.configuration.secrets import looks_secret
from domain.tiers import Tier
from policy.sources.approvers import PEER
from tests.policy.world import NOW

LEAST = """version: 1
organization: acme
people: {U1: {name: Requester}, U2: {name: SRE}}
groups: {sre: [U2], contractors: []}
approvers: ["group:sre"]
admins: ["user:U2"]
"""
AGENT = """slug: remediation
describe: Fixes compliance findings by change request.
handles: [compliance-remediation]
tier: draft
tools: ["git.*", "scan.*", "forge.*"]
reasoner: {runbooks: ["*"]}
"""
SAMPLE = Path(__file__).parents[2] / "examples" / "acme" / "config"


def write(directory: Path, files: dict[str, str]) -> Path:
    for name, said in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(said, encoding="utf-8")
    return directory


def loaded(directory: Path, more: str = "", environ: dict[str, str] | None = None, **files: str) -> Configuration:
    named = {name.replace("__", "/") + ".yaml": said for name, said in files.items()}
    write(directory, {"countersign.yaml": LEAST + more, "agents/remediation.yaml": AGENT, **named})
    return load(directory, environ or {})


def faults(directory: Path, more: str = "", environ: dict[str, str] | None = None, **files: str) -> list[str]:
    with pytest.raises(Invalid) as raised:
        loaded(directory, more, environ, **files)
    return [str(fault) for fault in raised.value.faults]


def test_the_least_configuration_loads(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    assert found.organization == "acme"
    assert found.groups["sre"].members == {"user:U2"}
    assert found.groups["contractors"].members == frozenset()
    assert [who.text for who in (*found.approvers, *found.admins)] == ["group:sre", "user:U2"]
    agent = found.agents["remediation"]
    assert (agent.tier, agent.handles, agent.tools) == (
        Tier.DRAFT,
        ("compliance-remediation",),
        ("git.*", "scan.*", "forge.*"),
    )
    assert (agent.runbooks, agent.file, agent.line) == (("*",), "agents/remediation.yaml", 1)
    assert found.policies.approvers == found.approvers
    assert found.policies.hash.startswith("sha256:")
    assert found.missing_secrets() == ()
    assert found.texts("runbooks") == ()
    snapshot = found.snapshot(NOW)
    assert snapshot.people["user:U2"].groups == {"sre"}


def test_the_sample_organization_loads() -> None:
    found = load(SAMPLE, {"SLACK_BOT_TOKEN": "t", "SLACK_APP_TOKEN": "t", "ALERTMANAGER_TOKEN": "t"})
    assert set(found.agents) == {"advisor", "incident", "remediation", "steward"}
    assert found.missing_secrets() == ()
    assert found.texts("runbooks")


def test_every_section(tmp_path: Path) -> None:
    (tmp_path / "alert.token").write_text("from-a-file\n", encoding="utf-8")
    more = """auditors: ["group:sre", "user:U1"]
slack:
  mode: http
  bot_token: "${env:BOT}"
  signing_secret: "${env:SIGNING}"
  api_url: http://127.0.0.1:1/api/
storage: {path: data/db.sqlite}
sources:
  alerts: {kind: alertmanager, channel: C1, agent: remediation, priority: high, secret: "${file:alert.token}"}
  open: {kind: alertmanager, channel: C1, task_type: probe, auth: none}
places: {default: C1, approvals: [C2, C3]}
http: {host: 10.0.0.7, port: 8080, url: "https://ops.example", hosts: [ops.example]}
workspaces: work
repositories: {acme/infra: {path: repos/infra.git}}
forge: {root: repos}
services: {web: {argv: [web, "--generation", "{generation}"], log: web.log, health: "http://127.0.0.1/healthz"}}
environment: staging
probes: {allow: [example.com]}
sandbox: {opt_out: true}
"""
    found = loaded(
        tmp_path, more, {"BOT": "b-secret", "SIGNING": "s-secret", "SLACK_API_URL": "http://127.0.0.1:2/api/"}
    )
    assert found.slack.mode == "http"
    assert found.slack.bot_token is not None
    assert found.slack.bot_token.reveal() == "b-secret"
    assert "b-secret" not in repr(found)
    assert found.slack.api_url == "http://127.0.0.1:2/api/"
    assert found.storage == tmp_path / "data/db.sqlite"
    alerts = found.sources["alerts"]
    assert [secret.reveal() for secret in alerts.secrets] == ["from-a-file"]
    assert (alerts.agent, alerts.task_type, alerts.priority.value) == ("remediation", "alert", "high")
    assert (found.sources["open"].auth, found.sources["open"].task_type) == ("none", "probe")
    assert found.places == {"default": ("C1",), "approvals": ("C2", "C3")}
    assert (found.http.host, found.http.port, found.http.hosts) == ("10.0.0.7", 8080, ("ops.example",))
    systems = found.systems
    assert (systems.workspaces, systems.forge_root) == (tmp_path / "work", tmp_path / "repos")
    assert systems.repositories == {"acme/infra": tmp_path / "repos/infra.git"}
    assert systems.services["web"].argv == ("web", "--generation", "{generation}")
    assert (systems.environment, systems.probe_allow, systems.sandbox_opt_out) == ("staging", ("example.com",), True)


def test_an_agent_with_everything(tmp_path: Path) -> None:
    agent = """slug: fixer
describe: Fixes.
handles: [fix]
tier: production
tools: [git.clone]
owners: ["group:sre", "user:U1"]
max_iterations: 9
timeout: 15m
deadline: 8h
budget_usd: 2.50
fallback: escalate
inputs: {service: Which service.}
success:
  - {tool: service.status, arguments: {service: "${inputs.service}"}, expect: result.healthy == true, describe: Up.}
"""
    found = loaded(tmp_path, agents__fixer=agent).agents["fixer"]
    assert (found.max_iterations, found.timeout_s, found.deadline_s, found.budget_usd) == (9, 900.0, 28_800.0, 2.5)
    assert (found.owners, found.inputs) == (("group:sre", "user:U1"), {"service": "Which service."})
    assert (found.success[0].tool, found.success[0].expect) == ("service.status", "result.healthy == true")


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ("orgs: 1\n", "countersign.yaml:7: orgs: is not a key here"),
        ("auditor: []\n", 'countersign.yaml:7: auditor: is not a key here (did you mean "auditors"?)'),
        ("version: 1\n", "countersign.yaml:7: version: is said twice (first on line 1)"),
        ('auditors: ["group:sr"]\n', 'auditors[0]: there is no group "sr" (did you mean "sre"?)'),
        ("auditors: [peer]\n", "auditors[0]: 'peer' names no approvers"),
        ("places: {default: general}\n", "places.default: 'general' is not a channel's id"),
        ("http: {port: 99999}\n", "http.port: must be between 1 and 65535"),
        ("storage: state.db\n", "storage: must be a mapping, not text (keys: path)"),
        ("slack: {bot_tokn: x}\n", 'slack.bot_tokn: is not a key here (did you mean "bot_token"?)'),
        ("slack: {bot_token: plain}\n", "slack.bot_token: must name where the secret is, not say it"),
        ("slack: {api_url: xoxb-1234567890-abcdef}\n", "slack.api_url: looks like a secret"),
        (
            "places: {x: kJ8sd7Fh2Kq9LmZx3VbN5tRy1WpQ}\n",
            "places.x: looks like a secret (write ${env:NAME} or ${file:PATH}",
        ),
        ('environment: "${env:HOME}"\n', "environment: is not a secret, and only secrets are read from elsewhere"),
        ("sources: {a: {kind: alertmanager, channel: C1}}\n", 'sources.a: the key "secret" is missing'),
        ("sources: {a: {channel: C1, auth: none}}\n", 'sources.a: the key "kind" is missing'),
        ("sources: {a: {kind: pager, channel: C1, auth: none}}\n", "must be one of alertmanager, not pager"),
        (
            "sources: {a: {kind: alertmanager, channel: C1, auth: none, agent: remedation}}\n",
            'there is no agent "remedation" (did you mean "remediation"?)',
        ),
        ("repositories: {'a b': {path: x}}\n", "'a b' is not a name here"),
        ("repositories: {acme/infra: {}}\n", 'the key "path" is missing'),
        ("sandbox: {opt_out: yes}\n", "sandbox.opt_out: must be true or false, not text (write true)"),
    ],
)
def test_faults_of_the_main_file(tmp_path: Path, more: str, fault: str) -> None:
    found = faults(tmp_path, more)
    assert any(fault in one for one in found), found


@pytest.mark.parametrize(
    ("agent", "fault"),
    [
        (AGENT.replace("tier: draft", "tier: drafty"), "agents/a.yaml:4: tier: must be one of"),
        (AGENT.replace("slug: remediation", "slug: Fix It"), "slug: 'Fix It' is not a slug"),
        (AGENT, 'slug: "remediation" is taken (first at agents/a.yaml:1)'),
        (AGENT + "tool: []\n", 'tool: is not a key here (did you mean "tools"?)'),
        (AGENT + 'owners: ["group:nope"]\n', 'there is no group "nope"'),
        (AGENT + "timeout: 15\n", "timeout: must be a duration, not 15"),
        (AGENT + "success: [{tool: a.b, expect: 'result.', describe: x}]\n", "success[0].expect: is not CEL"),
        ("[]", "must be a mapping, not a list"),
        ("slug: [", "is not YAML"),
    ],
)
def test_faults_of_agents(tmp_path: Path, agent: str, fault: str) -> None:
    found = faults(tmp_path, agents__a=agent)
    assert any(fault in one for one in found), found


def test_faults_of_all_files_come_together(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        "nope: 1\n",
        agents__a="slug: a\n",
        policies__org="version: 1\npolicies: [{id: x}]\n",
        resources="version: 2\n",
    )
    assert {one.split(":")[0] for one in found} == {
        "agents/a.yaml",
        "countersign.yaml",
        "policies/org.yaml",
        "resources.yaml",
    }


def test_secrets_that_are_absent_are_told_when_they_are_needed(tmp_path: Path) -> None:
    found = loaded(tmp_path, 'slack: {bot_token: "${env:NOPE}", app_token: "${file:none}"}\n')
    assert [str(fault) for fault in found.missing_secrets()] == [
        "countersign.yaml:7: slack.bot_token: the environment variable NOPE is not set",
        "countersign.yaml:7: slack.app_token: the file none cannot be read: FileNotFoundError",
    ]
    assert found.slack.bot_token is not None
    with pytest.raises(Invalid, match="NOPE is not set"):
        found.slack.bot_token.reveal()


def test_a_literal_secret_is_never_quoted_back(tmp_path: Path) -> None:
    said = "\n".join(
        faults(tmp_path, "slack: {bot_token: xoxb-1234567890-abcdef}\nplaces: {x: xoxb-1234567890-abcdef}\n")
    )
    assert "xoxb" not in said


def test_a_directory_without_configuration(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="countersign init DIR"):
        load(tmp_path, {})
    (tmp_path / "countersign.yaml").write_bytes(b"version: 1\n\xff\n")
    with pytest.raises(Invalid, match=r"countersign\.yaml:2: is not UTF-8"):
        load(tmp_path, {})


def test_groups_of_the_directory_and_slips_in_ids(tmp_path: Path) -> None:
    base = LEAST.replace("contractors: []", "contractors: {slack: S0123}")
    write(tmp_path, {"countersign.yaml": base, "agents/remediation.yaml": AGENT})
    found = load(tmp_path, {})
    assert (found.groups["contractors"].slack, found.groups["contractors"].members) == ("S0123", None)
    slip = "version: 1\norganization: acme\npeople: {U0SRE0001: {name: A}}\ngroups: {sre: [U0SRE0010]}\n"
    write(tmp_path, {"countersign.yaml": slip})
    with pytest.raises(Invalid, match=r'U0SRE0010 is not among people .did you mean "U0SRE0001"'):
        load(tmp_path, {})


def test_without_approvers_nobody_is_a_peer(tmp_path: Path) -> None:
    write(tmp_path, {"countersign.yaml": "version: 1\norganization: acme\n"})
    found = load(tmp_path, {})
    assert found.approvers == ()
    assert PEER.kind == "peer"


def test_a_path_is_judged_by_its_last_name_where_its_directory_is_there(tmp_path: Path) -> None:
    odd = tmp_path / "a-third-try-of-2031-with-quite-a-name"
    odd.mkdir()
    assert not looks_secret(f"{odd}/web.log")
    assert looks_secret(f"{odd}/q7Zk29sLmX04vBnT81cWpR6y")
    assert looks_secret("/q7Zk29sLmX04vBnT81cWpR6y/elsewhere")


@pytest.mark.parametrize(
    ("said", "secret"),
    [
        ("xoxb-123456789-abc", True),
        ("xapp-1-A0123-456-abcdef", True),
        ("ghp_" + "a1B2" * 9, True),
        ("AKIAIOSFODNN7EXAMPLE", True),
        ("-----BEGIN RSA PRIVATE KEY-----", True),
        ("q7Zk29sLmX04vBnT81cWpR6y", True),
        ("remediation-of-findings-in-the-infrastructure", False),
        ("https://hooks.example/services/alertmanager/production", False),
        ("U0REQUESTER", False),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1", False),
        ("", False),
    ],
)
def test_what_looks_like_a_secret(said: str, secret: bool) -> None:
    assert looks_secret(said) is secret
