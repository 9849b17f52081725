"""The description of what can be posted: OpenAPI 3.1, from the application's own models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from streamagents.topics import OUR_TOPICS
from streamagents.triggers.gateway.attributes import MAX_ID_BYTES
from streamagents.triggers.gateway.offers import BATCH, MOST_OF_A_BATCH, STRUCTURED

if TYPE_CHECKING:
    from streamagents.agents import Registry
    from streamagents.events import Event
    from streamagents.triggers.gateway.service import Limits

_ERROR, _ACCEPTED = "GatewayError", "GatewayAccepted"
"""Names of schemas that no model of an application has, one hopes."""
_REFUSALS = {
    "400": "No JSON, or something about the event cannot be read",
    "401": "No known token",
    "403": "Only this machine may post without a token",
    "404": "Nobody takes this type",
    "408": "The body came too slowly",
    "413": "Too large",
    "415": "Not JSON in UTF-8, or packed",
    "422": "Not what the event's model asks for",
    "429": "Too many requests a second",
    "500": "A fault of the gateway",
    "503": "Not known to be kept: send it again with the same id",
}
_ERROR_SCHEMA = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {"type": "string"},
        "id": {"type": "string"},
        "type": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["loc", "msg", "type"],
                "properties": {
                    "loc": {"type": "array", "items": {"type": ["string", "integer"]}},
                    "msg": {"type": "string"},
                    "type": {"type": "string"},
                },
            },
        },
        "items": {"type": "array", "items": {"type": "object"}},
    },
}
_ACCEPTED_SCHEMA = {
    "type": "object",
    "required": ["id", "type"],
    "properties": {"id": {"type": "string"}, "type": {"type": "string"}},
}
_ITEMS = {
    "type": "object",
    "required": ["items"],
    "properties": {"items": {"type": "array", "items": {"type": "object"}}},
}
_CLOUD_EVENT = {
    "type": "object",
    "required": ["specversion", "id", "source", "type"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1, "maxLength": MAX_ID_BYTES},
        "source": {"type": "string", "minLength": 1},
        "type": {"type": "string", "minLength": 1},
        "time": {"type": "string", "format": "date-time"},
        "data": {"type": "object"},
    },
}
_ID = {"type": "string", "minLength": 1, "maxLength": MAX_ID_BYTES}
_PARAMETERS = [
    {"name": "ce-id", "in": "header", "schema": _ID},
    {"name": "Idempotency-Key", "in": "header", "schema": _ID},
    {"name": "id", "in": "query", "schema": _ID},
]


def describe(registry: Registry, limits: Limits) -> dict[str, Any]:
    """The document.

    Args:
        registry: the application's agents and models.
        limits: what the gateway takes.
    """
    models = _models(registry)
    schemas, refs = _schemas([model for model in models.values() if model is not None])
    typed = {
        f"/events/{type_}": {"post": _event(type_, refs[model] if model else {"type": "object"})}
        for type_, model in models.items()
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "streamagents gateway",
            "version": "1",
            "description": f"Bodies of {limits.max_bytes:,} bytes at most. 202 means that Kafka "
            "has the event.",
        },
        "components": {
            "schemas": {**schemas, _ERROR: _ERROR_SCHEMA, _ACCEPTED: _ACCEPTED_SCHEMA},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}, {}],
        "paths": {
            "/events": {"post": _any_event()},
            **typed,
            "/hooks/{source}": {"post": _hook()},
        },
    }


def _models(registry: Registry) -> dict[str, type[Event] | None]:
    models: dict[str, type[Event] | None] = {
        type_: registration.model for type_, registration in registry.agents.items()
    }
    for model in registry.events.values():
        models.setdefault(model.event_type.type, model)
    return {
        type_: model
        for type_, model in models.items()
        if model is None or not model.event_type.topic.startswith(OUR_TOPICS)
    }


def _schemas(models: list[type[Event]]) -> tuple[dict[str, Any], dict[type[Event], Any]]:
    """All schemas by name, and by model the reference to its own."""
    references, whole = models_json_schema(
        [(model, "validation") for model in models],
        ref_template="#/components/schemas/{model}",
    )
    found: dict[str, Any] = whole.get("$defs", {})
    return found, {model: references[(model, "validation")] for model in models}


def _event(type_: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": f"send_{type_}",
        "summary": f"Send {type_}",
        "parameters": _PARAMETERS,
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": _responses({"202": _ACCEPTED}),
    }


def _any_event() -> dict[str, Any]:
    batch = {"type": "array", "items": _CLOUD_EVENT, "maxItems": MOST_OF_A_BATCH}
    responses = _responses({"202": _ACCEPTED})
    responses["202"]["content"]["application/json"]["schema"] = {"anyOf": [_ref(_ACCEPTED), _ITEMS]}
    return {
        "operationId": "send",
        "summary": "Send an event that names its type, or a batch",
        "requestBody": {
            "required": True,
            "content": {STRUCTURED: {"schema": _CLOUD_EVENT}, BATCH: {"schema": batch}},
        },
        "responses": responses,
    }


def _hook() -> dict[str, Any]:
    pattern = "^[a-z0-9-]{1,40}$"
    return {
        "operationId": "deliver",
        "summary": "Deliver a webhook, signed as the source's preset has it",
        "security": [],
        "parameters": [
            {
                "name": "source",
                "in": "path",
                "required": True,
                "schema": {"type": "string", "pattern": pattern},
            }
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {}}}},
        "responses": {
            "200": {"description": "A challenge is answered"},
            "202": {"description": "Kafka has it"},
            **_responses({}),
        },
    }


def _responses(good: dict[str, str]) -> dict[str, Any]:
    told = {status: _response("Kafka has it", name) for status, name in good.items()}
    return told | {status: _response(words, _ERROR) for status, words in _REFUSALS.items()}


def _response(words: str, schema: str) -> dict[str, Any]:
    return {"description": words, "content": {"application/json": {"schema": _ref(schema)}}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
