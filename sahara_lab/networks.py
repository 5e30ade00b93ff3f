"""Networks of one's own: public testnets and private chains, described on this machine under a name.

A description is a profile whose ``network.json`` was written here instead of by the embedded network's supervisor. The
key servers come from the chain's ``KeyServerRegistry``; accounts are keystores in the profile's own folder.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sahara_lab.chain.abi import abi_of, artifact, artifact_names, checksum
from sahara_lab.chain.client import Chain
from sahara_lab.chain.network import KeyServerAddress, Network
from sahara_lab.chain.rpc import Rpc
from sahara_lab.errors import ChainError, FundsError, InputError, NetworkError, NotFound, PriceError
from sahara_lab.localnet.checkup import Check
from sahara_lab.profile import Profile, data_home
from sahara_lab.signing import LocalSigner
from sahara_lab.units import WEI_PER_TOKEN, format_tokens

if TYPE_CHECKING:
    from sahara_lab.chain import Wallet

#: The whole supply, in wei: what the deploying account holds at first, and the DAO's treasury.
HOLDER, TREASURY = 30_000 * WEI_PER_TOKEN, 70_000 * WEI_PER_TOKEN
SHORTEST_PASSWORD = 10
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){0,31}")
_PUSH32 = b"\x7f" + bytes(32)
_HOWTO = "Add one with: sahara-lab network add NAME --rpc URL"


@dataclass(frozen=True)
class DeploymentQuote:
    """What a deployment costs: gas, its price now, and the most that can be spent, in wei of the chain's own coin."""

    network: str
    chain_id: int
    gas: int
    gas_price: int
    balance: int

    @property
    def expected(self) -> int:
        return self.gas * self.gas_price

    @property
    def most(self) -> int:
        """Twice the price now: blocks may become dearer while the contracts are sent."""
        return 2 * self.expected

    def __str__(self) -> str:
        return (
            f"deploying to {self.network} (chain {self.chain_id}) takes about {self.gas:,} gas: "
            f"{format_tokens(self.expected, 'ETH')} at the price now, at most {format_tokens(self.most, 'ETH')}; "
            f"the account has {format_tokens(self.balance, 'ETH')}"
        )


# -- descriptions -----------------------------------------------------------------------------------------------------


def add(name: str, rpc_url: str, addresses: Path | None = None) -> Network:
    """Describe a network; ``addresses`` is a JSON file that names its contracts, or its ``Directory`` alone.

    Raises:
        InputError: the name is taken or malformed, the file cannot be used or is of another chain.
        NetworkError: the node does not answer, or has no such contracts.
    """
    profile = _profile(name)
    if profile.network_file.exists():
        raise InputError(
            f"there is a network {name!r} already", hint=f"Remove it first: sahara-lab network remove {name}"
        )
    rpc = Rpc(rpc_url, timeout=10)
    chain_id = _chain_id(rpc)
    given = _read(addresses) if addresses else {}
    if given.get("chain_id", chain_id) != chain_id:
        raise InputError(f"{addresses} is of chain {given['chain_id']}, but the node serves chain {chain_id}")
    network = Network(
        chain_id=chain_id,
        rpc_url=rpc_url,
        addresses=_complete(Chain(rpc_url, chain_id, given.get("addresses", {}))),
        key_servers=(),
        threshold=0,
        deployed_block=int(given.get("deployed_block", 0)),
        extra={"own": True},
    )
    if network.addresses:
        _require(name, network, rpc)
        network = _with_key_servers(network)
    network.save(profile)
    return network


def listed() -> list[tuple[str, Network]]:
    """The networks described on this machine, the embedded one among them when it runs."""
    files = sorted((data_home() / "profiles").glob("*/network.json"))
    return [(file.parent.name, Network.load(Profile(file.parent.name))) for file in files]


def remove(name: str) -> None:
    """Forget a network's description; its keystores and stored data stay."""
    described(name)
    _profile(name).network_file.unlink()


def described(name: str) -> Network:
    """The description of a network of one's own.

    Raises:
        NetworkError: there is none of that name.
    """
    profile = _profile(name)
    if not profile.network_file.exists():
        known = ", ".join(other for other, network in listed() if network.extra.get("own")) or "none"
        raise NetworkError(f"there is no network {name!r} (known: {known})", hint=_HOWTO)
    return Network.load(profile)


def attach(profile: Profile) -> Network:
    """The network of a profile, once its node is seen to be the right one; its key servers are read from the chain.

    Raises:
        NetworkError: the node does not answer, serves another chain, or the contracts are not there.
    """
    if profile.name == "local":
        from sahara_lab.localnet import attach as attach_local

        return attach_local(profile)
    network = described(profile.name) if profile.home is None else Network.load(profile)
    if not network.extra.get("own"):
        from sahara_lab.localnet import attach as attach_local

        return attach_local(profile)
    rpc = Rpc(network.rpc_url, timeout=10)
    found = _chain_id(rpc, profile.name)
    if found != network.chain_id:
        raise NetworkError(
            f"network {profile.name!r} is chain {network.chain_id}, but the node at {rpc.place} serves chain {found}",
            hint="Nothing was sent. Name the right node: sahara-lab network remove, then network add",
        )
    if not network.addresses:
        raise NetworkError(
            f"network {profile.name!r} has no contracts yet",
            hint=f"Run: sahara-lab network deploy {profile.name} --account HANDLE",
        )
    _require(profile.name, network, rpc)
    current = _with_key_servers(network)
    if current != network:
        current.save(profile)
    return current


# -- deploying --------------------------------------------------------------------------------------------------------


def quote_deployment(name: str, account: str, key_servers: int = 0) -> DeploymentQuote:
    """What deploying to a network costs, for an account of this machine.

    Raises:
        InputError: it has contracts already.
        NetworkError: the node is away or serves another chain.
    """
    from sahara_lab.chain import Keyring

    network = described(name)
    if network.addresses:
        raise InputError(f"network {name!r} has its contracts already", hint=f"Run: sahara-lab network verify {name}")
    rpc = Rpc(network.rpc_url)
    if (found := _chain_id(rpc, name)) != network.chain_id:
        raise NetworkError(f"network {name!r} is chain {network.chain_id}, but {rpc.place} serves chain {found}")
    wallet = Keyring(_profile(name)).open(account)
    price, balance = rpc.batch([("eth_gasPrice", []), ("eth_getBalance", [wallet.address, "latest"])])
    return DeploymentQuote(name, network.chain_id, _gas(key_servers), max(int(price, 16), 1), int(balance, 16))


def deploy(name: str, account: str, max_cost: int, key_servers: Sequence[Any] = ()) -> Network:
    """Deploy the contracts with the rules of a public network, and describe them.

    The contracts are sent from a purse: a key made for this, given no more than the quote and emptied afterwards. It is
    on disk until then, so that an attempt that is cut off loses nothing.

    Args:
        max_cost: the most to spend, in wei of the chain's own coin.
        key_servers: the ones registered from the start (:class:`sahara_lab.chain.KeyServerEntry`); later ones need
            a vote.

    Raises:
        PriceError: it may cost more than ``max_cost``; nothing was sent.
        FundsError: the account has less than that; nothing was sent.
        ChainError: a contract could not be deployed; what was not used is back with the account.
    """
    from sahara_lab.chain import Keyring, Rules
    from sahara_lab.chain import deploy as send_contracts

    profile, network = _profile(name), described(name)
    wallet, rpc = Keyring(profile).open(account), Rpc(network.rpc_url)
    purse = _Purse(profile, rpc, network.chain_id)
    if network.addresses and purse.kept:  # an attempt that was cut off after the last contract
        purse.empty(wallet.address)
        join(name, account)
        return network
    quote = quote_deployment(name, account, len(key_servers))
    if quote.most > max_cost:
        raise PriceError(
            f"the deployment may cost {format_tokens(quote.most, 'ETH')}, more than {format_tokens(max_cost, 'ETH')}",
            hint="Raise the cap, or wait until gas is cheaper",
        )
    if quote.balance + purse.balance() < quote.most:
        raise FundsError(f"{account} cannot pay for the deployment: {quote}", hint=f"Send coins to {wallet.address}")
    purse.fill(wallet, quote.most - 2 * _JOIN_GAS * quote.gas_price)  # the account registers itself with the rest
    try:
        made = send_contracts(rpc, purse.signer, [(wallet.address, HOLDER)], TREASURY, key_servers, Rules())
        network = replace(network, addresses=made.addresses, deployed_block=made.block)
        network = _with_key_servers(network)
        network.save(profile)
    finally:
        purse.empty(wallet.address)
    join(name, account)
    return network


def read_key_servers(file: Path) -> list[Any]:
    """Key servers to register from the start, from a JSON list of ``account``, ``url`` and ``encryption_key`` in hex.

    Raises:
        InputError: the file is not such a list.
    """
    from sahara_lab.chain import KeyServerEntry

    try:
        return [
            KeyServerEntry(checksum(one["account"]), one["url"], bytes.fromhex(one["encryption_key"]))
            for one in json.loads(file.read_text())
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{str(file)!r} is not a list of key servers ({error})") from error


def create_account(name: str, handle: str, password: str) -> str:
    """Make a keystore for a network of one's own; its address, which needs coins for gas before it can join.

    Raises:
        InputError: the password is too short.
        WalletError: the handle is malformed, or there is such a keystore.
    """
    from sahara_lab.chain import Keyring
    from sahara_lab.vault import public_bytes

    if len(password) < SHORTEST_PASSWORD:
        raise InputError(f"the password needs at least {SHORTEST_PASSWORD} characters")
    described(name)
    return Keyring(_profile(name)).create(handle, password, encryption_public=public_bytes).address


def join(name: str, account: str) -> None:
    """Register an account's handle and encryption key on a network, and let it vote. Joining twice does nothing.

    Raises:
        ChainError: somebody else has the handle, or the account cannot pay for gas.
    """
    from sahara_lab.chain import Keyring, Sender
    from sahara_lab.identity import enroll

    profile = _profile(name)
    network = attach(profile)
    wallet = Keyring(profile).open(account)
    chain = Chain(network.rpc_url, network.chain_id, network.addresses)
    enroll(chain, wallet, Sender(chain, wallet, profile.private(profile.state) / f"journal-{account}.jsonl"))


class _Purse:
    """The key that pays for one deployment."""

    def __init__(self, profile: Profile, rpc: Rpc, chain_id: int) -> None:
        self._file = profile.state / "deployer.key.json"
        self._profile, self._rpc, self._chain_id = profile, rpc, chain_id

    @property
    def kept(self) -> bool:
        """Whether an earlier attempt left it."""
        return self._file.exists()

    @cached_property
    def signer(self) -> LocalSigner:
        from sahara_lab.localnet.processes import read_json, write_json

        self._profile.private(self._profile.state)
        if not self.kept:
            write_json(self._file, {"v": 1, "key": LocalSigner.generate().private_bytes().hex()})
        return LocalSigner(bytes.fromhex(read_json(self._file)["key"]))

    def balance(self) -> int:
        """What is in it, in wei; it is not made to find out."""
        return int(self._rpc("eth_getBalance", self.signer.address, "latest"), 16) if self.kept else 0

    def fill(self, wallet: Wallet, amount: int) -> None:
        """Have the account bring it up to ``amount`` wei."""
        from sahara_lab.chain import Chain, Sender

        journal = self._profile.state / f"journal-{wallet.handle}.jsonl"
        sender = Sender(Chain(self._rpc.url, self._chain_id, {}), wallet, journal)
        sender.reconcile()  # what an attempt that was cut off has sent counts
        missing = amount - self.balance()
        if missing > 0:
            sender.pay(self.signer.address, missing)

    def empty(self, to: str) -> None:
        """Give back what is left; the key is forgotten only when nothing is."""
        from eth_account import Account

        plain = self._plain(self.signer.address, to, 0)
        rest = self.balance() - plain["gas"] * plain["gasPrice"]
        if rest > 0:
            signed = Account.from_key(self.signer.private_bytes()).sign_transaction({**plain, "value": rest})
            self._pay(bytes(signed.raw_transaction))
        self._file.unlink()

    def _plain(self, sender: str, to: str, value: int) -> dict[str, Any]:
        nonce = int(self._rpc("eth_getTransactionCount", sender, "pending"), 16)
        price = int(self._rpc("eth_gasPrice"), 16)
        return {
            "chainId": self._chain_id,
            "nonce": nonce,
            "to": to,
            "value": value,
            "gas": 21_000,
            "gasPrice": price,
        }

    def _pay(self, raw: bytes) -> None:
        sent = self._rpc("eth_sendRawTransaction", "0x" + raw.hex())
        deadline = time.monotonic() + 120
        while self._rpc("eth_getTransactionReceipt", sent) is None:
            if time.monotonic() > deadline:
                raise ChainError(
                    f"transaction {sent[:12]}… is not in a block yet", hint="Wait until it is, then deploy again"
                )
            time.sleep(0.05)


_JOIN_GAS = 1_600_000  # an encryption key of 1,216 bytes is stored
_KEY_SERVER_GAS = 1_300_000


def _gas(key_servers: int) -> int:
    """Gas of a deployment from above: creation, calldata, stored code, and what the constructors write."""
    contracts = 0
    for name in artifact_names():
        size = len(artifact(name)["bytecode"]) // 2
        contracts += 53_000 + 16 * size + 200 * size + 250_000 + 30_000 * len(abi_of(name).constructor)
    return contracts + key_servers * _KEY_SERVER_GAS + _JOIN_GAS + 42_000


# -- verifying --------------------------------------------------------------------------------------------------------


def verify(name: str) -> Iterator[Check]:
    """Compare a network with its description and with the contracts that ship with the package."""
    network = described(name)
    rpc = Rpc(network.rpc_url, timeout=10)
    found = _chain_id(rpc, name)
    yield Check("chain id", found == network.chain_id, f"{found}, described as {network.chain_id}")
    if found != network.chain_id:
        return
    if not network.addresses:
        yield Check("contracts", False, "none yet", f"sahara-lab network deploy {name} --account HANDLE")
        return
    codes = rpc.batch([("eth_getCode", [address, "latest"]) for address in network.addresses.values()])
    known = set(artifact_names())
    for (contract, address), code in zip(network.addresses.items(), codes, strict=True):
        if code in (None, "0x"):
            yield Check(contract, False, f"no contract at {address}")
        elif contract in known:
            same = _is_ours(contract, bytes.fromhex(code[2:]))
            yield Check(contract, same, f"{address} {'has our code' if same else 'has other code than ours'}")
        else:
            yield Check(contract, True, f"{address} has code that this version does not know")
    chain = Chain(network.rpc_url, network.chain_id, network.addresses)
    try:
        fee, cap = (chain.contract("ProtocolParameters").call(one) for one in ("feeBps", "maxRoyaltyBps"))
        yield Check("parameters", True, f"fee {fee / 100:g}%, royalty cap {cap / 100:g}%")
        servers = chain.contract("KeyServerRegistry").call("count")
        yield Check("key servers", servers > 0, f"{servers} registered", "" if servers else "vote for key servers")
    except ChainError as error:
        yield Check("parameters", False, str(error))


def _is_ours(name: str, code: bytes) -> bool:
    """Whether deployed code is the artifact's but for its immutables, which constructors write after a PUSH32."""
    created = bytes.fromhex(artifact(name)["bytecode"].removeprefix("0x"))
    ours = created[created.find(code[:24]) :][: len(code)]  # creation code carries the code that stays
    if len(ours) != len(code):
        return False
    start = 0
    while (start := next((i for i in range(start, len(code)) if code[i] != ours[i]), -1)) >= 0:
        push = ours.rfind(_PUSH32, max(start - 32, 0), start + 32)
        if push < 0 or not push < start <= push + 32 or code[push] != 0x7F:
            return False
        start = push + 33
    return True


# -- parts ------------------------------------------------------------------------------------------------------------


def _profile(name: str) -> Profile:
    if not _NAME.fullmatch(name) or name == "local":
        raise InputError(
            f"{name!r} cannot be the name of a network", hint="Use up to 32 of a-z, 0-9 and inner hyphens; not local"
        )
    return Profile(name)


def _chain_id(rpc: Rpc, name: str = "") -> int:
    try:
        return int(rpc("eth_chainId"), 16)
    except (NetworkError, ChainError) as error:
        which = f"network {name!r}: " if name else ""
        raise NetworkError(
            f"{which}{error.message}", hint="See that the node runs and its URL is right, or use another node"
        ) from error


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text())
        document = found if "addresses" in found else {"addresses": found}
        return {**document, "addresses": {name: checksum(at) for name, at in document["addresses"].items()}}
    except FileNotFoundError:
        raise NotFound(f"there is no file {str(file)!r}") from None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{str(file)!r} does not name contracts", hint='Write {"Directory": "0x…"} or one line per contract'
        ) from error


def _complete(chain: Chain) -> dict[str, str]:
    """All contracts of a network; those that are not named are asked of its directory."""
    missing = [name for name in artifact_names() if name not in chain.addresses]
    if "Directory" not in chain.addresses or not missing:
        return chain.addresses
    directory = chain.contract("Directory")
    try:
        # A network that was founded before a contract existed does not have it, and works without.
        known = {bytes(name).rstrip(b"\0").decode(errors="replace") for name in directory.call("names")}
        missing = [name for name in missing if name in known]
        found = chain.batch_call([(directory, "get", (name.encode().ljust(32, b"\0"),)) for name in missing])
    except ChainError as error:
        raise NetworkError(f"the directory at {directory.address} does not know our contracts") from error
    return chain.addresses | dict(zip(missing, found, strict=True))


def _require(name: str, network: Network, rpc: Rpc) -> None:
    """See that every contract is there: a contract's nonce starts at 1 (EIP-161), and is smaller than its code."""
    asked = [("eth_getTransactionCount", [address, "latest"]) for address in network.addresses.values()]
    missing = [which for which, nonce in zip(network.addresses, rpc.batch(asked), strict=True) if int(nonce, 16) == 0]
    if missing:
        raise NetworkError(
            f"network {name!r} has no contract {missing[0]} at {network.addresses[missing[0]]}",
            hint=f"The chain was made anew, or the addresses are of another one. Run: sahara-lab network verify {name}",
        )


def _with_key_servers(network: Network) -> Network:
    """The description with the key servers that the chain lists; a majority of them must agree to release a key."""
    chain = Chain(network.rpc_url, network.chain_id, network.addresses)
    registry = chain.contract("KeyServerRegistry")
    count = registry.call("count")
    entries = enumerate(chain.batch_call([(registry, "get", (number,)) for number in range(1, count + 1)]), 1)
    servers = tuple(KeyServerAddress(n, one["url"], one["account"]) for n, one in entries if one["active"])
    return replace(network, key_servers=servers, threshold=len(servers) // 2 + 1 if servers else 0)
