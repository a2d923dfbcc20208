"""API tokens over SQLite: a keyed hash of each secret, never the secret. See handlers.ports.Tokens."""

import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from domain.tokens import Token
from loop.ports import Clock
from state import chain, sql
from state.database import Database
from state.errors import StoreError

_PREFIX: Final = "cs_"  # so that secret scanners and people know one when they see it
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_USED_EVERY: Final = timedelta(minutes=1)  # a write per request would cost more than it tells


class TokenNameTaken(StoreError):
    """There is, or was, a token of that name; names are not used twice, for the log speaks of them."""


class SqliteTokens:
    """Implements handlers.ports.Tokens, and what the command line does with tokens."""

    def __init__(self, database: Database, key: bytes, clock: Clock) -> None:
        self._database = database
        self._key = key
        self._clock = clock

    async def create(self, name: str, *, act_as: bool = False) -> tuple[str, Token]:
        """A new token and its secret, which is shown this once. Raises TokenNameTaken, ValueError for a bad name."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name for a token: letters, digits, dot, dash and underscore, up to 64")
        secret = _PREFIX + secrets.token_urlsafe(32)
        token = Token(name=name, created_at=self._clock.now(), act_as=act_as)
        row = (name, self._hash(secret), chain.microseconds(token.created_at), act_as)
        created = await self._database.write(lambda raw: raw.execute(sql.ACCESS_CREATE, row).rowcount == 1)
        if not created:
            raise TokenNameTaken(f"a token named {name} exists or existed: choose another name")
        return secret, token

    async def list(self) -> list[Token]:
        """All tokens, the revoked too, by name."""
        rows = await self._database.read(lambda raw: raw.execute(sql.ACCESS_LIST).fetchall())
        return [_token(row) for row in rows]

    async def revoke(self, name: str) -> bool:
        """From now on it opens nothing. False when there is no live token of that name."""
        now = chain.microseconds(self._clock.now())
        return await self._database.write(lambda raw: raw.execute(sql.ACCESS_REVOKE, (now, name)).rowcount == 1)

    async def verify(self, secret: str) -> Token | None:
        """See Tokens.verify. Looked up by its keyed hash, so that timing says nothing about the secret."""
        hashed = self._hash(secret)
        row = await self._database.read(lambda raw: raw.execute(sql.ACCESS_VERIFY, (hashed,)).fetchone())
        if row is None:
            return None
        token = _token(row)
        now = self._clock.now()
        if token.last_used_at is None or now - token.last_used_at >= _USED_EVERY:
            used = (chain.microseconds(now), token.name)
            await self._database.write(lambda raw: raw.execute(sql.ACCESS_USED, used).rowcount)
        return token

    def _hash(self, secret: str) -> bytes:
        return hmac.digest(self._key, b"countersign/token/1\0" + secret.encode("utf-8", "surrogatepass"), "sha256")


def _token(row: Sequence[Any]) -> Token:
    name, created_at, act_as, revoked_at, last_used_at = row
    return Token(
        name=name,
        created_at=chain.moment(created_at),
        act_as=bool(act_as),
        revoked_at=None if revoked_at is None else chain.moment(revoked_at),
        last_used_at=None if last_used_at is None else chain.moment(last_used_at),
    )
