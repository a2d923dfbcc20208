"""What is known so far, for people who have to take over."""

from domain.runs import Run
from reasoning.runbooks.history import Attempt, attempts, name_of
from reasoning.runbooks.model import Runbook

_LONGEST = 400  # characters of one line of evidence; the thread and the log hold the whole


def evidence(run: Run, book: Runbook) -> str:
    """One line for each thing that was done, oldest first; '' where nothing was."""
    lines = [line for attempt in attempts(run, book.id) for line in _lines(attempt)]
    return "\nWhat is known:\n" + "\n".join(lines) if lines else ""


def _lines(attempt: Attempt) -> list[str]:
    lines: list[str] = []
    for record in attempt.records:
        seen = record.observation
        if seen is None:
            told = record.note or str(record.status)
        else:
            told = seen.summary if seen.ok else seen.error or seen.summary
        name = "/".join(filter(None, (attempt.step, name_of(record))))
        lines.append(f"• {name} (`{record.call.tool}`): {_clip(told)}")
    if attempt.wait is not None:
        lines.append(f"• {attempt.step} (waited for {attempt.wait.topic}): {attempt.wait.what or 'still waiting'}")
    if attempt.question is not None:
        lines.append(
            f"• {attempt.step} (asked “{attempt.question.question}”): {attempt.question.answer or 'no answer'}"
        )
    return lines


def _clip(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}… ({len(line)} characters in all)"
