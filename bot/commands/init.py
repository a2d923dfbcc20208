"""`countersign init DIR`: a starting configuration with a comment beside everything that must be filled in."""

from pathlib import Path
from typing import Annotated

import typer

_MAIN = """\
# Countersign's configuration. `countersign policy check --config .` says what is wrong, with file, line and key;
# `countersign doctor --config .` says whether Slack, database and sandbox are there.
version: 1
organization: acme                     # a short name of yours

people:                                # by Slack id (profile > ... > Copy member ID)
  U00000001: {name: Requester}
  U00000002: {name: SRE}

groups:                                # members here, or a Slack user group: {slack: S0123456}
  sre: [U00000002]

approvers: ["group:sre"]               # who may countersign where no rule says otherwise; never the requester
admins: ["user:U00000002"]             # who may turn everything on again after stop-all
auditors: []                           # who may read every run

slack:                                 # secrets are named here, never written here
  bot_token: "${env:SLACK_BOT_TOKEN}"  # xoxb-...: OAuth & Permissions
  app_token: "${env:SLACK_APP_TOKEN}"  # xapp-... with connections:write: Basic Information

# places: {approvals: [C00000001]}     # where cards are shown besides a run's own thread, and runs without one
# sources:                             # who may send webhooks: POST /webhooks/alertmanager
#   alertmanager: {kind: alertmanager, channel: C00000002, agent: helper, secret: "${env:ALERTMANAGER_TOKEN}"}

# What there is to be touched. A system that is not named here has no tools, and nothing may use them.
services:                              # processes of this machine: status, logs, restart
  web: {directory: services/web, argv: [python3, web.py], url: "http://127.0.0.1:8000/"}
probes: {allow: ["127.0.0.1:8000"]}    # what http.probe may ask
# forge: {root: forge}                 # bare repositories: forge/OWNER/NAME.git
"""
_AGENT = """\
slug: helper
describe: Looks at services and says how they are.
handles: [chat]
tier: recommend                        # observe | recommend | draft | sandbox | production
tools: ["service.status", "service.logs", "http.probe"]
reasoner: {runbooks: ["*"]}
"""
_POLICY = """\
version: 1
policies:
  - id: production-needs-an-sre
    level: organization
    describe: Changes of production need one of the SRE group other than the requester.
    match: {effect: [change], labels: {env: prod}}
    approve: [{from: "group:sre", within: 4h}]
"""
_RUNBOOK = """\
runbook: service-check
describe: Looks at a service and says how it is.
agents: [helper]
inputs:
  service: {describe: The service., pattern: "[a-z][a-z0-9-]*", example: web}
match:
  say: ["(check|look at) [the] [service] {service}", "how is [the] [service] {service}?"]
steps:
  - id: look
    say: "Look at ${inputs.service}"
    call: {tool: service.status, arguments: {service: "${inputs.service}"}}
  - id: done
    conclude: {summary: "${steps.look.summary}"}
"""
FILES = {
    "countersign.yaml": _MAIN,
    "agents/helper.yaml": _AGENT,
    "policies/organization.yaml": _POLICY,
    "runbooks/service-check.yaml": _RUNBOOK,
}


def init(directory: Annotated[Path, typer.Argument(help="Where to write it; made if it is not there.")]) -> None:
    """Write a commented starting configuration. Nothing that is there already is touched."""
    there = [name for name in FILES if (directory / name).exists()]
    if there:
        typer.echo(f"{directory} has {', '.join(there)} already; nothing was written", err=True)
        raise typer.Exit(2)
    for name, text in FILES.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    typer.echo(f"written: {', '.join(FILES)} in {directory}")
    typer.echo(f"next: fill in the ids, then `countersign doctor --config {directory}`")
