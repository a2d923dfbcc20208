"""Errors as RFC 9457 problem details. Every refusal of these doors is one; none says more than the caller may know."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web
from multidict import CIMultiDict

from domain.canonical import Json

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """The caller's request cannot be met; the answer says why. `kind` is the last part of the problem's type."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Json] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail = status, kind, detail
        self.headers, self.members = headers or {}, members or {}


def response(problem: Problem, request_id: str) -> web.Response:
    """The problem as an answer."""
    body = {
        "type": f"urn:countersign:problem:{problem.kind}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "request_id": request_id,
        **problem.members,
    }
    headers = CIMultiDict(problem.headers)
    return web.Response(status=problem.status, text=json.dumps(body), content_type=MEDIA_TYPE, headers=headers)


def of_http(error: web.HTTPException) -> Problem:
    """What aiohttp itself refuses, in our form."""
    allow = error.headers.get("Allow")
    headers = {"Allow": allow} if allow else {}
    kind, detail = _KNOWN.get(error.status, ("refused", "The request was refused."))
    return Problem(error.status, kind, detail, headers=headers)


_KNOWN = {
    400: ("bad-request", "The request is malformed."),
    404: ("not-found", "There is nothing here."),
    405: ("method-not-allowed", "This address does not answer that method; `Allow` says which it does."),
    413: ("too-large", "The body is larger than this door takes."),
    417: ("expectation-failed", "Only `Expect: 100-continue` is known here."),
}


def not_found() -> Problem:
    """The same words whether a thing does not exist or may not be seen."""
    return Problem(404, *_KNOWN[404])


def too_large(limit: int) -> Problem:
    """A body beyond the cap."""
    return Problem(413, "too-large", f"The body is larger than {limit} bytes.")


def unauthorized() -> Problem:
    """The same words whatever is wrong with the credentials."""
    detail = "A valid bearer token is needed."
    return Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": 'Bearer realm="countersign"'})
