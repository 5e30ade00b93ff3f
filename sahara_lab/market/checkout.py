"""Purchases that a wallet outside of this program pays: prepared here, signed and sent there."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sahara_lab.chain import Chain
from sahara_lab.chain.client import decode_log
from sahara_lab.errors import ChainError, InputError
from sahara_lab.market.values import Quote
from sahara_lab.signing import TypedData
from sahara_lab.units import Wei

if TYPE_CHECKING:
    from sahara_lab.market.sales import Sales

#: Seconds that a person has to confirm in the wallet, twice.
LIFETIME = 15 * 60


@dataclass(frozen=True)
class Checkout:
    """One license for ``holder``, paid by ``payer``, an address whose key is elsewhere.

    A free license takes a transaction alone; others take a signature for the price (ERC-2612) and a transaction.
    The contract refuses when the price rose above ``cap`` meanwhile, or the offer was withdrawn.

    Attributes:
        cap: the most to pay, in wei.
        deadline: until when the signature counts, in seconds of the chain's clock.
    """

    chain: Chain
    sales: Sales
    quote: Quote
    payer: str
    holder: str
    cap: Wei
    deadline: int

    @classmethod
    def begin(cls, chain: Chain, sales: Sales, quote: Quote, payer: str, holder: str, cap: Wei) -> Checkout:
        """A checkout that can be paid from now on."""
        return cls(chain, sales, quote, payer, holder, cap, chain.block("pending").timestamp + LIFETIME)

    @property
    def permit(self) -> TypedData | None:
        """What the payer signs (EIP-712, for ``eth_signTypedData_v4``); None where nothing is to be paid."""
        if self.quote.price == 0:
            return None
        number = self.chain.contract("SaharaToken").call("nonces", self.payer)
        return self.sales.permit(self.payer, self.quote.price, self.deadline, number)

    def transaction(self, signature: bytes) -> dict[str, str]:
        """What the payer sends (for ``eth_sendTransaction``); tried before it is given out.

        Raises:
            InputError: the signature is not one of 65 bytes.
            ChainError: the contract would refuse it; the message says why.
        """
        market = self.chain.contract("Market")
        what: tuple[Any, ...] = (self.quote.asset_id, self.quote.terms.terms_id, self.cap, self.holder)
        function = "buy"
        if self.quote.price:
            if len(signature) != 65:
                raise InputError("the wallet's signature has another form", hint="Use a wallet that is no contract")
            r, s, v = signature[:32], signature[32:64], signature[64]
            function, what = "buyWithPermit", (*what, self.deadline, v + 27 if v < 27 else v, r, s)
        market.call(function, *what, block="pending", sender=self.payer)
        data = "0x" + market.encode(function, *what).hex()
        return {"from": self.payer, "to": market.address, "data": data, "value": "0x0"}


def license_of(chain: Chain, tx_hash: str, timeout: float) -> int:
    """The number of the license that a transaction issued, once it is in a block.

    Raises:
        ChainError: it failed, issued none, or is in no block after ``timeout`` seconds.
    """
    end = time.monotonic() + timeout
    while (receipt := chain.rpc("eth_getTransactionReceipt", tx_hash)) is None:
        if time.monotonic() > end:
            raise ChainError(
                "the network has not taken in the payment yet",
                hint="The license appears by itself when it does; do not pay again before",
            )
        time.sleep(0.2)
    if int(receipt["status"], 16) == 0:
        raise ChainError("the purchase failed on chain", hint="Nothing was paid; ask for a quote again")
    licenses = chain.contract("LicenseToken")
    for log in receipt["logs"]:
        event = decode_log({licenses.address.lower(): licenses}, log)
        if event is not None and event.name == "LicenseIssued":
            return int(event.args["license"])
    raise ChainError("that transaction issued no license")
