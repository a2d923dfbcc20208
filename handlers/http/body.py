"""What a request says: read within bounds of size and time, then as JSON or as a query, strictly."""

import asyncio
from typing import TypeVar

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ValidationError

from domain.canonical import Json
from handlers.http import names, problems, strict_json
from handlers.http.ports import Settings

_MOST_ERRORS = 20


async def read(request: web.Request, settings: Settings) -> bytes:
    """The raw body: at most `most_body` bytes (the application's own cap), arriving within `read_s` seconds."""
    try:
        async with asyncio.timeout(settings.read_s):
            return await request.read()
    except TimeoutError:
        detail = f"The body did not arrive within {settings.read_s:g} seconds."
        raise problems.Problem(408, "too-slow", detail, headers={"Connection": "close"}) from None
    except web.HTTPRequestEntityTooLarge:
        raise problems.too_large(settings.most_body) from None
    except (web.RequestPayloadError, aiohttp.ClientError, aiohttp.http.HttpProcessingError, ConnectionError):
        raise problems.Problem(400, "broken-body", "The body broke off or was badly framed.") from None


def bounded(settings: Settings, handler: Handler) -> Handler:
    """`handler`, called once its body has been read within the bounds: for one that then reads it by itself."""

    async def read_first(request: web.Request) -> web.StreamResponse:
        await read(request, settings)
        return await handler(request)

    return read_first


def must_be_json(request: web.Request) -> None:
    """A page in a browser can post forms and plain text anywhere unasked, but never JSON."""
    if request.content_type != "application/json":
        raise problems.Problem(415, "not-json", "Send `Content-Type: application/json`.")


def parsed(body: bytes) -> Json:
    """The body's JSON."""
    try:
        return strict_json.parse(body)
    except strict_json.Malformed as error:
        where = {} if error.line is None else {"line": error.line, "column": error.column}
        raise problems.Problem(400, "malformed-json", f"The body is refused: {error}.", members=where) from None


Form = TypeVar("Form", bound=BaseModel)


async def json_body(request: web.Request, settings: Settings, form: type[Form]) -> Form:
    """The body as `form`: of the right type, whole, one meaning, no extra keys."""
    must_be_json(request)
    raw = await read(request, settings)
    parsed(raw)  # refuses what pydantic's reader would let through: equal keys, NaN, depth
    try:
        return form.model_validate_json(raw, strict=True)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        listed = [{"at": ".".join(map(str, f["loc"]))[:200], "says": f["msg"]} for f in faults[:_MOST_ERRORS]]
        first = f"{listed[0]['at'] or 'the body'}: {listed[0]['says']}"
        raise problems.Problem(422, "invalid", f"The body does not fit: {first}.", members={"errors": listed}) from None


def query(request: web.Request, *known: str) -> dict[str, str]:
    """The query's values. A name that is not known, or stands twice, is an error and not a shrug."""
    given = set(request.query)
    if len(given) != len(request.query) or not given <= set(known):
        allowed = f"Known are {', '.join(known)}, each once." if known else "This address takes none."
        raise problems.Problem(400, "bad-query", f"The query is refused. {allowed}")
    return dict(request.query)


def number(values: dict[str, str], name: str, default: int, least: int = 0, most: int = 2**53 - 1) -> int:
    """The query's whole number `name`."""
    text = values.get(name)
    if text is None:
        return default
    if not names.NUMBER.fullmatch(text) or not least <= int(text) <= most:
        raise problems.Problem(400, "bad-query", f"`{name}` is a whole number from {least} to {most}.")
    return int(text)
