"""Which contract is current: the directory's word, followed where a vote may move it."""

from __future__ import annotations

from sahara_lab.chain.abi import artifact_names
from sahara_lab.chain.client import Chain, Contract
from sahara_lab.chain.deployment import FIXED


def current(chain: Chain) -> dict[str, str]:
    """Addresses of a network's contracts as its directory names them now.

    What people own (:data:`FIXED`) stays what the network's description says, whatever the directory says: nobody who
    captures a vote can put other assets or licenses in front of people.
    """
    directory = chain.contract("Directory")
    listed = [bytes(name).rstrip(b"\0").decode("ascii", "replace") for name in directory.call("names")]
    followed = [name for name in listed if name in artifact_names() and name not in FIXED]
    found = chain.batch_call([(directory, "get", (name.encode().ljust(32, b"\0"),)) for name in followed])
    return chain.addresses | dict(zip(followed, found, strict=True))


def former(chain: Chain, name: str, from_block: int = 0) -> list[Contract]:
    """Contracts that had a name before the one that has it now, oldest first; they keep what is in them."""
    moved = [
        event.args["from"]
        for event in chain.contract("Directory").logs("ModuleChanged", from_block)
        if bytes(event.args["name"]).rstrip(b"\0") == name.encode()
    ]
    present = chain.addresses[name]
    known = [address for address in dict.fromkeys(moved) if int(address, 16) and address != present]
    return [Contract(chain, name, address) for address in known]
