"""Uploads in the OpenAPI document: what writes is served where no view tells of it."""

from typing import Any

from apps.common.api import schema

_PROBLEM = {"application/problem+json": {"schema": {"type": "object"}}}


def _header(name: str, about: str, required: bool = True) -> dict[str, Any]:
    return {
        "name": name, "in": "header", "required": required, "description": about,
        "schema": {"type": "string"},
    }  # fmt: skip


_VERSION = _header("Tus-Resumable", "1.0.0")
_ID = {
    "name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"},
}  # fmt: skip
_REFUSED = {
    "409": {
        "description": "Another offset is wanted, or the upload is whole.",
        "content": _PROBLEM,
    },
    "412": {"description": "Tus-Resumable is missing or another version.", "content": _PROBLEM},
    "413": {"description": "Over the quota, or past the length.", "content": _PROBLEM},
    "423": {"description": "Another connection writes to it.", "content": _PROBLEM},
    "460": {"description": "The checksum doesn't fit; nothing was kept.", "content": _PROBLEM},
    "507": {"description": "The portal's disk has no room.", "content": _PROBLEM},
}


def describe() -> None:
    schema.describe(
        "/api/v1/uploads/",
        {
            "post": {
                "operationId": "uploads_create",
                "tags": ["uploads"],
                "summary": "Begin an upload (tus 1.0, creation)",
                "parameters": [
                    _VERSION,
                    _header("Upload-Length", "Bytes in all"),
                    _header("Upload-Metadata", "filename and kind, base64"),
                ],
                "responses": {"201": {"description": "Location is its address."}, **_REFUSED},
            },
        },
    )
    schema.describe(
        "/api/v1/uploads/{id}/",
        {
            "patch": {
                "operationId": "uploads_append",
                "tags": ["uploads"],
                "summary": "Send the next piece",
                "parameters": [
                    _ID,
                    _VERSION,
                    _header("Upload-Offset", "Where the piece begins"),
                    _header("Upload-Checksum", "sha256 and base64", required=False),
                ],
                "requestBody": {
                    "content": {
                        "application/offset+octet-stream": {
                            "schema": {"type": "string", "format": "binary"}
                        }
                    }
                },
                "responses": {"204": {"description": "Upload-Offset is the new one."}, **_REFUSED},
            },
            "delete": {
                "operationId": "uploads_terminate",
                "tags": ["uploads"],
                "summary": "Give the upload up",
                "parameters": [_ID, _VERSION],
                "responses": {"204": {"description": "Gone."}},
            },
        },
    )
