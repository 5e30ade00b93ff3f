"""Vouchers: cumulative EIP-712 promises of payment, signed off chain (docs/spec/contracts.md)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from sahara_lab.chain import Chain, Contract, Sender
from sahara_lab.errors import FundsError, InputError
from sahara_lab.signing import TypedData, recover_typed_data
from sahara_lab.units import Wei, format_tokens

_DOMAIN = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]


@dataclass(frozen=True)
class Voucher:
    """One signed promise; it replaces every lower one of the same job or channel. ``signature`` is in hex."""

    contract: ClassVar[str]
    primary: ClassVar[str]
    fields: ClassVar[tuple[tuple[str, str], ...]]

    def to_json(self) -> dict[str, Any]:
        """As it travels: numbers as text, since they are beyond what JSON readers agree on."""
        return {key: str(value) for key, value in asdict(self).items()}


@dataclass(frozen=True)
class UsageVoucher(Voucher):
    """``resource_seconds`` of a job were used in all."""

    contract = "ComputeEscrow"
    primary = "UsageVoucher"
    fields = (("jobId", "uint256"), ("resourceSeconds", "uint64"))

    job_id: int
    resource_seconds: int
    signature: str

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> UsageVoucher:
        """Read what :meth:`to_json` wrote.

        Raises:
            InputError: it is malformed.
        """
        return cls(_number(document, "job_id"), _number(document, "resource_seconds", 64), _signature(document))


@dataclass(frozen=True)
class CallVoucher(Voucher):
    """``amount`` wei are owed on a channel in all. ``channel_id`` is 32 bytes in hex."""

    contract = "CallChannel"
    primary = "CallVoucher"
    fields = (("channelId", "bytes32"), ("amount", "uint256"))

    channel_id: str
    amount: int
    signature: str

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> CallVoucher:
        """Read what :meth:`to_json` wrote.

        Raises:
            InputError: it is malformed.
        """
        channel = str(document.get("channel_id", ""))
        if len(_hex(channel)) != 32:
            raise InputError("a voucher's channel is 32 bytes in hex")
        return cls(channel.lower(), _number(document, "amount"), _signature(document))


def typed_data(kind: type[Voucher], contract: Contract, chain_id: int, *values: Any) -> TypedData:
    """The EIP-712 message of a voucher: bound to the chain, the contract, and the job or channel."""
    return {
        "types": {
            "EIP712Domain": _DOMAIN,
            kind.primary: [{"name": name, "type": of} for name, of in kind.fields],
        },
        "primaryType": kind.primary,
        "domain": {
            "name": f"Sahara {kind.contract}",
            "version": "1",
            "chainId": chain_id,
            "verifyingContract": contract.address,
        },
        "message": {name: value for (name, _), value in zip(kind.fields, values, strict=True)},
    }


def claimed(document: dict[str, Any], chain: Chain, job_id: int, provider: str) -> UsageVoucher:
    """A provider's signed word on what was used in all: the message of a voucher, with the provider's signature.

    Raises:
        InputError: the provider did not sign it, or it is for another job.
    """
    claim = UsageVoucher.from_json(document)
    contract = chain.contract("ComputeEscrow")
    message = typed_data(UsageVoucher, contract, chain.chain_id, job_id, claim.resource_seconds)
    if claim.job_id != job_id or recover_typed_data(message, bytes.fromhex(claim.signature)) != provider:
        raise InputError("the provider's claim is not signed by the provider")
    return claim


def salt_of(name: str) -> bytes:
    """The salt that a name stands for: the same name is the same job or channel, however often it is sent."""
    from eth_utils import keccak

    return bytes(keccak(text=name))


def allow(chain: Chain, sender: Sender, owner: str, spender: Contract, amount: int) -> None:
    """Let a contract take ``amount`` wei of SAHARA, exactly, unless it may already.

    Raises:
        FundsError: the balance is smaller.
    """
    token = chain.contract("SaharaToken")
    balance, allowed = chain.batch_call(
        [(token, "balanceOf", (owner,)), (token, "allowance", (owner, spender.address))]
    )
    if balance < amount:
        raise FundsError(f"this takes {format_tokens(amount)} and the account has {format_tokens(balance)}")
    if allowed < amount:
        sender.send(token, "approve", spender.address, amount)


def claim(chain: Chain, sender: Sender, owner: str, contract: Contract) -> Wei:
    """Take out what waits for the account in a contract, in wei; zero when there is nothing."""
    token = chain.contract("SaharaToken")
    if not contract.call("claimable", owner, token.address):
        return Wei(0)
    receipt = sender.send(contract, "claim", token.address, owner)
    return Wei(sum(event.args["amount"] for event in receipt.events if event.name == "Claimed"))


def _number(document: dict[str, Any], name: str, bits: int = 256) -> int:
    text = str(document.get(name, ""))
    if not (text.isascii() and text.isdigit()) or len(text) > 78 or int(text) >= 2**bits:
        raise InputError(f"a voucher's {name} is a whole number of at most {bits} bits")
    return int(text)


def _signature(document: dict[str, Any]) -> str:
    text = str(document.get("signature", ""))
    if not 1 <= len(_hex(text)) <= 4096:
        raise InputError("a voucher's signature is 1 to 4096 bytes in hex")
    return text.lower()


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise InputError("a voucher has bytes that are not hex") from None
