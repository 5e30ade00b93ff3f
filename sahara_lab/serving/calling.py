"""Calling a served model: with a key, or paid by vouchers, and never above the cap. What comes back is a stranger's."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from sahara_lab.chain import Chain, Wallet
from sahara_lab.errors import (
    AccessDenied,
    FundsError,
    InputError,
    JobError,
    NetworkError,
    NotFound,
    PriceError,
    SaharaError,
)
from sahara_lab.profile import Profile
from sahara_lab.rental import CallVoucher, Channel, ChannelState
from sahara_lab.rental.offers import checked_url
from sahara_lab.rental.vouchers import salt_of, typed_data
from sahara_lab.serving.gateway import sign_path
from sahara_lab.serving.ledger import Ledger
from sahara_lab.serving.paying import MARGIN
from sahara_lab.serving.payments import REQUEST_ID, RESPONSE, SCHEME, SIGNATURE, decoded, payment
from sahara_lab.serving.values import Prepaid
from sahara_lab.units import Wei, format_tokens, to_wei

LASTS = "30 days"
_CONNECT = 5.0
_MOST_ANSWER = 64 * 1024 * 1024
_PRICE_KNOWN = 60.0  # seconds that a model's price is believed; the voucher is for that price, whatever it is by then
_OWN_KEY = 86_400.0
_ERRORS: dict[str, type[SaharaError]] = {
    kind.code: kind for kind in (AccessDenied, FundsError, InputError, NetworkError, NotFound, PriceError)
}


@dataclass(frozen=True)
class Price:
    """What a call of a model costs, in wei, and the asset it pays."""

    wei: int
    asset: int


class Caller:
    """Calls of one account."""

    def __init__(
        self,
        profile: Profile,
        account: str,
        chain: Chain,
        wallet: Wallet,
        channels: Callable[[], Channel],
        ledger: Callable[[], Ledger],
        asset_of: Callable[[str], int],
    ) -> None:
        import urllib3

        self._profile = profile
        self._account = account
        self._chain = chain
        self._wallet = wallet
        self._channels = channels
        self._ledger = ledger
        self._asset_of = asset_of
        self._pool = urllib3.PoolManager(retries=False, maxsize=16)
        self._prices: dict[tuple[str, str], tuple[float, Price]] = {}
        self._deposits: dict[str, tuple[int, int]] = {}
        self._own_keys: dict[str, str] = {}
        self._lock = threading.RLock()

    def predict(
        self,
        name: str,
        instances: list[Any],
        *,
        max_price: str | None,
        budget: str | None,
        key: str | None,
        url: str | None,
        request_id: str | None,
        timeout: float,
    ) -> list[Any]:
        """Predictions for ``instances``; see :meth:`Serving.call`."""
        base, account = (checked_url(url), "") if url else self._where(name)
        if key is None and account == self._account:
            key = self._own_key(name)
        identity = request_id or secrets.token_hex(16)
        body = orjson.dumps({"instances": instances}, option=orjson.OPT_SERIALIZE_NUMPY, default=_plain)
        path = f"{base}/v1/models/{name}:predict"
        if key is not None:
            headers = {"authorization": f"Bearer {key}", REQUEST_ID: identity}
            status, _, data = self._post(path, body, headers, timeout)
            return _predictions(status, data, len(instances))
        price = self._price(base, name)
        if price.wei and (max_price is None or to_wei(max_price) < price.wei):
            cap = "needs a cap" if max_price is None else f"is above the cap of {max_price}"
            raise PriceError(
                f"a call of {name} costs {format_tokens(price.wei)}, which {cap}",
                hint=f'Give max_price="{format_tokens(price.wei, "")}"',
            )
        return self._paid(path, name, price, body, identity, budget, timeout, len(instances))

    def prepay(self, name: str, amount: str) -> Prepaid:
        """Have ``amount`` whole tokens in all wait for calls of a model; opens the channel, or adds what is missing."""
        with self._lock:
            known, wanted = self._known(name), to_wei(amount)
            if known is None:
                self._open(name, amount)
            elif wanted > known.deposit:
                self._channels().top_up(known.channel, format_tokens(wanted - known.deposit, ""))
            found = self._known(name)
            assert found is not None
            return found

    def _open(self, name: str, amount: str) -> None:
        row = self._ledger().prepaid(name)
        if row is None or self._state(row[0]) is not None:
            # Unguessable, so that a book that was lost never meets a channel on which more was signed than it knows.
            title = f"calls of {name} {secrets.token_hex(8)}"
            contract = self._chain.contract("CallChannel")
            channel = bytes(contract.call("channelIdOf", self._wallet.address, salt_of(title))).hex()
            self._ledger().prepay(name, channel, title)
            row = (channel, title, 0)
        self._channels().open(row[1], asset=self._asset_of(name), deposit=amount, lasts=LASTS)

    def prepaid(self, name: str) -> Prepaid:
        """What waits for calls of a model.

        Raises:
            NotFound: nothing does.
        """
        found = self._known(name)
        if found is None:
            raise NotFound(f"nothing is prepaid for {name}", hint=f'Prepay: lab.serving.prepay("{name}", "1")')
        return found

    def refund(self, name: str) -> Wei:
        """Begin to close the channel of a model, or pay out its rest; returns the wei that came back.

        Raises:
            NotFound: nothing is prepaid.
        """
        row = self._ledger().prepaid(name)
        state = self._state(row[0]) if row else None
        if row is None or state is None or state.closed:
            raise NotFound(f"nothing is prepaid for {name}")
        self._deposits.pop(name, None)
        now = self._chain.block("pending").timestamp
        if now >= state.closes_at:
            closed = self._channels().finish(state.id)
            self._channels().claim()
            return Wei(closed.deposit - closed.redeemed)
        if state.closes_at - now > self._chain.contract("CallChannel").call("CLOSE_DELAY"):
            self._channels().close(state.id)
        return Wei(0)

    # -- paying -------------------------------------------------------------------------------------------------------

    def _paid(
        self,
        path: str,
        name: str,
        price: Price,
        body: bytes,
        identity: str,
        budget: str | None,
        timeout: float,
        many: int,
    ) -> list[Any]:
        headers = {REQUEST_ID: identity}
        if not price.wei:
            status, _, data = self._post(path, body, headers, timeout)
            return _predictions(status, data, many)
        channel, signed = self._reserve(name, price.wei, budget)
        voucher = self._sign(channel, signed)
        charged = None
        try:
            status, charged, data = self._post(path, body, {**headers, SIGNATURE: payment(voucher)}, timeout)
            if status == 402:
                self._prices.clear()  # it may cost something else by now
            return _predictions(status, data, many)
        finally:
            if charged == 0:  # said so by who would have been paid
                self._ledger().give_back(name, signed, price.wei)

    def _reserve(self, name: str, price: int, budget: str | None) -> tuple[str, int]:
        """The channel, and what is to be signed on it in all."""
        with self._lock:
            known = self._known(name, fresh=False)
            if known is None or known.signed + price > known.deposit:
                if budget is None or (known and to_wei(budget) < known.signed + price) or to_wei(budget) < price:
                    left = "nothing" if known is None else format_tokens(known.left)
                    raise FundsError(
                        f"a call of {name} costs {format_tokens(price)}, and {left} is prepaid",
                        hint=f'Prepay: lab.serving.prepay("{name}", "1"), or give a budget',
                    )
                known = self.prepay(name, budget)
            return known.channel, self._ledger().reserve(name, price)

    def _known(self, name: str, *, fresh: bool = True) -> Prepaid | None:
        """The open channel for a model. What the chain says of it is asked once, unless ``fresh``."""
        row = self._ledger().prepaid(name)
        if row is None:
            return None
        channel, _, signed = row
        if fresh or name not in self._deposits:
            state = self._state(channel)
            now = max(time.time(), self._chain.block("latest").timestamp)
            if state is None or state.closed or state.closes_at - now < MARGIN:
                self._deposits.pop(name, None)
                return None
            self._deposits[name] = (state.deposit, state.closes_at)
        deposit, closes_at = self._deposits[name]
        if closes_at <= time.time():
            return None
        return Prepaid(name, channel, Wei(deposit), Wei(signed), closes_at)

    def _state(self, channel: str) -> ChannelState | None:
        try:
            return self._channels().state(channel)
        except NotFound:
            return None

    def _sign(self, channel: str, amount: int) -> CallVoucher:
        contract = self._chain.contract("CallChannel")
        message = typed_data(CallVoucher, contract, self._chain.chain_id, bytes.fromhex(channel), amount)
        return CallVoucher(channel, amount, self._wallet.sign_typed_data(message).hex())

    def _price(self, base: str, name: str) -> Price:
        """What a call costs now. Where it goes is held against the chain: the server's word counts for the amount only.

        Raises:
            IntegrityError: the server wants to be paid otherwise than into the asset's royalties.
        """
        kept = self._prices.get((base, name))
        if kept and time.monotonic() - kept[0] < _PRICE_KNOWN:
            return kept[1]
        _, _, data = self._ask("GET", f"{base}/v1/models/{name}", None, {}, 30.0)
        found = _object(data)
        asset = self._asset_of(name)
        try:
            wei = int(found["price"])
            accepted = found["payment"]["accepts"][0]
            good = (
                accepted["scheme"] == SCHEME
                and accepted["network"] == f"eip155:{self._chain.chain_id}"
                and accepted["payTo"].lower() == self._chain.contract("CallChannel").address.lower()
                and int(accepted["extra"]["royaltyAsset"]) == asset
                and int(accepted["amount"]) == wei >= 0
            )
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            good = False
        if not good:
            problem = found.get("error")
            if isinstance(problem, dict):
                raise _problem(problem)
            raise PriceError(f"the server of {name} does not take payment into the asset's royalties on this network")
        price = Price(wei, asset)
        self._prices[(base, name)] = (time.monotonic(), price)
        return price

    # -- the way there ------------------------------------------------------------------------------------------------

    def _where(self, name: str) -> tuple[str, str]:
        """The address and the account of who serves a model on this machine; its owner first.

        Raises:
            NotFound: nobody does.
        """
        folder = sign_path(self._profile, self._account).parent
        owner = name.partition("/")[0]
        for path in sorted(folder.glob("*.json"), key=lambda path: (path.stem != owner, path.stem != self._account)):
            try:
                sign = json.loads(path.read_text("utf-8"))
                if name in sign["models"]:
                    return str(sign["url"]), path.stem
            except (OSError, ValueError, KeyError, TypeError):
                continue
        raise NotFound(f"{name} is not served on this machine", hint=f"Run: %sahara serve {name}, or give url=")

    def _own_key(self, name: str) -> str:
        """A key for the account's own calls to its own gateway, known to this process only."""
        with self._lock:
            if name not in self._own_keys:
                self._own_keys[name] = self._ledger().new_key("own calls", name, None, time.time() + _OWN_KEY)
            return self._own_keys[name]

    def _post(self, url: str, body: bytes, headers: dict[str, str], timeout: float) -> tuple[int, int | None, bytes]:
        """Send a call; once more when the connection broke, which its id makes one call still."""
        try:
            return self._ask("POST", url, body, headers, timeout)
        except NetworkError:
            status, _, data = self._ask("POST", url, body, headers, timeout)
            return status, None, data  # the first one may have been charged: this answer does not say

    def _ask(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str], timeout: float
    ) -> tuple[int, int | None, bytes]:
        import urllib3

        try:
            response = self._pool.request(
                method,
                url,
                body=body,
                headers={"content-type": "application/json", **headers},
                timeout=urllib3.Timeout(connect=_CONNECT, read=timeout),
                preload_content=False,
                redirect=False,
            )
            data: bytes = response.read(_MOST_ANSWER + 1)
            response.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise NetworkError("the model's server does not answer", hint="See: %sahara serve") from error
        if len(data) > _MOST_ANSWER:
            raise NetworkError("the answer is too long")
        charged = None
        if RESPONSE in response.headers:
            said = decoded(response.headers[RESPONSE]).get("charged")
            charged = int(said) if isinstance(said, str) and said.isascii() and said.isdigit() else None
        elif response.status in (400, 401, 402, 404, 422):
            charged = 0
        return response.status, charged, data


def _predictions(status: int, data: bytes, many: int) -> list[Any]:
    found = _object(data)
    if status != 200:
        problem = found.get("error")
        raise _problem(problem if isinstance(problem, dict) else {})
    predictions = found.get("predictions")
    if not isinstance(predictions, list) or len(predictions) != many:
        raise NetworkError("the model's answer makes no sense")
    return predictions


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise NetworkError("the model's answer makes no sense")
    return found


def _problem(problem: dict[str, Any]) -> SaharaError:
    kind = _ERRORS.get(str(problem.get("code")), JobError)
    detail = " ".join(str(problem.get("message") or "the call failed")[:300].split())
    return kind(f"the model's server says: {detail}", hint=" ".join(str(problem.get("hint", ""))[:200].split()))


def _plain(value: Any) -> Any:
    """Tensors and arrays as lists."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(type(value).__name__)
