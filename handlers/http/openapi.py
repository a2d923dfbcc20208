"""The API's document, OpenAPI 3.1, made from the table of addresses and the models."""

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from domain.canonical import Json
from handlers.http import models
from handlers.http.addresses import ADDRESSES, Address

_REF = "#/components/schemas/{model}"


def document(version: str) -> dict[str, Json]:
    """The OpenAPI document."""
    paths: dict[str, dict[str, Json]] = {}
    for address in ADDRESSES:
        paths.setdefault(address.path, {})[address.method.lower()] = _operation(address)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Countersign",
            "version": version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": _schemas(), "securitySchemes": _SCHEMES},
    }


_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "An API token: `countersign tokens create`."},
    "sender": {"type": "http", "scheme": "bearer", "description": "The source's secret, from the configuration."},
}


def _operation(address: Address) -> dict[str, Json]:
    errors = dict(address.errors)
    if address.auth != "open":
        errors[401] = "No valid bearer token."
    responses = {str(s): _answer(*answer, address.shows.get(s)) for s, answer in address.answers.items()}
    for status, description in sorted(errors.items()):
        schema = {"$ref": _REF.format(model="Problem")}
        responses[str(status)] = {
            "description": description,
            "content": {"application/problem+json": {"schema": schema}},
        }
    operation: dict[str, Json] = {
        "operationId": address.name,
        "summary": address.summary,
        "security": [] if address.auth == "open" else [{address.auth: []}],
        "parameters": list(address.parameters),
        "responses": responses,
    }
    if address.takes is not None:
        schema = {"$ref": _REF.format(model=address.takes.__name__)}
        content = {"application/json": {"schema": schema, "example": address.example}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _answer(description: str, body: type[BaseModel] | str | None, example: Json) -> dict[str, Json]:
    if body is None:
        return {"description": description}
    if isinstance(body, str):
        return {"description": description, "content": {body: {"schema": {}}}}
    media: dict[str, Json] = {"schema": {"$ref": _REF.format(model=body.__name__)}}
    content = {"application/json": media | ({"example": example} if example is not None else {})}
    if body is models.Events:
        content["text/event-stream"] = {"schema": {"type": "string"}}
    return {"description": description, "content": content}


def _schemas() -> dict[str, Json]:
    """The schemas of all that the addresses take and answer."""
    wanted: dict[type[BaseModel], JsonSchemaMode] = {models.Problem: "serialization"}
    for address in ADDRESSES:
        wanted |= {body: "serialization" for _, body in address.answers.values() if isinstance(body, type)}
        wanted |= {address.takes: "validation"} if address.takes is not None else {}
    _, schema = models_json_schema(list(wanted.items()), ref_template=_REF)
    found: dict[str, Json] = schema["$defs"]
    return found
