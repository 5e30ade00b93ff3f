"""From four plain questions to license terms."""

from __future__ import annotations

from dataclasses import dataclass

from sahara_lab.errors import InputError
from sahara_lab.licensing.terms import License


@dataclass(frozen=True)
class Answers:
    """What an owner wants, in an owner's words.

    Attributes:
        files: whether others may have the files; else their code comes to the data.
        money: whether others may earn money with it.
        derivatives: whether others may publish what they make of it: "no", "share" (for a share of revenue) or "free".
        price: whole tokens.
        royalty: the share of the revenue of what is made of it, as "10%".
    """

    files: bool = True
    money: bool = True
    derivatives: str = "share"
    price: str = "0"
    royalty: str = "10%"

    @property
    def license(self) -> License:
        """The terms that these answers mean.

        Raises:
            InputError: an amount that is none, or answers that contradict each other.
        """
        if not self.files:
            return License.compute_only(self.price)
        if not self.money:
            return License.non_commercial_research(self.price)
        if self.derivatives == "share":
            return License.commercial_remix(self.price, self.royalty)
        if self.derivatives == "no":
            return License.commercial(self.price)
        if self.derivatives != "free":
            raise InputError(f"derivatives cannot be {self.derivatives!r}", hint="Use one of: no, share, free")
        if License.commercial(self.price).price:
            hint = "Set the price to 0, or ask for a share"
            raise InputError("what everybody may do anything with has no price", hint=hint)
        return License.open_use()
