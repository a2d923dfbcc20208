"""Who calls: bearer tokens of the API, bearer secrets of webhook senders. Checked before anything is read."""

import hashlib
import hmac

from aiohttp import web

from handlers.http import names, problems
from handlers.http.ports import SourceConfig
from handlers.ports import Token, Tokens


async def token_of(request: web.Request, tokens: Tokens) -> Token:
    """The live token that the request carries. Raises the 401 problem."""
    secret = _bearer(request)
    if secret is None or not names.SECRET.fullmatch(secret.decode("ascii", "replace")):
        raise problems.unauthorized()
    token = await tokens.verify(secret.decode("ascii"))
    if token is None:
        raise problems.unauthorized()
    return token


def check_sender(request: web.Request, source: SourceConfig) -> None:
    """Raises the 401 problem unless the sender knows one of the source's secrets."""
    if source.auth == "none":
        return
    given = hashlib.sha256(_bearer(request) or b"").digest()
    # Every secret is compared, on bytes of one length: the time taken says neither which one was near nor how near.
    right = [hmac.compare_digest(given, hashlib.sha256(s.encode()).digest()) for s in source.secrets]
    if not any(right):
        raise problems.unauthorized()


def _bearer(request: web.Request) -> bytes | None:
    """The credentials as bytes; None unless there is exactly one Authorization header, and it is a Bearer."""
    values = request.headers.getall("Authorization", [])
    if len(values) != 1:
        return None
    scheme, _, rest = values[0].encode("utf-8", "surrogateescape").partition(b" ")
    return rest.strip() if scheme.lower() == b"bearer" and rest.strip() else None
