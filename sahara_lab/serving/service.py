"""Serving models to others, and calling theirs: ``lab.serving``."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sahara_lab.chain import Chain, Wallet
from sahara_lab.compute.link import Link
from sahara_lab.errors import AccessDenied, InputError, JobError, NotFound
from sahara_lab.licensing.access import ChainManifestSource
from sahara_lab.licensing.terms import seconds
from sahara_lab.licensing.vaults import Vaults
from sahara_lab.market.names import AssetName
from sahara_lab.profile import Profile, data_home
from sahara_lab.rental import Channel
from sahara_lab.serving.values import KeyRows, NewKey, Prepaid, Served, ServedRows, UsageRows
from sahara_lab.units import Wei, to_wei

if TYPE_CHECKING:
    from sahara_lab.serving.calling import Caller
    from sahara_lab.serving.ledger import Ledger
    from sahara_lab.serving.models import Loader

_ACTOR = "sahara_lab.serving.gateway:Gateway"
_MOST_BATCH, _MOST_REPLICAS = 1024, 256


class Serving:
    """What one account serves from this machine, and what it calls."""

    def __init__(
        self,
        profile: Profile,
        account: str,
        chain: Chain,
        wallet: Wallet,
        source: ChainManifestSource,
        vaults: Vaults,
        channels: Callable[[], Channel],
    ) -> None:
        self._profile = profile
        self._account = account
        self._chain = chain
        self._wallet = wallet
        self._source = source
        self._vaults = vaults
        self._channels = channels
        self._link = Link(profile.jobs)

    # -- serving ------------------------------------------------------------------------------------------------------

    def serve(
        self,
        name: str,
        *,
        loader: Loader | None = None,
        price: str = "0",
        replicas: int | tuple[int, int] = 1,
        batch: int = 16,
        wait: float = 0.002,
        cpus: float = 1.0,
        gpus: float = 0.0,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> Served:
        """Serve a model that the account owns or holds a license for, until stopped; serving it again replaces it.

        Args:
            name: ``owner/name[@version]``.
            loader: makes from the asset's :class:`ModelFiles` a function from a list of instances to as many
                predictions. Needed where ``config.json`` or the run does not name an architecture that is known.
            price: whole tokens a call costs who has no key, paid into the asset's royalties; the owner's to ask.
            replicas: how many copies, or the fewest and the most.
            batch, wait: most calls computed together, and seconds that one waits for others.
            cpus, gpus: of each copy.
            host, port: where the gateway listens, if it does not yet; port 0 takes any.

        Raises:
            AccessDenied: no license for inference covers it, or a price is asked for somebody else's.
            InputError: an option is not possible.
            JobError: the model cannot be loaded; says why.
        """
        import cloudpickle

        from sahara_lab.serving.paying import Model
        from sahara_lab.serving.rights import refusal

        wanted = AssetName.parse(name)
        bounds = _options(replicas, batch, wait)
        ref = self._source.resolve(wanted.plain, wanted.version)
        model = Model(wanted.plain, ref.version, ref.asset, to_wei(price), self._wallet.address)
        if reason := refusal(self._chain, model):
            raise AccessDenied(
                f"{self._account} cannot serve {wanted.plain}: {reason}",
                hint="" if model.price and "charge" in reason else f"Run: %sahara license {wanted.plain}",
            )
        path = [entry for entry in sys.path if entry]
        serving = {
            "name": f"{wanted.plain}@{ref.version}",
            "profile": self._profile.name,
            "batch": batch,
            "wait": wait,
            "replicas": bounds,
            "cpus": cpus,
            "gpus": gpus,
            "path": path,
        }
        try:
            code = cloudpickle.dumps(loader) if loader is not None else b""
        except Exception as error:
            raise JobError(f"the loader cannot be sent: {error}", hint="Open files and locks inside it") from error
        blobs = [cloudpickle.dumps(self._vaults.session_setup()), code]
        answer = self._ask("deploy", blobs, start=(host, port), model=vars(model), serving=serving)
        return _served(answer)[wanted.plain]

    def stop(self, name: str) -> None:
        """Serve a model no longer; what it earned is redeemed.

        Raises:
            NotFound: it is not served.
        """
        plain = AssetName.parse(name).plain
        if plain not in {one.name for one in self.status()}:
            raise NotFound(f"{plain} is not served here", hint="See what is: %sahara serve")
        self._ask("remove", name=plain)

    def status(self) -> ServedRows:
        """What this account serves, and how it does."""
        try:
            answer = self._ask("status")
        except ConnectionError:
            return ServedRows()
        if "absent" in answer:
            return ServedRows()
        rows = ServedRows(_served(answer).values())
        rows.note = str(answer["problem"])
        return rows

    def usage(self) -> UsageRows:
        """Calls of the account's models, by day and caller; the newest day first."""
        from sahara_lab.serving.gateway import book_path

        if not book_path(self._profile, self._account).exists():
            return UsageRows()
        return UsageRows(reversed(self._ledger.usage()))

    def settle(self) -> Wei:
        """Redeem now what callers' vouchers promise for calls so far; returns the wei that reached assets.

        The gateway does it by itself every ten minutes, at one token, and when a payer closes a channel.
        """
        from sahara_lab.serving.paying import ChannelSource, Settler

        settler = Settler(self._ledger, ChannelSource(self._chain), lambda voucher: self._channels().redeem(voucher))
        return Wei(settler.settle(now=True))

    # -- keys ---------------------------------------------------------------------------------------------------------

    def new_key(
        self, name: str = "", model: str = "", *, budget: int | None = None, lasts: str | int | None = None
    ) -> NewKey:
        """Make an API key; ``.reveal()`` shows it once, and only its hash is kept.

        Args:
            name: what it is for, for lists.
            model: the one model it opens; all of this account's when left out.
            budget: calls it is good for; any number when left out.
            lasts: how long, like "30 days"; until revoked when left out.
        """
        if budget is not None and budget < 1:
            raise InputError("a budget is one call or more")
        plain = AssetName.parse(model).plain if model else ""
        expires = time.time() + seconds(lasts) if lasts is not None else None
        title = name or "unnamed"
        return NewKey(self._ledger.new_key(title, plain, budget, expires), title)

    def keys(self) -> KeyRows:
        """The keys that were made, without the keys."""
        return KeyRows(self._ledger.keys())

    def revoke(self, key: str) -> None:
        """Make a key useless, by the id that :meth:`keys` shows, from the next call on."""
        self._ledger.revoke(key)

    # -- calling ------------------------------------------------------------------------------------------------------

    def call(
        self,
        name: str,
        payload: Any,
        *,
        max_price: str | None = None,
        budget: str | None = None,
        key: str | None = None,
        url: str | None = None,
        request_id: str | None = None,
        timeout: float = 120.0,
    ) -> Any:
        """What a served model answers to ``payload``: numbers, text, lists, objects; arrays count as lists.

        Args:
            max_price: the most this call may cost, in whole tokens; needed where it costs something.
            budget: the most that may wait for calls of this model in its channel, in whole tokens; opens it or adds to
                it. Without it only what was prepaid is spent.
            key: an API key of who serves.
            url: the gateway's address; found by itself on this machine.
            request_id: the call's own id: with the same one, and the same payload, it is charged once.
            timeout: seconds to wait for the answer.

        Raises:
            PriceError: a call costs more than ``max_price``.
            FundsError: less is prepaid than it costs.
            AccessDenied: it needs a key.
            NotFound: nobody serves it.
            JobError: the model failed; that costs nothing.
        """
        return self.call_many(
            name,
            [payload],
            max_price=max_price,
            budget=budget,
            key=key,
            url=url,
            request_id=request_id,
            timeout=timeout,
        )[0]

    def call_many(
        self,
        name: str,
        payloads: list[Any],
        *,
        max_price: str | None = None,
        budget: str | None = None,
        key: str | None = None,
        url: str | None = None,
        request_id: str | None = None,
        timeout: float = 120.0,
    ) -> list[Any]:
        """Up to 256 payloads in one call, at the price of one; see :meth:`call`."""
        return self._caller.predict(
            AssetName.parse(name).plain,
            payloads,
            max_price=max_price,
            budget=budget,
            key=key,
            url=url,
            request_id=request_id,
            timeout=timeout,
        )

    def prepay(self, name: str, amount: str) -> Prepaid:
        """Have ``amount`` whole tokens in all wait for calls of a model; the rest comes back with :meth:`refund`.

        Raises:
            FundsError: the balance is smaller.
        """
        return self._caller.prepay(AssetName.parse(name).plain, amount)

    def prepaid(self, name: str) -> Prepaid:
        """What waits for calls of a model.

        Raises:
            NotFound: nothing does.
        """
        return self._caller.prepaid(AssetName.parse(name).plain)

    def refund(self, name: str) -> Wei:
        """Get back what was prepaid and not used: begins to close, and once the delay has passed pays out the rest.

        Returns:
            What came back, in wei: 0 while the channel closes still.

        Raises:
            NotFound: nothing is prepaid.
        """
        return self._caller.refund(AssetName.parse(name).plain)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _ask(
        self, do: str, blobs: list[bytes] | None = None, *, start: tuple[str, int] | None = None, **given: Any
    ) -> dict[str, Any]:
        service = f"gateway-{self._profile.name}-{self._account}"
        if start is None:
            return self._link.ask("service", start=False, service=service, ask={"do": do, **given})
        arguments = {
            "home": str(data_home()),
            "profile": self._profile.name,
            "account": self._account,
            "host": start[0],
            "port": start[1],
        }
        return self._link.ask(
            "service", blobs, service=service, actor=_ACTOR, arguments=arguments, ask={"do": do, **given}
        )

    @cached_property
    def _ledger(self) -> Ledger:
        from sahara_lab.serving.gateway import book_path
        from sahara_lab.serving.ledger import Ledger

        self._profile.private(self._profile.folder / "serving")
        return Ledger(book_path(self._profile, self._account))

    @cached_property
    def _caller(self) -> Caller:
        from sahara_lab.serving.calling import Caller

        return Caller(
            self._profile,
            self._account,
            self._chain,
            self._wallet,
            self._channels,
            lambda: self._ledger,
            lambda name: self._source.resolve(name, None).asset,
        )


def _options(replicas: int | tuple[int, int], batch: int, wait: float) -> tuple[int, int]:
    least, most = (replicas, replicas) if isinstance(replicas, int) else replicas
    if not 1 <= least <= most <= _MOST_REPLICAS:
        raise InputError(f"replicas are 1 to {_MOST_REPLICAS}, or the fewest and the most", hint="Write 1 or (1, 4)")
    if not 1 <= batch <= _MOST_BATCH or not 0 <= wait <= 1:
        raise InputError(f"a batch is 1 to {_MOST_BATCH} calls, which wait 0 to 1 second for each other")
    return least, most


def _served(answer: dict[str, Any]) -> dict[str, Served]:
    return {
        name: Served(
            name=name,
            version=one["version"],
            url=answer["url"],
            price=Wei(one["price"]),
            state=one["state"],
            message=one["message"],
            copies=one["copies"],
            replicas=tuple(one["serving"]["replicas"]),
        )
        for name, one in answer["models"].items()
    }
