"""Deploying the contracts: one transaction each, of one account that holds nothing afterwards.

Contracts that need each other's address get it predicted from the deployer's nonce (EIP-161 CREATE addresses), so no
setter and no role is left behind. Order and arguments are described in docs/spec/contracts.md.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sahara_lab.chain.abi import abi_of, artifact, checksum, type_of
from sahara_lab.chain.client import refused
from sahara_lab.chain.fees import current_fee
from sahara_lab.chain.rpc import Rpc, RpcError
from sahara_lab.errors import ChainError
from sahara_lab.signing import LocalSigner

#: What people own: the directory names these for good, and no vote puts another contract in their place.
FIXED = ("SaharaTimelock", "SaharaToken", "IdentityRegistry", "LicenseTerms", "AssetRegistry", "LicenseToken")
PATIENCE = 60.0  # seconds to wait for a receipt


@dataclass(frozen=True)
class Rules:
    """Governance and fees at the start. Times in seconds, shares in basis points, amounts in wei."""

    voting_delay: int = 86_400
    voting_period: int = 604_800
    late_quorum_extension: int = 86_400
    timelock_delay: int = 172_800
    guardian_term: int = 31_536_000
    fee_bps: int = 250
    max_royalty_bps: int = 5_000
    stake_cooldown: int = 1_209_600
    dispute_window: int = 86_400
    judgment_period: int = 2_592_000
    stop_delay: int = 3_600
    channel_close_delay: int = 86_400


@dataclass(frozen=True)
class KeyServerEntry:
    """A key server as it is registered."""

    account: str
    url: str
    encryption_key: bytes


@dataclass(frozen=True)
class Deployment:
    """Where the contracts are, and the block of the first one."""

    chain_id: int
    addresses: dict[str, str]
    block: int


def deploy(
    rpc: Rpc,
    deployer: LocalSigner,
    holders: Sequence[tuple[str, int]],
    treasury_amount: int,
    key_servers: Sequence[KeyServerEntry],
    rules: Rules,
) -> Deployment:
    """Deploy everything and return the addresses.

    Args:
        deployer: an account with gas money and no further use.
        holders: address and wei of the first token holders, of whom the first is the founding guardian;
            ``treasury_amount`` goes to the timelock.

    Raises:
        ChainError: a contract could not be deployed.
    """
    chain_id = int(rpc("eth_chainId"), 16)
    first = int(rpc("eth_blockNumber"), 16) + 1
    nonce = int(rpc("eth_getTransactionCount", deployer.address, "latest"), 16)
    order = (
        "SaharaTimelock", "SaharaToken", "SaharaGovernor", "SaharaAccess", "ProtocolParameters", "IdentityRegistry",
        "KeyServerRegistry", "LicenseTerms", "RoyaltyLedger", "AssetRegistry", "LicenseToken", "RefundEscrow", "Market",
        "CollectionShares", "Staking", "ComputeEscrow", "CallChannel", "ReceiptAnchors", "Teams", "AgentRegistry",
        "ReputationRegistry", "FeedbackReceipts", "ValidationRegistry", "Directory",
    )  # fmt: skip
    at = {name: created_address(deployer.address, nonce + index) for index, name in enumerate(order)}
    servers = [(server.account, True, server.url, server.encryption_key) for server in key_servers]
    listed = [name for name in order if name != "Directory"]
    arguments: dict[str, tuple[Any, ...]] = {
        "SaharaTimelock": (
            rules.timelock_delay,
            at["SaharaGovernor"],
            at["SaharaAccess"],
            holders[0][0],
            rules.guardian_term,
        ),
        "SaharaToken": (
            [*(address for address, _ in holders), at["SaharaTimelock"]],
            [*(amount for _, amount in holders), treasury_amount],
        ),
        "SaharaGovernor": (
            at["SaharaToken"],
            at["SaharaTimelock"],
            rules.voting_delay,
            rules.voting_period,
            rules.late_quorum_extension,
        ),
        "SaharaAccess": (
            at["SaharaTimelock"],
            at["ProtocolParameters"],
            at["KeyServerRegistry"],
            at["Directory"],
            at["Staking"],
            at["ComputeEscrow"],
        ),
        "ProtocolParameters": (
            at["SaharaAccess"],
            at["SaharaTimelock"],
            rules.fee_bps,
            rules.max_royalty_bps,
            [at["SaharaToken"]],
        ),
        "IdentityRegistry": (),
        "KeyServerRegistry": (at["SaharaAccess"], servers),
        "LicenseTerms": (),
        "RoyaltyLedger": (at["ProtocolParameters"], at["AssetRegistry"], at["CollectionShares"]),
        "AssetRegistry": (at["RoyaltyLedger"], at["LicenseToken"]),
        "LicenseToken": (at["AssetRegistry"], at["LicenseTerms"], at["Market"]),
        "Market": (
            at["AssetRegistry"],
            at["LicenseTerms"],
            at["LicenseToken"],
            at["RoyaltyLedger"],
            at["RefundEscrow"],
            at["ProtocolParameters"],
        ),
        "Staking": (at["SaharaAccess"], at["SaharaToken"], at["SaharaTimelock"], rules.stake_cooldown),
        "ComputeEscrow": (
            at["SaharaAccess"],
            at["Staking"],
            at["ProtocolParameters"],
            rules.dispute_window,
            rules.judgment_period,
            rules.stop_delay,
        ),
        "CallChannel": (at["RoyaltyLedger"], at["ProtocolParameters"], rules.channel_close_delay),
        "ReceiptAnchors": (at["KeyServerRegistry"],),
        "Teams": (),
        "RefundEscrow": (
            at["LicenseToken"],
            at["LicenseTerms"],
            at["RoyaltyLedger"],
            at["ProtocolParameters"],
            at["Market"],
        ),
        "CollectionShares": (at["AssetRegistry"], at["RoyaltyLedger"], at["ProtocolParameters"]),
        "AgentRegistry": (at["IdentityRegistry"],),
        "ReputationRegistry": (at["AgentRegistry"],),
        "FeedbackReceipts": (
            at["ReputationRegistry"],
            at["AgentRegistry"],
            at["LicenseToken"],
            at["AssetRegistry"],
            at["RefundEscrow"],
        ),
        "ValidationRegistry": (at["AgentRegistry"],),
        "Directory": (
            at["SaharaAccess"],
            [name.encode().ljust(32, b"\0") for name in listed],
            [at[name] for name in listed],
            [name.encode().ljust(32, b"\0") for name in FIXED],
        ),
    }
    for index, name in enumerate(order):
        _create(rpc, deployer, chain_id, nonce + index, name, arguments[name], at[name])
    return Deployment(chain_id, at, first)


def created_address(sender: str, nonce: int) -> str:
    """The address of the contract that ``sender`` creates with its transaction ``nonce`` (Yellow Paper, section 7)."""
    import rlp
    from eth_utils import keccak

    return checksum("0x" + keccak(rlp.encode([bytes.fromhex(sender[2:]), nonce]))[12:].hex())


def _create(
    rpc: Rpc, deployer: LocalSigner, chain_id: int, nonce: int, name: str, args: tuple[Any, ...], expected: str
) -> None:
    from eth_abi import encode

    data = bytes.fromhex(artifact(name)["bytecode"].removeprefix("0x"))
    data += encode([type_of(entry) for entry in abi_of(name).constructor], args)
    try:
        receipt = send_signed(rpc, deployer, data, chain_id=chain_id, nonce=nonce)
    except ChainError as error:
        raise ChainError(f"{name} could not be deployed: {error}") from error
    if checksum(receipt["contractAddress"]) != expected:
        raise ChainError(f"{name} could not be deployed: it got another address than predicted")


def send_signed(
    rpc: Rpc, signer: LocalSigner, data: bytes, *, chain_id: int, to: str | None = None, nonce: int | None = None
) -> dict[str, Any]:
    """One transaction of a key in memory, for set-up work that no person pays for; returns its receipt.

    Raises:
        ChainError: the chain refused it.
    """
    from eth_account import Account

    call = {"from": signer.address, "data": "0x" + data.hex()} | ({"to": to} if to else {})
    try:
        gas = int(rpc("eth_estimateGas", call), 16)
        fee = current_fee(rpc)
        if nonce is None:
            nonce = int(rpc("eth_getTransactionCount", signer.address, "pending"), 16)
        transaction = {
            "type": 2,
            "chainId": chain_id,
            "nonce": nonce,
            "data": call["data"],
            "value": 0,
            "gas": int(gas * 1.2),
            "maxFeePerGas": fee.most,
            "maxPriorityFeePerGas": fee.tip,
        }
        signed = Account.from_key(signer.private_bytes()).sign_transaction(transaction | ({"to": to} if to else {}))
        tx_hash = rpc("eth_sendRawTransaction", "0x" + bytes(signed.raw_transaction).hex())
    except RpcError as error:
        raise refused(error) from error
    deadline = time.monotonic() + PATIENCE
    while (receipt := rpc("eth_getTransactionReceipt", tx_hash)) is None:
        if time.monotonic() > deadline:
            raise ChainError(f"transaction {tx_hash[:12]}… is not in a block after {PATIENCE:.0f} s")
        time.sleep(0.005)
    if receipt["status"] != "0x1":
        raise ChainError("the chain refused the transaction")
    return dict(receipt)
