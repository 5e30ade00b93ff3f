"""The provider's interface as OpenAPI 3.1; served at ``/v1/openapi.json``."""

from __future__ import annotations

from typing import Any

_JOB = {
    "name": "job",
    "in": "path",
    "required": True,
    "description": "the job's id in the escrow",
    "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "detail"],
            "properties": {"code": {"type": "string"}, "detail": {"type": "string"}},
        }
    },
}
_INFO = {
    "type": "object",
    "required": ["v", "provider", "chain_id", "escrow", "rate", "stake", "heartbeat", "workers", "free", "isolation"],
    "properties": {
        "v": {"const": 1},
        "provider": {"type": "string", "description": "the account that takes jobs"},
        "chain_id": {"type": "integer"},
        "escrow": {"type": "string"},
        "rate": {"type": "string", "description": "wei for one worker for one second"},
        "stake": {"type": "string", "description": "wei of stake behind a job, at most"},
        "heartbeat": {"type": "integer", "description": "seconds between two vouchers"},
        "workers": {"type": "integer"},
        "free": {"type": "integer"},
        "draining": {"type": "boolean"},
        "isolation": {"type": "string", "enum": ["bubblewrap", "none (UNSAFE)"]},
        "memory": {"type": "integer", "description": "bytes for each worker"},
        "disk": {"type": "integer", "description": "bytes for each job"},
        "jobs": {"type": "integer"},
        "time": {"type": "integer"},
    },
}


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Sahara provider", "version": "1", "description": "docs/spec/renting.md"},
        "paths": {
            "/v1/info": {"get": {"summary": "what the machine is and does", "responses": _answers(_json(_INFO))}},
            "/v1/jobs/{job}": {
                "put": {
                    "summary": "hand over the sealed package of a funded job",
                    "parameters": [_JOB],
                    "requestBody": _bytes(),
                    "responses": _answers(
                        _json({"type": "object", "required": ["phase"], "properties": {"phase": {"type": "string"}}})
                    ),
                }
            },
            "/v1/jobs/{job}/line": {
                "post": {
                    "summary": "open a line for messages",
                    "parameters": [_JOB],
                    "requestBody": _bytes(),
                    "responses": _answers(_bytes()["content"]),
                }
            },
            "/v1/jobs/{job}/messages": {
                "post": {
                    "summary": "one sealed message, and its sealed answer",
                    "parameters": [_JOB],
                    "requestBody": _bytes(),
                    "responses": _answers(_bytes()["content"]),
                }
            },
            "/v1/openapi.json": {"get": {"summary": "this document", "responses": _answers(_json({"type": "object"}))}},
        },
    }


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _bytes() -> dict[str, Any]:
    return {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string"}}}}


def _answers(content: dict[str, Any]) -> dict[str, Any]:
    refused = {"description": "refused", "content": _json(_ERROR)}
    return {"200": {"description": "done", "content": content}, "default": refused}
