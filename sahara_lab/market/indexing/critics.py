"""What a review replaces: the earlier one by the same account, which no event of the later one tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sahara_lab.chain import Chain, Event
from sahara_lab.chain.client import decode_log
from sahara_lab.market.catalog import Record
from sahara_lab.market.indexing.fold import REVIEWS

_AT_ONCE = 100


class Replaced:
    """The stars that stood before each event of reviews in a batch.

    Args:
        known: what the catalog holds before the batch. Only where an asset has reviews already the chain is asked, for
            the events of that account on that asset: they are undone with their blocks, as state would not be.
    """

    def __init__(self, chain: Chain, from_block: int, events: Sequence[Event], known: dict[int, Record]) -> None:
        self._chain = chain
        self._from_block = from_block
        reviews = [event for event in events if event.name in REVIEWS]
        first: dict[tuple[int, str], Event] = {}
        for event in reviews:
            first.setdefault(_critic(event), event)
        asked = [event for (asset, _), event in first.items() if asset in known and known[asset].reviews]
        self._stars = dict.fromkeys(first, 0)
        for start in range(0, len(asked), _AT_ONCE):
            part = asked[start : start + _AT_ONCE]
            self._stars |= {_critic(event): stars for event, stars in zip(part, self._earlier(part), strict=True)}

    def stars(self, event: Event) -> int:
        """What stood before ``event``; to be asked once for each, in order."""
        critic = _critic(event)
        before, self._stars[critic] = self._stars[critic], event.args.get("stars", 0)
        return before

    def _earlier(self, events: Sequence[Event]) -> list[int]:
        contract = self._chain.contract("Reviews")
        topics = [contract.abi.events[name].topic for name in REVIEWS]
        answers = self._chain.rpc.batch(
            [("eth_getLogs", [self._of(event, contract.address, topics)]) for event in events]
        )
        found = []
        for event, logs in zip(events, answers, strict=True):
            place = (event.block_number, event.log_index)
            earlier = [one for log in logs if (one := decode_log({contract.address.lower(): contract}, log))]
            earlier = [one for one in earlier if (one.block_number, one.log_index) < place]
            found.append(earlier[-1].args.get("stars", 0) if earlier else 0)
        return found

    def _of(self, event: Event, address: str, topics: list[str]) -> dict[str, Any]:
        asset, account = f"0x{event.args['asset']:064x}", f"0x{event.args['author'][2:].lower():0>64}"
        return {
            "address": address,
            "fromBlock": hex(self._from_block),
            "toBlock": hex(event.block_number),
            "topics": [topics, asset, account],
        }


def _critic(event: Event) -> tuple[int, str]:
    return event.args["asset"], event.args["author"]
