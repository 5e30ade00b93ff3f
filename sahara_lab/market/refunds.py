"""Sales that can be undone: what is held for licenses while their refund window is open, and what becomes of it."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass

from sahara_lab.chain import Chain, Receipt, Sender
from sahara_lab.errors import ChainError, NotFound
from sahara_lab.units import Wei


@dataclass(frozen=True)
class HeldSale:
    """The price of one license, which waits. ``closes_at`` in seconds of the chain's clock; amounts are wei."""

    license: int
    asset: int
    closes_at: int
    price: Wei
    fee: Wei
    due: bool

    @property
    def revenue(self) -> Wei:
        """What the asset gets when it is released."""
        return Wei(self.price - self.fee)


class Refunds:
    """Refunds and releases, by the account of ``sender``."""

    def __init__(self, chain: Chain, sender: Sender, from_block: int) -> None:
        self._chain = chain
        self._sender = sender
        self._from_block = from_block
        self._market = chain.contract("Market")
        self._escrow = chain.contract("RefundEscrow")
        self._licenses = chain.contract("LicenseToken")

    def held(self, assets: Container[int]) -> list[HeldSale]:
        """Sales of ``assets`` whose price is still held; those that are ``due`` anyone may release."""
        gone = {
            event.args["license"]
            for kind in ("Released", "Refunded")
            for event in self._escrow.logs(kind, self._from_block, "latest")
        }
        waiting = [
            event.args
            for event in self._escrow.logs("Held", self._from_block, "latest")
            if event.args["asset"] in assets and event.args["license"] not in gone
        ]
        if not waiting:
            return []
        sold = {
            event.args["license"]: event.args for event in self._market.logs("LicenseSold", self._from_block, "latest")
        }
        firm = self._chain.batch_call([(self._licenses, "isFirm", (args["license"],)) for args in waiting])
        now = self._chain.block("pending").timestamp
        return [
            HeldSale(
                license=args["license"],
                asset=args["asset"],
                closes_at=args["closesAt"],
                price=Wei(sold[args["license"]]["price"]),
                fee=Wei(sold[args["license"]]["fee"]),
                due=is_firm or args["closesAt"] <= now,
            )
            for args, is_firm in zip(waiting, firm, strict=True)
        ]

    def release(self, sales: Iterable[HeldSale]) -> Receipt | None:
        """Send on what is due, fee and revenue; None when nothing is."""
        due = [sale.license for sale in sales if sale.due]
        return self._sender.send(self._escrow, "release", due) if due else None

    def refund(self, licenses: Iterable[int], name: str) -> Wei:
        """Give back the first of ``licenses`` that can be given back; returns what was paid back, in wei.

        Raises:
            NotFound: nothing is held for any of them.
            ChainError: the license changed hands, a derivative stands on it, or its window has closed.
        """
        refusal: ChainError | None = None
        for license in licenses:
            payer, _ = self._escrow.call("saleOf", license)
            if int(payer, 16) == 0:
                continue
            try:
                receipt = self._sender.send(self._market, "refund", license, intent=f"refund {license}")
            except ChainError as error:  # another license of the same asset may still be open
                refusal = refusal or error
                continue
            return Wei(next(event.args["amount"] for event in receipt.events if event.name == "Refunded"))
        if refusal:
            raise refusal
        raise NotFound(
            f"you hold no license for {name} that can be given back",
            hint="Only licenses bought under terms with a refund window can, and only while it is open",
        )
