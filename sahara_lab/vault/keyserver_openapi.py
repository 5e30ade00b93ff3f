"""The OpenAPI 3.1 document of a key server, served at ``/v1/openapi.json``."""

from __future__ import annotations

from typing import Any

from sahara_lab.vault.typed import fields_of

API = "1"

_NATURAL = {"type": "integer", "minimum": 0}
_HEX = {"type": "string", "pattern": "^(0x)?([0-9a-fA-F]{2})*$"}
_HASH = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_BASE64 = {"type": "string", "contentEncoding": "base64", "maxLength": 8192}
_PROOF = {"type": "array", "items": _HASH}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _message(kind: str) -> dict[str, Any]:
    """The schema of an EIP-712 message as it travels in JSON."""
    made = {name: _field(type_) for name, type_ in fields_of(kind)}
    return {**_object(**made), "additionalProperties": False}


def _field(type_: str) -> dict[str, Any]:
    if type_ == "address":
        return {"type": "string", "pattern": "^0x[0-9a-fA-F]{40}$"}
    if type_.startswith("bytes"):
        return {"type": "string", "pattern": f"^(0x)?[0-9a-fA-F]{{{2 * int(type_[5:])}}}$"}
    if type_ == "uint256":
        return {"anyOf": [{"type": "string", "pattern": "^[0-9]{1,78}$"}, _NATURAL]}
    if type_.startswith("uint"):
        return {"type": "integer", "minimum": 0, "maximum": (1 << int(type_[4:])) - 1}
    return {"type": "string", "maxLength": 100}


_LINE: dict[str, dict[str, Any]] = {
    "receipt": {"$ref": "#/components/schemas/ReleaseReceipt"},
    "signature": _HEX,
    "nonce": _HEX,
    "expires": _NATURAL,
    "threshold": _NATURAL,
    "until": _NATURAL,
}
_HEAD = _object(server=_NATURAL, size=_NATURAL, root=_HASH, time=_NATURAL, signature=_HEX)


def _signed(kind: str, **more: dict[str, Any]) -> dict[str, Any]:
    """A request that a session signed."""
    return _object(
        request={"$ref": f"#/components/schemas/{kind}"},
        signature=_HEX,
        delegation={"$ref": "#/components/schemas/Delegation"},
        delegation_signature=_HEX,
        **more,
    )


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _operation(
    about: str, answer: dict[str, Any], refusals: list[int], *, body: Any = None, query: Any = None
) -> dict[str, Any]:
    problem = {"$ref": "#/components/schemas/Error"}
    made: dict[str, Any] = {
        "summary": about,
        "responses": {
            "200": {"description": "as asked", **_json(answer)},
            **{str(code): {"description": "refused", **_json(problem)} for code in (*refusals, 429, 503)},
        },
    }
    if body is not None:
        made["requestBody"] = {"required": True, **_json(body)}
    if query is not None:
        made["parameters"] = [
            {"name": name, "in": "query", "required": True, "schema": schema} for name, schema in query.items()
        ]
    return made


def document() -> dict[str, Any]:
    """The document; docs/spec/vault.md says what the messages mean."""
    page = _object(
        head=_HEAD,
        receipts={"type": "array", "items": _object(index=_NATURAL, proof=_PROOF, **_LINE)},
        next={"type": ["integer", "null"]},
    )
    size = {"type": "integer", "minimum": 0, "maximum": 10**15 - 1}
    paths = {
        "/v1/release": {
            "post": _operation(
                "release a share of a key to a licensed account",
                _object(sealed_share=_BASE64, **_LINE),
                [400, 403, 404, 409],
                body=_signed("ReleaseRequest", sealed_share=_BASE64, reply_key=_BASE64),
            )
        },
        "/v1/receipts": {
            "post": _operation(
                "an asset's receipts with proofs: all for its owner, their own for others",
                page,
                [400, 403, 404, 409],
                body=_signed("ReceiptsRequest"),
            )
        },
        "/v1/info": {
            "get": _operation(
                "which server this is",
                _object(
                    server=_NATURAL,
                    account=_field("address"),
                    chain_id=_NATURAL,
                    registry=_field("address"),
                    api={"const": API},
                    time=_NATURAL,
                    log=_object(size=_NATURAL, root=_HASH),
                ),
                [],
            )
        },
        "/v1/log": {"get": _operation("size and root of the receipt log, signed", _HEAD, [])},
        "/v1/log/inclusion": {
            "get": _operation(
                "proof that a receipt is in the log",
                _object(index=_NATURAL, size=_NATURAL, proof=_PROOF),
                [400, 404],
                query={"leaf": _HASH, "size": size},
            )
        },
        "/v1/log/consistency": {
            "get": _operation(
                "proof that the log only grew between two sizes",
                _object(first=_NATURAL, second=_NATURAL, proof=_PROOF),
                [400, 404],
                query={"first": size, "second": size},
            )
        },
        "/v1/openapi.json": {"get": _operation("this document", {"type": "object"}, [])},
    }
    messages = ("Delegation", "ReleaseRequest", "ReleaseReceipt", "ReceiptsRequest")
    return {
        "openapi": "3.1.0",
        "info": {"title": "Sahara key server", "version": API},
        "paths": paths,
        "components": {
            "schemas": {
                **{kind: _message(kind) for kind in messages},
                "Error": _object(error=_object(code={"type": "string"}, detail={"type": "string"})),
            }
        },
    }
