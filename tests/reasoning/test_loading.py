# ruff: noqa: E501 - one fault a line reads best
"""Every fault of a runbook is found when it is loaded, with its file, line, key and what would be right."""

import re

import pytest

from policy.reading.files import Invalid
from reasoning.runbooks.load import load_runbooks, read_runbooks
from reasoning.runbooks.model import FailureKind
from reasoning.runbooks.templates import FILTERS
from tests.reasoning.drive import CATALOG, CONFIG, RUNBOOKS

GOOD = """\
runbook: mend
describe: Mends it.
inputs:
  service: {describe: The service., one_of: [web, api]}
match:
  say: ["mend {service}"]
steps:
  - id: look
    call: {tool: service.status, arguments: {service: "${inputs.service}"}}
  - id: done
    conclude: {summary: "It is ${steps.look.result.healthy}."}
"""


def faults(text: str) -> list[str]:
    with pytest.raises(Invalid) as raised:
        read_runbooks({"runbooks/mend.yaml": text}, CATALOG)
    return [str(fault) for fault in raised.value.faults]


def test_the_samples_and_the_least_that_loads() -> None:
    assert set(RUNBOOKS) == {
        *("encrypt-bucket", "service-down", "question-service", "question-finding", "question-findings"),
        "promote-agent",
    }
    assert read_runbooks({"runbooks/mend.yaml": GOOD}, CATALOG)["mend"].inputs["service"].one_of == ("web", "api")
    assert load_runbooks(CONFIG / "no-such-folder") == {}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("describe: Mends", "descrbe: Mends", 'runbooks/mend.yaml:2: descrbe: is not a key here (did you mean "describe"?)'),
        ("runbook: mend", "runbook: Mend It", "runbooks/mend.yaml:1: runbook: `Mend It` is not an id"),
        ("one_of: [web, api]", "example: web", ":4: inputs.service: accepts anything"),
        ("one_of: [web, api]", "one_of: [web], default: db", ":4: inputs.service.default: `db` is not one of web"),
        ("one_of: [web, api]", 'pattern: "["', ":4: inputs.service.pattern: is not a regular expression"),
        ("mend {service}", "mend {svc}", "reads the input `svc`, which is not declared"),
        ("mend {service}", "mend it", "a way to ask does not give `service` (name it there, or give it a `default:`)"),
        ("mend {service}", "mend {service} [", ":6: match.say[0]: the phrase cannot be read from `[` on"),
        ("${inputs.service}", "${inputs.servcie}", ':8: steps[0]: ${inputs.servcie}: `inputs.servcie` does not exist (did you mean "service"?)'),
        ("steps.look.result", "steps.lok.result", ':10: steps[1]: ${steps.lok.result.healthy}: `steps.lok` does not exist (did you mean "look"?)'),
        ("steps.look.result", "steps.look.reslt", '(did you mean "result"?)'),
        ("service.status", "service.state", ':8: steps[0]: there is no tool `service.state` (did you mean "service.status"?)'),
        ("{service: \"", "{servce: \"", '`service.status` takes no `servce` (did you mean "service"?)'),
        ("arguments: {service: \"${inputs.service}\"}", "arguments: {}", "`service.status` needs `service`"),
        ("\"${inputs.service}\"}", "7}", "`service.status`: service: must be a string"),
        ("service.status", "forge.merge", "`forge.merge` is for people only (offer it in a `wait:`)"),
        ("id: done", "id: look", "the step `look` is there twice"),
        ("id: done", "id: Done!", ":10: steps[1].id: `Done!` is not an id"),
        ("    conclude:", "    when: \"steps.look.ok\"\n    conclude:", "the last step must end"),
        ("    conclude:", "    when: \"steps.look.okay\"\n    conclude:", ":11:23: steps[1].when: steps.look.okay does not exist"),
        ("    conclude:", "    when: \"steps.look.result.x ==\"\n    conclude:", "is not CEL"),
        ("    conclude: {", "    goto: look\n    conclude: {", ":10: steps[1]: says conclude and goto: a step does one thing"),
        ("  - id: done", "    on_failure: {goto: lok}\n  - id: done", 'there is no step `lok` to go to (did you mean "look"?)'),
        ("  - id: done", "    on_failure: {retry: 9}\n  - id: done", ":10: steps[0].on_failure.retry: must be a number from 1 to 5"),
        ("  - id: done", "    on_failure: {denied: {retry: 1}}\n  - id: done", "what was denied is not asked again"),
        ("  - id: done", "    on_failure: giveup\n  - id: done", '`giveup` is not a remedy (did you mean "give_up"?)'),
        ("  - id: done", "  - id: gone\n    give_up: no\n  - id: never\n    give_up: no\n  - id: done", "the step `never` is never reached"),
        ("}}\n  - id: done", "}, expect: {condition: \"result.x = 1\", describe: x}}\n  - id: done", "the expectation `result.x = 1` is not CEL"),
        ("}}\n  - id: done", "}, expect: {condition: \"result.x == '${inputs.service}'\", describe: x}}\n  - id: done", "has a placeholder in quotes"),
        ("}}\n  - id: done", "}, expect: {condition: \"steps.x\", describe: x}}\n  - id: done", "steps is not a variable here"),
        ("summary: \"It is", "summary: \"${It is", "opens `${`"),
        ("runbook: mend\n", "runbook: mend\nrunbook: mend\n", ":2: runbook: is said twice (first on line 1)"),
        ("steps:", "steps: []\nsteps2:", "steps2: is not a key here"),
        ("runbook: mend", "{", "is not YAML"),
    ],
)  # fmt: skip
def test_each_fault_has_its_place(old: str, new: str, says: str) -> None:
    assert old in GOOD
    said = faults(GOOD.replace(old, new, 1))
    assert any(says in line for line in said), said
    assert all(line.startswith("runbooks/mend.yaml:") for line in said)


def test_all_faults_are_told_at_once() -> None:
    broken = GOOD.replace("describe: Mends", "descrbe: Mends").replace("${inputs.service}", "${input.service}")
    assert len(faults(broken)) >= 3


def test_the_examples_of_the_documentation_load() -> None:
    said = (CONFIG.parents[2] / "docs" / "runbooks.md").read_text()
    whole = [block for block in re.findall(r"```yaml\n(.*?)```", said, re.DOTALL) if block.startswith("runbook:")]
    assert len(whole) == 1
    assert set(read_runbooks({"docs/runbooks.md": whole[0]}, CATALOG)) == {"service-check"}
    for kind in FailureKind:
        assert f"| `{kind}` |" in said
    for name in FILTERS:
        assert f"`{name}" in said


def test_an_id_is_there_once() -> None:
    with pytest.raises(Invalid) as raised:
        read_runbooks({"runbooks/a.yaml": GOOD, "runbooks/b.yaml": GOOD})
    assert "runbooks/b.yaml:1: the runbook `mend` is there twice (first in runbooks/a.yaml:1)" in str(raised.value)


def test_without_a_catalog_calls_are_not_checked() -> None:
    assert read_runbooks({"runbooks/mend.yaml": GOOD.replace("service.status", "some.tool")})


def test_only_reads_are_done_together_and_check_something() -> None:
    several = GOOD.replace(
        'call: {tool: service.status, arguments: {service: "${inputs.service}"}}',
        "calls:\n"
        '      a: {tool: service.status, arguments: {service: "${inputs.service}"}}\n'
        '      result: {tool: service.restart, arguments: {service: "${inputs.service}"}}',
    )
    said = "\n".join(faults(several))
    assert "`service.restart` is change: only reads are done together" in said
    assert "a call cannot be named `result`" in said
