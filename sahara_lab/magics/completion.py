"""Completion of ``%sahara``: commands, options, asset names, jobs, accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.completer import SimpleCompletion, context_matcher

from sahara_lab.errors import SaharaError
from sahara_lab.magics.parsers import PARSERS

if TYPE_CHECKING:
    from sahara_lab.magics.sahara import SaharaMagics

_ASSETS = {
    "show",
    "quote",
    "license",
    "renew",
    "refund",
    "collection",
    "request",
    "give",
    "share",
    "unshare",
    "who",
    "audit",
    "rotate",
    "reencrypt",
    "reshare",
    "verify",
    "serve",
    "call",
}
_JOBS = {"attach", "stop"}
_VALUES = {
    "--kind": ("dataset", "model", "agent", "notebook", "service", "collection"),
    "--sort": ("relevance", "newest", "price", "popular", "reputation", "name"),
    "--price": ('"under 1"', '"1 to 10"', '"10 to 100"', '"100 to 1,000"', '"1,000 and more"', "free"),
    "--license": ('"Open Use"', '"Non-Commercial Research"', "Commercial", '"Commercial Remix"', "Compute-Only"),
}


class Completer:
    """A matcher for IPython; what it cannot find out quickly it leaves out."""

    def __init__(self, magics: SaharaMagics) -> None:
        self._magics = magics

    def matcher(self) -> Any:
        """The function that IPython calls."""

        @context_matcher()  # type: ignore[untyped-decorator]
        def sahara_matcher(context: Any) -> dict[str, Any]:
            line = context.line_with_cursor[: context.cursor_position]
            found = self.complete(line)
            if found is None:
                return {"completions": [], "suppress": False}
            typed, candidates = found
            return {
                "completions": [SimpleCompletion(text, type="sahara") for text in candidates],
                "suppress": True,
                "matched_fragment": typed,
            }

        return sahara_matcher

    def complete(self, line: str) -> tuple[str, list[str]] | None:
        """The word being typed and what it may become; None when the line is not ours."""
        stripped = line.lstrip().lstrip("%")
        if not line.lstrip().startswith("%") or not stripped.startswith("sahara "):
            return None
        parts = stripped[len("sahara ") :].split(" ")
        typed, before = parts[-1], [part for part in parts[:-1] if part]
        candidates = self._candidates(before, typed)
        return typed, sorted({text for text in candidates if text.startswith(typed)})

    def _candidates(self, before: list[str], typed: str) -> list[str]:
        if not before:
            return list(PARSERS)
        name, last = before[0], before[-1]
        if name not in PARSERS:
            return []
        if last in _VALUES and last in PARSERS[name].options:
            return list(_VALUES[last])
        if typed.startswith("-"):
            return PARSERS[name].options
        try:
            return self._known(name, last, before)
        except SaharaError:
            return []

    def _known(self, name: str, last: str, before: list[str]) -> list[str]:
        if name == "help":
            return list(PARSERS)
        lab = self._magics.connected(start=False)  # pressing Tab starts nothing
        if (name in _ASSETS and len(before) == 1) or last in ("--input", "--parent"):
            return [item.name for item in lab.market.listings.search_all()]
        if name in _JOBS or last == "--resume":
            return [job.id for job in lab.compute.jobs()]
        if name == "use" or (name in ("give", "share", "unshare") and len(before) == 2) or last == "--owner":
            return lab.wallet.accounts
        if name == "vote":
            if len(before) == 2:
                return ["for", "against", "abstain"]
            return [str(proposal.number) for proposal in lab.dao.proposals()]
        if name == "propose" and len(before) == 1:
            return [parameter.name for parameter in lab.dao.parameters()]
        return []
