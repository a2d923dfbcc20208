"""Who erred: the app (SlackError), the person (Refused), the control request (Malformed), the files (BadWorkspace)."""

from typing import Any

Json = dict[str, Any]


class SlackError(Exception):
    """The Web API answers `{"ok": false, "error": code, **fields}`, as Slack does."""

    def __init__(self, code: str, *, messages: list[str] | None = None, **fields: Any) -> None:
        super().__init__(code)
        self.code = code
        self.fields = fields | ({"response_metadata": {"messages": messages}} if messages else {})

    def body(self) -> Json:
        return {"ok": False, "error": self.code} | self.fields


class RateLimitedError(Exception):
    """The Web API answers 429 with Retry-After."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"ratelimited, retry after {retry_after} s")
        self.retry_after = retry_after


class Refused(Exception):
    """The person could not do that in Slack; the control API answers 200 `{"ok": false, "error": code}`."""

    def __init__(self, code: str, **detail: Any) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


class Malformed(Exception):
    """The control request itself is wrong; answered 400."""


class BadWorkspace(Exception):
    """The workspace file cannot be used; the message says where and how to mend it."""


class JournalDamaged(Exception):
    """The journal is unreadable somewhere else than in its last line."""
