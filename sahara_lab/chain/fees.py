"""What to offer for gas (EIP-1559): enough to be in a block soon, within bounds whatever a node says."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sahara_lab.chain.rpc import Rpc, RpcError, result
from sahara_lab.errors import ChainError

GWEI = 10**9
#: The tip below which nodes leave a transaction aside by default (go-ethereum's ``--miner.gasprice``).
LEAST_TIP = GWEI // 1_000
#: Bounds in wei for one unit of gas: a node that asks for more is not believed.
MOST_TIP = 100 * GWEI
MOST_FEE = 10_000 * GWEI
#: How many times its first fee a transaction may cost after it was replaced by dearer ones.
MOST_RAISE = 10
BLOCKS = 10

#: What a node is asked; the answers belong into :func:`fee_of`.
QUESTIONS: tuple[tuple[str, list[Any]], ...] = (
    ("eth_feeHistory", [hex(BLOCKS), "latest", [50]]),
    ("eth_maxPriorityFeePerGas", []),
    ("eth_gasPrice", []),
)


@dataclass(frozen=True)
class Fee:
    """The most to pay for one unit of gas, and the part of it that is a tip, both in wei.

    ``base`` is what the next block takes for a unit at least, when the fee was chosen.
    """

    most: int
    tip: int = 0
    base: int = 0

    def raised(self, wanted: Fee) -> Fee:
        """An eighth more, which every node accepts as a replacement, or ``wanted`` if that is more."""
        most = max(self.most + self.most // 8 + 1, wanted.most)
        return Fee(most, min(most, max(self.tip + self.tip // 8 + 1, wanted.tip)), wanted.base)


def fee_of(answers: Sequence[dict[str, Any]]) -> Fee:
    """The fee by a node's answers to :data:`QUESTIONS`; each may be an error, for not every node knows them all.

    The base fee may double before the transaction is left behind. The tip is the node's own suggestion or what half of
    recent gas paid, whichever is more; a chain that takes no base fee and whose blocks paid no tip gets none.

    Raises:
        ChainError: room in a block costs more than anybody should pay.
    """
    history, suggestion, price = (_answered(answer) for answer in answers)
    bases = (history or {}).get("baseFeePerGas") or ["0x0"]
    base = int(bases[-1] or "0x0", 16)
    used = zip((history or {}).get("reward") or [], (history or {}).get("gasUsedRatio") or [], strict=False)
    paid = [int(tips[0], 16) for tips, ratio in used if ratio and tips]
    usual = int(statistics.median(paid)) if paid else 0
    tip = usual if not base else max(LEAST_TIP, usual, int(suggestion or "0x0", 16))
    tip = min(tip, MOST_TIP)
    if base + tip > MOST_FEE:
        raise ChainError(
            f"the network asks for {(base + tip) // GWEI:,} gwei a unit of gas; at most {MOST_FEE // GWEI:,} are paid",
            hint="Nothing was sent. Wait until gas is cheaper",
        )
    most = 2 * base + tip if base else max(tip, int(price or "0x0", 16))
    return Fee(min(most, MOST_FEE), tip, base)


def current_fee(rpc: Rpc) -> Fee:
    """What to offer for gas as things are.

    Raises:
        ChainError: room in a block costs more than anybody should pay.
    """
    return fee_of(rpc.batch_raw(QUESTIONS))


def _answered(answer: dict[str, Any]) -> Any:
    try:
        return result(answer)
    except RpcError:
        return None
