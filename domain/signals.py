"""What a person may say to a run, and how urgent it is."""

from dataclasses import dataclass
from enum import StrEnum

from domain.tasks import Principal


class SignalKind(StrEnum):
    """The human override surface. Votes are their own thing."""

    PAUSE = "pause"
    RESUME = "resume"
    REDIRECT = "redirect"
    ANSWER = "answer"
    TAKE_OVER = "takeover"
    HAND_BACK = "handback"
    STOP = "stop"
    SAY = "say"


# These overtake everything else that waits in the same conversation.
CONTROL = frozenset({SignalKind.PAUSE, SignalKind.STOP})


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One person's word to one run."""

    kind: SignalKind
    by: Principal
    text: str = ""
