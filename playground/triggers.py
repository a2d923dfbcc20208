"""What an interaction lends to the app: a trigger_id (one use, 3 s) and a response_url (5 uses, 30 min)."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from playground.errors import Json, SlackError
from playground.store import Store

URL_USES, URL_LIFE = 5, 1800


@dataclass(slots=True)
class Trigger:
    app: str
    user: str
    view_id: str | None
    expires: float
    used: bool = False


class Triggers:
    def __init__(self, store: Store, now: Callable[[], float], life: float) -> None:
        self._store = store
        self._now = now
        self._life = life
        self._triggers: dict[str, Trigger] = {}

    def new(self, app: str, user: str, view_id: str | None = None) -> str:
        now = self._now()
        for old in [key for key, trigger in self._triggers.items() if trigger.expires < now - 60]:
            del self._triggers[old]
        trigger_id = f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._triggers[trigger_id] = Trigger(app, user, view_id, now + self._life)
        return trigger_id

    def spend(self, trigger_id: str, app: str) -> Trigger:
        """Raises invalid_trigger_id, expired_trigger_id or exchanged_trigger_id."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None or trigger.app != app:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self._now() > trigger.expires:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger

    def new_url(self, **about: object) -> str:
        """The path's last part; `about` names app, user, channel, and the message the interaction came from."""
        secret = secrets.token_urlsafe(18)
        self._store.put("response_urls", secret, {"uses": URL_USES, "expires": self._now() + URL_LIFE, **about})
        return secret

    def spend_url(self, secret: str) -> Json:
        """Raises expired_url or used_url."""
        row = self._store.get("response_urls", secret)
        if row is None or row["expires"] < self._now():
            raise SlackError("expired_url")
        if row["uses"] <= 0:
            raise SlackError("used_url")
        return self._store.put("response_urls", secret, row | {"uses": row["uses"] - 1})

    def forget_expired(self) -> None:
        for secret, row in self._store.items("response_urls"):
            if row["expires"] < self._now():
                self._store.drop("response_urls", secret)
