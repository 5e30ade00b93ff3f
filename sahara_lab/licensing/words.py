"""What a license means for who holds it, in plain words, and who sees to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sahara_lab.display import bundle, card, mono, stack, table, text_card, text_table
from sahara_lab.licensing.terms import License, format_duration
from sahara_lab.units import format_share

_DEEDS = {
    "read": "open and read the files",
    "training": "train on it",
    "generative training": "train models with it that make texts, pictures or sounds",
    "commercial": "use it in a business",
    "derivative": "publish and sell what you make of it",
    "redistribution": "pass the files on",
    "inference": "run it",
}
#: Uses that a program sees to; the others are promises.
_WATCHED = {"read": "key servers release no key", "derivative": "the registry refuses it"}


@dataclass(frozen=True)
class Deed:
    """Something that a holder may, may not or must do. ``watched``: who prevents it otherwise; empty for a promise."""

    word: str
    text: str
    watched: str = ""


@dataclass(frozen=True)
class InWords:
    """A license for people: what they may do, what they may not, what they must.

    Attributes:
        text: the legal text; empty where it is only known by its address and hash.
        text_hash: SHA-256 of the legal text in hexadecimal, as the chain has it.
    """

    license: License
    deeds: tuple[Deed, ...]
    text: str
    text_uri: str
    text_hash: str

    @property
    def may(self) -> tuple[str, ...]:
        return self._of("may")

    @property
    def may_not(self) -> tuple[str, ...]:
        return self._of("may not")

    @property
    def must(self) -> tuple[str, ...]:
        return self._of("must")

    def _of(self, word: str) -> tuple[str, ...]:
        return tuple(deed.text for deed in self.deeds if deed.word == word)

    def __str__(self) -> str:
        said = [f"You {word} {', '.join(self._of(word))}." for word in ("may", "may not", "must") if self._of(word)]
        return " ".join(said)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        headers = ("You", "What", "Seen to by")
        rows = [(deed.word, deed.text, deed.watched or "your word") for deed in self.deeds]
        facts: list[tuple[str, object]] = [
            ("License", self.license.summary),
            ("Legal text", self.text or self.text_uri or "none"),
            ("SHA-256 of the text", mono(self.text_hash)),
        ]
        title = "In plain words"
        return bundle(
            f"{text_card(title, facts)}\n\n{text_table(headers, rows)}",
            stack(card(title, facts, badge=self.license.flavor), table(headers, rows)),
        )


def in_words(license: License) -> InWords:
    """What ``license`` lets a holder do, what it does not, and what it asks for."""
    deeds = [
        Deed(
            "may" if license.allows(use) else "may not", text, _WATCHED.get(use, "") if not license.allows(use) else ""
        )
        for use, text in _DEEDS.items()
    ]
    if license.confined:
        deeds[0] = Deed("may not", "see the files: your code runs where they lie", "key servers release no key")
    if license.royalty_bps:
        share = format_share(license.royalty_bps)
        deeds.append(Deed("must", f"leave {share} of what comes in for what you make of it", "the royalty ledger"))
    if license.reciprocal:
        deeds.append(Deed("must", "offer what you make of it under terms that allow the same", "the license check"))
    if license.attribution:
        deeds.append(Deed("must", "name its owner", ""))
    deeds.append(_end(license))
    if not license.transferable:
        deeds.append(Deed("may not", "hand the license on to somebody else", "the license token"))
    if license.refund_window:
        within = format_duration(license.refund_window)
        deeds.append(Deed("may", f"give it back for its price within {within}", "the refund escrow"))
    return InWords(license, tuple(deeds), license.text, license.text_uri, license.text_hash.hex())


def _end(license: License) -> Deed:
    if not license.duration:
        return Deed("may", "keep it for ever", "the license token")
    return Deed("must", f"renew it after {format_duration(license.duration)}, or stop", "key servers")
