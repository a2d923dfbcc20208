"""A message as it goes to Slack: blocks within the limits, a fallback text, and metadata that names the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.canonical import Json
from handlers.slack.show import kit
from handlers.slack.show.limits import MESSAGE_BLOCKS, MESSAGE_CHARACTERS, fallback, weight

EVENT_TYPE = "countersign_run"
STOPPED = "■ Everything is stopped: nothing starts until somebody resumes it (/ops resume-all)."
UNCONFINED = "⚠ The sandbox is switched off here: tools run with the rights of the bot itself."


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is shown. `text` is foreign text still; it is escaped on its way out."""

    text: str
    blocks: Sequence[kit.Block]

    def body(self) -> dict[str, Json]:
        """The arguments of chat.postMessage that say what is shown."""
        return {"text": fallback(self.text) or "…", "blocks": list(self.blocks)}


def metadata(run_id: str, key: str, approval_id: str | None = None) -> Mapping[str, Json]:
    """Ids only: every app in the channel can read it. The key lets a lost answer be looked up."""
    payload = {"run_id": run_id, "key": key} | ({"approval_id": approval_id} if approval_id else {})
    return {"event_type": EVENT_TYPE, "event_payload": payload}


def note(text: str, *, helpers: Sequence[str] = (), buttons: Sequence[kit.Element] = ()) -> Message:
    """Words to a person, and who can help. Longer ones end where a message ends and say so."""
    blocks = whole = kit.told(text)
    while len(blocks) > 1 and (len(blocks) > MESSAGE_BLOCKS - 4 or weight(blocks) > MESSAGE_CHARACTERS - 600):
        blocks = blocks[:-1]
    if len(blocks) < len(whole):
        blocks = [*blocks, *kit.context("The rest is longer than Slack shows in one message.")]
    if helpers:
        blocks = [*blocks, *kit.lines(kit.say("Who can help: ") + kit.people(helpers[:10]))]
    return Message(text=text, blocks=[*blocks, *kit.actions(*buttons)])


def banner(*, unconfined: bool, stopped: bool = False) -> list[kit.Block]:
    """Said on every card while the sandbox is off, and on those of open runs while everything is stopped."""
    return [
        *(kit.lines(kit.say(STOPPED, bold=True)) if stopped else []),
        *(kit.context(UNCONFINED) if unconfined else []),
    ]
