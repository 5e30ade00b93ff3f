"""What a listing of files in a browser could say, before they are sent."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from sahara_lab.errors import InputError
from sahara_lab.licensing.chooser import QUESTIONS
from sahara_lab.server.serialize import Json
from sahara_lab.server.uploads import checked_files
from sahara_lab.vault.source import Lazy

#: The answers to the four questions that bring the licenses that files can name.
_ANSWERS = {"Open Use": "anything", "Non-Commercial Research": "study"}


def proposed(name: str, files: Sequence[tuple[str, int]], samples: Mapping[str, str]) -> Json:
    """A proposal for files of which only ``samples`` are here, and the questions about a license.

    Args:
        files: paths with sizes.
        samples: base64 by path; see :func:`sahara_lab.market.proposals.propose_files`.

    Raises:
        InputError: a sample that is no base64.
    """
    from sahara_lab.market.proposals import propose_files

    known = {path: _sampled(path, size, samples.get(path, "")) for path, size in checked_files(files)}
    found = propose_files(name, known) if known else None
    return {
        "questions": [asdict(question) for question in QUESTIONS],
        "proposal": found
        and {
            "name": found.name,
            "kind": found.kind,
            "title": found.title,
            "description": found.description,
            "tags": list(found.tags),
            "task": found.task,
            "use": _ANSWERS.get(found.license.flavor, "") if found.license else "",
            "named_license": found.named_license,
            "statement": asdict(found.statement),
            "checks": list(found.checks),
        },
    }


def _sampled(path: str, size: int, sample: str) -> Lazy:
    try:
        data = base64.b64decode(sample, validate=True)
    except (binascii.Error, ValueError):
        raise InputError(f"the sample of {path[:80]} is no base64") from None
    if path.endswith(".parquet"):
        data = b"PAR1" + data  # a reader of columns looks at both ends and at nothing in between
    elif path.endswith((".csv", ".tsv")) and len(data) < size:
        data = data[: data.rfind(b"\n") + 1]
    return Lazy(lambda: io.BytesIO(data), size)
