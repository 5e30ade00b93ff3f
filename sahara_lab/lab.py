"""The Lab: one object through which notebooks, widgets, the sidebar and the command line reach everything.

lab = connect()
lab.market.license("alice/digits", max_price="25")
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sahara_lab.chain.network import Network
from sahara_lab.errors import NotFound, WalletError
from sahara_lab.profile import Profile, current_account
from sahara_lab.units import Wei, format_tokens

if TYPE_CHECKING:
    from sahara_lab.chain import Chain, Receipt, Sender, Unfinished, Wallet
    from sahara_lab.governance import Dao
    from sahara_lab.identity import Directory, Identity, Teams
    from sahara_lab.licensing.records import AssetNames, Terms
    from sahara_lab.licensing.recovery import Recovery
    from sahara_lab.licensing.service import Licensing
    from sahara_lab.licensing.vaults import Vaults
    from sahara_lab.localnet import Check, Status
    from sahara_lab.market import Market
    from sahara_lab.market.sales import Sales
    from sahara_lab.rental import Channel, Escrow, Staking, Training
    from sahara_lab.rental.machine import Machine
    from sahara_lab.rental.offers import Providers
    from sahara_lab.rental.rentals import Rentals
    from sahara_lab.serving import Served, Serving

_log = logging.getLogger(__name__)
_reconciled: set[str] = set()
_reconcile_lock = threading.Lock()


def connect(profile: str = "local", account: str | None = None, *, start: bool = True) -> Lab:
    """Attach to a network, starting the embedded one when it is not running.

    Args:
        profile: which network; "local" is the embedded one, others are those of ``sahara-lab network list``.
        account: handle that acts; default is ``SAHARA_LAB_ACCOUNT``, else "alice".
        start: start the embedded network when it is not running.

    Raises:
        NetworkError: the network cannot be started or reached.
        NotFound: this machine has no keystore of that account.
    """
    where = Profile(profile)
    if start and profile == "local":
        from sahara_lab.localnet import ensure_up

        network = ensure_up(where)
    else:
        from sahara_lab.networks import attach

        network = attach(where)
    return Lab(where, _following(network), account or current_account())


def _following(network: Network) -> Network:
    """The network with the contracts that its directory names now, after whatever votes there were."""
    from sahara_lab.chain import Chain
    from sahara_lab.chain.modules import current

    return replace(network, addresses=current(Chain(network.rpc_url, network.chain_id, network.addresses)))


@dataclass(frozen=True)
class Balance:
    """What an account has: tokens and gas money, both in wei."""

    account: str
    tokens: Wei
    gas: Wei

    def __str__(self) -> str:
        return f"{self.account}: {format_tokens(self.tokens)}, {format_tokens(self.gas, 'ETH')} for gas"


class Lab:
    """One account on one network. Its parts load when first used."""

    def __init__(self, profile: Profile, network: Network, account: str) -> None:
        self.profile = profile
        self._network = network
        self.account = account
        if not (profile.keystores / f"{account}.json").exists():
            known = ", ".join(sorted(path.stem for path in profile.keystores.glob("[!.]*.json")))
            raise NotFound(f"this machine has no keystore of {account!r}", hint=f"Accounts here: {known or 'none'}")

    def use(self, account: str) -> Lab:
        """The same network as another account of this machine."""
        return Lab(self.profile, self._network, account)

    def __reduce__(self) -> str:
        raise WalletError("a Lab does not leave its process: it holds the wallet", hint="Use vault:// URLs in workers")

    def __repr__(self) -> str:
        return f"<Lab {self.account} on {self.profile.name}, chain {self._network.chain_id}>"

    # -- below: what the parts are made of ----------------------------------------------------------------------------

    @cached_property
    def chain(self) -> Chain:
        from sahara_lab.chain import Chain

        return Chain(self._network.rpc_url, self._network.chain_id, self._network.addresses)

    @cached_property
    def directory(self) -> Directory:
        from sahara_lab.identity import Directory

        return Directory(self.chain)

    @cached_property
    def keys(self) -> Wallet:
        """The account's wallet; it asks for its password at the first signature."""
        from sahara_lab.chain import Keyring

        return Keyring(self.profile).open(self.account)

    @cached_property
    def sender(self) -> Sender:
        from sahara_lab.chain import Sender

        journal = self.profile.private(self.profile.state) / f"journal-{self.account}.jsonl"
        sender = Sender(self.chain, self.keys, journal)
        with _reconcile_lock:
            if str(journal) not in _reconciled:
                for left in sender.reconcile():
                    _log.warning("%s", left)  # without further ado, one line on standard error
                _reconciled.add(str(journal))
        return sender

    @cached_property
    def _sales(self) -> Sales:
        from sahara_lab.market.sales import Sales

        block = self._network.deployed_block
        return Sales(self.chain, self.directory, self.keys, self.sender, block, self._terms, self._names)

    @cached_property
    def _terms(self) -> Terms:
        from sahara_lab.licensing.records import Terms

        return Terms(self.chain)

    @cached_property
    def _names(self) -> AssetNames:
        from sahara_lab.licensing.records import AssetNames

        return AssetNames(self.chain, self.directory)

    # -- the parts people use -----------------------------------------------------------------------------------------

    @cached_property
    def market(self) -> Market:
        """Publish, search, quote, license, earn."""
        from sahara_lab.market import Market

        return Market(
            self.profile,
            self._network,
            self.chain,
            self.directory,
            self.keys,
            self.sender,
            self._sales,
            self.licensing,
            self._names,
        )

    @cached_property
    def licensing(self) -> Licensing:
        """May something be made of these assets, under which terms, and what will it owe."""
        from sahara_lab.licensing.service import Licensing

        return Licensing(self.chain, self.directory, self.keys.address, self._terms, self._names)

    @cached_property
    def vault(self) -> Vaults:
        """Open, share and verify encrypted files."""
        from sahara_lab.licensing.vaults import Vaults

        return Vaults(
            self.profile, self.account, self._network, self.chain, self.directory, self.keys, lambda: self.sender
        )

    @cached_property
    def teams(self) -> Teams:
        """Groups of accounts that assets are shared with."""
        from sahara_lab.identity import Teams

        return Teams(self.chain, self.directory, self.keys.address, lambda: self.sender, self._network.deployed_block)

    @cached_property
    def recovery(self) -> Recovery:
        """Guardians who can give back the key of this account's vaults."""
        from sahara_lab.licensing.access import ChainManifestSource
        from sahara_lab.licensing.recovery import Recovery

        source = ChainManifestSource(self.profile, self._network, self.chain, self.directory)
        registry = self._network.addresses["AssetRegistry"]
        return Recovery(self.chain, self.directory, self.keys, source, registry)

    @cached_property
    def compute(self) -> Training:
        """Train on this machine's workers, or on a provider's."""
        from sahara_lab.rental import Training

        return Training(
            self.profile, self.account, self.vault, self.market, lambda: self._rentals, lambda: self.providers
        )

    @cached_property
    def providers(self) -> Providers:
        """Machines for rent, as their owners registered them."""
        from sahara_lab.rental.offers import Providers

        address, block = self.keys.address, self._network.deployed_block
        return Providers(self.chain, self.directory, lambda: self.identity, address, block)

    @cached_property
    def machine(self) -> Machine:
        """This machine, to be rented out."""
        from sahara_lab.rental.machine import Machine

        return Machine(
            self.profile,
            self._network,
            self.chain,
            self.directory,
            self.keys,
            lambda: self.escrow,
            lambda: self.staking,
            self.providers,
        )

    @cached_property
    def _rentals(self) -> Rentals:
        from sahara_lab.rental.rentals import Rentals

        return Rentals(
            self.profile.jobs, self.chain, self.directory, self.keys, lambda: self.escrow, self.providers, self.vault
        )

    @cached_property
    def dao(self) -> Dao:
        """Proposals, votes and the protocol's parameters."""
        from sahara_lab.governance import Dao

        return Dao(self.chain, self.directory, self.keys.address, self.sender, self._network.deployed_block)

    @cached_property
    def identity(self) -> Identity:
        """Agents: register, rate, have work checked."""
        from sahara_lab.identity import Identity

        return Identity(self.chain, self.directory, self.keys, self.sender, self._network.deployed_block)

    @cached_property
    def staking(self) -> Staking:
        """Stake behind providers and key servers."""
        from sahara_lab.rental import Staking

        return Staking(self.chain, self.directory, self.keys, self.sender)

    @cached_property
    def escrow(self) -> Escrow:
        """Jobs whose money waits in the compute escrow."""
        from sahara_lab.rental import Escrow

        return Escrow(self.chain, self.directory, self.keys, self.sender)

    @cached_property
    def channels(self) -> Channel:
        """Prepaid channels for paid calls."""
        from sahara_lab.rental import Channel

        return Channel(self.chain, self.directory, self.keys, self.sender)

    @cached_property
    def serving(self) -> Serving:
        """Serve models, hand out keys, see usage; call what others serve."""
        from sahara_lab.licensing.access import ChainManifestSource
        from sahara_lab.serving import Serving

        source = ChainManifestSource(self.profile, self._network, self.chain, self.directory)
        return Serving(self.profile, self.account, self.chain, self.keys, source, self.vault, lambda: self.channels)

    def serve(self, name: str, **options: Any) -> Served:
        """Serve a model; see :meth:`sahara_lab.serving.Serving.serve`."""
        return self.serving.serve(name, **options)

    def call(self, name: str, payload: Any, **options: Any) -> Any:
        """Call a served model; see :meth:`sahara_lab.serving.Serving.call`."""
        return self.serving.call(name, payload, **options)

    @cached_property
    def wallet(self) -> WalletView:
        """Balance and transfers."""
        return WalletView(self)

    @cached_property
    def network(self) -> NetworkView:
        """The network's health, and the embedded network's clock."""
        return NetworkView(self.profile, self._network)


class WalletView:
    """What an account may see and do with its tokens. Private keys stay in the encrypted keystore."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    @property
    def address(self) -> str:
        return self._lab.keys.address

    @property
    def handle(self) -> str:
        return self._lab.account

    @property
    def accounts(self) -> list[str]:
        """Handles of the keystores on this machine."""
        from sahara_lab.chain import Keyring

        return Keyring(self._lab.profile).names()

    def balance(self) -> Balance:
        """Tokens and gas money."""
        tokens = self._lab.chain.contract("SaharaToken").call("balanceOf", self.address)
        gas = int(self._lab.chain.rpc("eth_getBalance", self.address, "latest"), 16)
        return Balance(self._lab.account, Wei(tokens), Wei(gas))

    def transfer(self, to: str, amount: str | int) -> Receipt:
        """Send whole tokens ("2.5") to a handle or an address.

        Raises:
            FundsError: the balance is smaller.
        """
        return self._lab._sales.transfer(to, amount)

    def limit(self, amount: str | int | None) -> None:
        """The most whole tokens ("100") that this session may move from now on; None, as at first, is no limit.

        Beyond it every payment, allowance and permit is refused before it is signed. What the network's contracts were
        allowed to take before counts as moved.

        Raises:
            LimitError: that alone is more than the limit.
        """
        already = 0
        if amount is not None:
            token = self._lab.chain.contract("SaharaToken")
            asked = [(token, "allowance", (self.address, at)) for at in self._lab.chain.addresses.values()]
            already = sum(self._lab.chain.batch_call(asked))
        self._lab.keys.limit(amount, already)

    def pending(self) -> list[Unfinished]:
        """Transactions that were signed and whose end is not known, for example because a program was cut off."""
        return self._lab.sender.pending()

    def reconcile(self) -> list[Unfinished]:
        """Finish what programs that were cut off left behind, and say what became of it: once for each.

        What was signed is handed over again and counts once; nothing is signed.

        Raises:
            NetworkError: the node does not answer.
        """
        return self._lab.sender.reconcile()

    def __repr__(self) -> str:
        return f"<Wallet of {self._lab.account}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from sahara_lab.display import bundle, card, mono, text_card

        balance = self.balance()
        rows: list[tuple[str, object]] = [
            ("Address", mono(self.address)),
            ("Tokens", format_tokens(balance.tokens)),
            ("Gas money", format_tokens(balance.gas, "ETH")),
            ("Voting power", format_tokens(self._lab.dao.power())),
        ]
        if unfinished := self.pending():
            rows.append(("On their way", ", ".join(f"{one.what} ({one.tx_hash[:12]}…)" for one in unfinished)))
        return bundle(text_card(f"wallet of {self.handle}", rows), card(self.handle, rows, badge="wallet"))


class NetworkView:
    """The network behind a Lab."""

    def __init__(self, profile: Profile, network: Network) -> None:
        self._profile = profile
        self._network = network

    @property
    def recovered(self) -> str | None:
        """What was lost when the network last came back from a crash, in words."""
        return self._network.recovered

    def status(self) -> Status:
        """Whether the node and the key servers answer."""
        from sahara_lab.localnet import status

        return status(self._profile)

    def doctor(self) -> list[Check]:
        """What is wrong, and the command that repairs it."""
        from sahara_lab.localnet import doctor

        return doctor(self._profile)

    def advance(self, seconds: int | str) -> int:
        """Move the embedded network's clock forward ("5 minutes"); returns the chain's new time in seconds.

        Only the embedded network can do this. Licenses expire and votes close as if the time had passed.
        """
        from sahara_lab.licensing.terms import seconds as parse
        from sahara_lab.localnet import advance

        return advance(self._profile, parse(seconds))

    def __repr__(self) -> str:
        return f"<Network {self._profile.name}, chain {self._network.chain_id} at {self._network.rpc_url}>"
