"""Verification: a segment of a run, from one checkpoint to the next, is computed again and compared.

The door of this package; nothing here imports torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sahara_lab.compute.verification.attestation import Attestation
    from sahara_lab.compute.verification.replay import verify
    from sahara_lab.compute.verification.segments import Edge, Segment, choose, edges, segments_of
    from sahara_lab.compute.verification.verdict import Tolerance, Verdict

_DOOR = {
    "Attestation": "attestation",
    "Edge": "segments",
    "Segment": "segments",
    "Tolerance": "verdict",
    "Verdict": "verdict",
    "choose": "segments",
    "edges": "segments",
    "segments_of": "segments",
    "verify": "replay",
}

__all__ = ["Attestation", "Edge", "Segment", "Tolerance", "Verdict", "choose", "edges", "segments_of", "verify"]


def __getattr__(name: str) -> Any:
    if name not in _DOOR:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_DOOR[name]}"), name)
