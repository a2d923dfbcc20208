"""Everything an approver should know about one call: facts first, then others' own words, labelled as such."""

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from domain.calls import Expectation, ToolCall
from domain.decisions import Reason
from domain.runs import CallRecord
from domain.tasks import Trust
from handlers.slack.show import kit, limits
from handlers.slack.show.card import reason_line
from handlers.slack.show.story import Story
from handlers.slack.show.text import brief, one_line, plural, size, visible

SUMMARY, DIFFERENCE = "In short", "Difference"

_WORDS = "in the operator's words (not checked)"
_SHORT = 450  # of a part that is shown whole beside a file
_EVIDENCE = 5
_NAME, _VALUE = 60, 300  # the longest name of a fact with a block of its own; the longest argument on a line
_NAMED = re.compile(r"[A-Za-z0-9_.:/-]{1,80}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A titled piece of what is approved. Of the styles, `words` are a model's or a runbook's own, not the engine's."""

    title: str
    text: str
    style: Literal["prose", "lead", "facts", "code", "words"] = "prose"

    @property
    def heading(self) -> str:
        """The title, saying whose words follow."""
        return f"{self.title}, {_WORDS}" if self.style == "words" else self.title


def parts(story: Story, record: CallRecord) -> list[Part]:
    """All of it, in order, unshortened."""
    call, preview = record.call, record.call.preview
    told = preview.facts if preview else ()
    long = [(name, text) for name, text in told if "\n" in text and size(name) <= _NAME]
    facts = [
        ("Target", call.resource or "unknown: nothing established it"),
        ("Labels", _pairs(call.labels)),
        ("Effect", str(call.effect)),
        ("Tool", f"{call.tool}, version {call.version}"),
        *[(name[:1].upper() + name[1:], text) for name, text in told if (name, text) not in long],
    ]
    found = [
        Part(title=SUMMARY, text=preview.summary if preview else "", style="lead"),
        Part(title="What would be done", text=_facts(facts), style="facts"),
        _arguments(call),
        Part(title="What was seen before", text=_evidence(story, record), style="facts"),
        Part(title="Where it comes from", text=_taint(story, call)),
        *[Part(title=one_line(name).capitalize(), text=text, style="code") for name, text in long],
        Part(title=DIFFERENCE, text=(preview.diff or "") if preview else "", style="code"),
        Part(title="Check that follows", text=_check(story, call)),
        *([] if call.rollback else [Part(title="Rollback", text="none was given")]),
        Part(title="Prediction", text=call.prediction, style="words"),
        Part(title="Rollback", text=call.rollback, style="words"),
        Part(title="Why", text=_why(story, record), style="words"),
        Part(title="Asked by rule", text=_rules(story, record)),
    ]
    return [part for part in found if part.text]


def laid_out(found: Sequence[Part], file: str = "") -> list[kit.Block]:
    """The parts, whole. With a `file`: those that are small, of the others how large they are and where they stand."""
    blocks: list[kit.Block] = []
    for before, part in zip((None, *found), found, strict=False):
        if file and size(visible(part.text)) > _SHORT:
            count = f"{plural(part.text.count(chr(10)) + 1, 'line')}, {plural(len(part.text), 'character')}"
            where = kit.say(f"{count}: whole in the file {file} above, and in Details")
            blocks += kit.lines(kit.say(part.heading, bold=True), where)
        elif part.style == "lead" and size(visible(part.text)) <= limits.PIECE:
            blocks += kit.lines(kit.say(part.text, bold=True))
        elif part.style == "facts" and before is not None and before.style == "lead":
            blocks += body(part.text, part.style)
        elif part.style == "words":
            first = before is None or before.style != "words"
            blocks += kit.lines(kit.say(_WORDS[:1].upper() + _WORDS[1:], bold=True)) if first else []
            blocks += kit.quote(part.text, part.title)
        else:
            blocks += kit.lines(kit.say(part.heading, bold=True)) + body(part.text, part.style)
    return blocks


def body(text: str, style: str) -> list[kit.Block]:
    """A part's text, whole, as its style shows it."""
    match style:
        case "code":
            return kit.pre(text)
        case "facts":
            return kit.facts(text)
        case "words":
            return kit.quote(text)
        case _:
            return kit.prose(text)


def _facts(named: Sequence[tuple[str, str]]) -> str:
    """A line each, whatever they hold."""
    return "\n".join(f"{one_line(name)}: {one_line(text)}" for name, text in named)


def _arguments(call: ToolCall) -> Part:
    """Plain ones a line each, as JSON writes them; others as one JSON document."""
    given = dict(call.arguments)
    flat = all(not isinstance(value, (Mapping, list, tuple)) for value in given.values())
    rows = {name: _json(value) for name, value in given.items()}
    if flat and all(_NAMED.fullmatch(name) and size(text) <= _VALUE for name, text in rows.items()):
        return Part(title="Arguments", text=_facts(sorted(rows.items())) or "none", style="facts")
    return Part(title="Arguments", text=_json(given, indent=2), style="code")


def _json(value: object, indent: int | None = None) -> str:
    return json.dumps(value, indent=indent, sort_keys=True, ensure_ascii=False, default=str)


def _pairs(labels: Mapping[str, str] | None) -> str:
    if labels is None:
        return "unknown: nothing established them"
    if all(_NAMED.fullmatch(name) and _NAMED.fullmatch(str(value)) for name, value in labels.items()):
        return " · ".join(f"{name}={value}" for name, value in sorted(labels.items())) or "none"
    return _json(dict(labels))


def _taint(story: Story, call: ToolCall) -> str:
    said = []
    if call.tainted:
        said.append(f"⚠ These arguments follow text that nobody vouches for: {', '.join(call.tainted)}.")
    if story.run.received.trust is Trust.UNTRUSTED:
        source = str(story.run.received.trigger.source)
        article = "an" if source[:1] in "aeiou" else "a"
        said.append(f"⚠ The run follows text that nobody vouches for: that of {article} {source}.")
    return "\n".join(said)


def _check(story: Story, call: ToolCall) -> str:
    """The call that verifies this one, or its own expectation: the condition itself, never only the words about it."""
    said = [f"{call.tool} itself must show {_expected(call.expect)}"] if call.expect else []
    for later in story.run.records:
        if later.call.verifies == call.call_id:
            expects = f"must show {_expected(later.call.expect)}" if later.call.expect else "must succeed"
            given = _json(dict(later.call.arguments))
            said.append(f"{later.call.tool} {later.call.resource or ''} with {given} {expects}")
    return "\n".join(said) or "none"


def _expected(expect: Expectation) -> str:
    return f"{one_line(expect.condition)}; in the operator's words: “{one_line(expect.describe)}”"


def _rules(story: Story, record: CallRecord) -> str:
    asked = story.asked.get(record.request.approval_id) if record.request else None
    reasons = [_rule(reason) for reason in asked.reasons] if asked else []
    return "\n".join(reasons) or "a change always needs a person (built in)"


def _rule(reason: Reason) -> str:
    """Who is asked stands beside the buttons; here only which rule wants it."""
    named = reason.sets == "approve" and reason.file
    return f"{reason.policy} ({reason.file}:{reason.line})" if named else reason_line(reason)


def _evidence(story: Story, record: CallRecord) -> str:
    """What the latest calls before it found; whole in the thread."""
    earlier = itertools.takewhile(lambda r: r.call.call_id != record.call.call_id, story.run.records)
    before = [r for r in earlier if r.observation is not None]
    return "\n".join(
        f"{one_line(r.call.tool)}: {brief(r.observation.summary, 400)}" for r in before[-_EVIDENCE:] if r.observation
    )


def _why(story: Story, record: CallRecord) -> str:
    rationale = story.rationales.get(record.request.approval_id, "") if record.request else ""
    return "\n".join(text for text in dict.fromkeys([record.call.purpose, rationale]) if text)
