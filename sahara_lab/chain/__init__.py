"""Transaction: the chain client. The door of this package; heavy parts load when first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sahara_lab.errors import ChainError

if TYPE_CHECKING:
    from sahara_lab.chain.client import Block, Chain, Contract, Event
    from sahara_lab.chain.deployment import Deployment, KeyServerEntry, Rules, deploy
    from sahara_lab.chain.eventlog import Batch, EventLog, Position
    from sahara_lab.chain.network import KeyServerAddress, Network
    from sahara_lab.chain.orders import Call, Receipt, Unfinished
    from sahara_lab.chain.reasons import explain_error
    from sahara_lab.chain.rpc import Rpc, RpcError
    from sahara_lab.chain.sender import Sender
    from sahara_lab.chain.wallet import Keyring, Wallet

_HOMES = {
    "Batch": "eventlog",
    "Block": "client",
    "Call": "orders",
    "Chain": "client",
    "Contract": "client",
    "Deployment": "deployment",
    "Event": "client",
    "EventLog": "eventlog",
    "KeyServerAddress": "network",
    "KeyServerEntry": "deployment",
    "Keyring": "wallet",
    "Network": "network",
    "Position": "eventlog",
    "Receipt": "orders",
    "Rpc": "rpc",
    "RpcError": "rpc",
    "Rules": "deployment",
    "Sender": "sender",
    "Unfinished": "orders",
    "Wallet": "wallet",
    "deploy": "deployment",
    "explain_error": "reasons",
}

__all__ = [
    "Batch", "Block", "Call", "Chain", "ChainError", "Contract", "Deployment", "Event", "EventLog", "KeyServerAddress",
    "KeyServerEntry", "Keyring", "Network", "Position", "Receipt", "Rpc", "RpcError", "Rules", "Sender", "Unfinished",
    "Wallet", "deploy", "explain_error",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
