"""How runs end."""

from enum import StrEnum


class Outcome(StrEnum):
    """`escalated`: it could not be finished and people were told all that is known."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    DENIED = "denied"
    STOPPED = "stopped"
    ESCALATED = "escalated"
