"""The public document of a version: where it lies, and reading it."""

from __future__ import annotations

import hashlib
from typing import Any

from sahara_lab.errors import SaharaError
from sahara_lab.licensing.access import locate
from sahara_lab.profile import Profile

#: What the document is called where each version has a folder of its own.
SINGLE = "metadata.json"


def document_name(digest: bytes) -> str:
    """The file that holds the document with this SHA-256; versions of an asset lie in one folder."""
    return f"metadata-{digest.hex()}.json"


def names_of(digest: str) -> tuple[str, ...]:
    """What the document with this SHA-256, in hex, may be called where its version lies; the likeliest first."""
    return document_name(bytes.fromhex(digest)), SINGLE


def read_document(profile: Profile, version: dict[str, Any]) -> bytes:
    """The document that the chain records for a version; nothing when it is missing, out of reach, or another one."""
    from sahara_lab.vault import get_public

    digest = bytes(version["metadataHash"])
    for name in names_of(digest.hex()):
        try:
            document = bytes(get_public(locate(profile, version["uri"]), name))
        except (OSError, SaharaError):  # a stranger's storage may be away
            continue
        if hashlib.sha256(document).digest() == digest:
            return document
    return b""
