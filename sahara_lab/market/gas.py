"""What a signature will cost in gas, before it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sahara_lab.chain import Chain, RpcError
from sahara_lab.chain.abi import artifact
from sahara_lab.chain.fees import current_fee
from sahara_lab.units import Wei, format_tokens

#: Two slots that a permit writes, its number and the allowance, from zero (EIP-2929), and its signature's check.
PERMIT_GAS = 2 * 22_100 + 3_000


@dataclass(frozen=True)
class GasCost:
    """Gas of one transaction: ``units`` at most, ``cost`` at the present fee and ``most`` at the fee that is offered.

    Costs are wei of the chain's own coin.
    """

    units: int
    cost: Wei
    most: Wei

    def __str__(self) -> str:
        if not self.most:
            return f"{self.units:,} units, which cost nothing here"
        return (
            f"about {format_tokens(self.cost, 'ETH')}, at most {format_tokens(self.most, 'ETH')} ({self.units:,} units)"
        )


def cost_of_purchase(chain: Chain, buyer: str, asset: int, terms_id: bytes, price: int) -> GasCost | None:
    """The gas of buying a license as :class:`Sales` does it; None where the node cannot tell.

    The node tries ``buyWithPermit`` as if the market had the allowance that the permit will give, and as if the buyer
    had the price; the contract goes on when the permit fails that the trial has instead of a signature.
    """
    market, token = chain.contract("Market"), chain.contract("SaharaToken")
    identity = (asset, terms_id, price, buyer)
    if price:
        data = market.encode("buyWithPermit", *identity, 2**64 - 1, 27, b"\1" * 32, b"\1" * 32)
    else:
        data = market.encode("buy", *identity)
    slots = {
        _slot(buyer, _place_of("_balances")): price,
        _slot(market.address, _slot(buyer, _place_of("_allowances"))): price,
    }
    state = {token.address: {"stateDiff": {_word(slot): _word(value) for slot, value in slots.items()}}}
    message = {"from": buyer, "to": market.address, "data": "0x" + data.hex()}
    try:
        units = int(chain.rpc("eth_estimateGas", message, "pending", state if price else {}), 16)
    except RpcError:
        return None
    units += PERMIT_GAS if price else 0
    fee = current_fee(chain.rpc)
    return GasCost(units, Wei(units * (fee.base + fee.tip)), Wei(units * fee.most))


def _place_of(variable: str) -> int:
    """The storage slot of one of the token's variables."""
    layout: list[str] = artifact("SaharaToken")["storageLayout"]
    line = next(line for line in layout if line.endswith(f" {variable}"))
    return int(line.partition("+")[0])


def _slot(key: str, mapping: Any) -> int:
    """Where a mapping in slot ``mapping`` keeps the value of an address."""
    from eth_utils import keccak

    return int.from_bytes(keccak(int(key, 16).to_bytes(32, "big") + int(mapping).to_bytes(32, "big")), "big")


def _word(number: int) -> str:
    return f"0x{number:064x}"
