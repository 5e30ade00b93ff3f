"""The gateway: the Ray actor through which an account's served models are reached.

It stands in place of Ray Serve's own HTTP proxy, which asks nobody for a key and stays off. The models are Ray Serve
deployments in processes of their own, which see neither keys nor wallet.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import threading
import time
from functools import cached_property
from pathlib import Path
from typing import Any

from sahara_lab.compute.record import write_private
from sahara_lab.errors import SaharaError, WalletError
from sahara_lab.profile import ACCOUNT_VARIABLE, HOME_VARIABLE, Profile
from sahara_lab.serving.app import Counter, Deployed
from sahara_lab.serving.ledger import Ledger
from sahara_lab.serving.paying import ChannelSource, Model, Settler, Till
from sahara_lab.serving.payments import Digests, terms
from sahara_lab.serving.replica import Answer, Serving, deployment

_log = logging.getLogger(__name__)
_LOOK = 5.0  # seconds between two looks at what is earned and closing
_RIGHTS = 15.0  # seconds between two looks at whether the account may still serve
_SESSION = 1500.0  # seconds after which a reader's session is made anew
_STARTED = 15.0
_LOGGING = {"enable_access_log": False, "log_level": "WARNING"}


class Gateway:
    """One account's gateway on one machine.

    Args:
        service: the actor's own name.
        home: the data folder of who serves.
        host, port: where to listen; port 0 takes any that is free.
    """

    def __init__(self, service: str, *, home: str, profile: str, account: str, host: str, port: int) -> None:
        os.environ[HOME_VARIABLE], os.environ[ACCOUNT_VARIABLE] = home, account
        self._service = service
        self._profile = Profile(profile)
        self._account = account
        self._deployed: dict[str, Deployed] = {}
        self._applications: dict[str, str] = {}
        self._asked: dict[str, dict[str, Any]] = {}
        self._given: tuple[float, bytes] | None = None
        self._deploying = ""
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._problem = ""

        from sahara_lab.chain.modules import current
        from sahara_lab.licensing.access import open_chain

        network, chain = open_chain(self._profile)
        chain.addresses.update(current(chain))
        self._network, self._chain = network, chain
        self._ledger = Ledger(book_path(self._profile, account))
        self._channels = ChannelSource(chain)
        contract = chain.contract("CallChannel")
        self._token = chain.addresses["SaharaToken"]
        till = Till(self._ledger, self._channels, Digests(chain.chain_id, contract.address), self._token)
        self._settler = Settler(
            self._ledger,
            self._channels,
            lambda voucher: self._payee.redeem(voucher),
            notice=contract.call("CLOSE_DELAY"),
        )
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        self.url = f"http://{host}:{listener.getsockname()[1]}"
        self._listen(Counter(self._deployed, till, self._terms), listener)
        threading.Thread(target=self._look, name="settling", daemon=True).start()

    # -- what the keeper asks -----------------------------------------------------------------------------------------

    def handle(self, request: dict[str, Any], blobs: list[bytes]) -> dict[str, Any]:
        """Answer the account's own programs: deploy, remove, status. Failures are answers."""
        try:
            match request["do"]:
                case "deploy":
                    self._given = (time.monotonic(), blobs[0])
                    self._deploy(request, blobs[1] or None)
                case "remove":
                    self._remove(str(request["name"]))
            return self.status()
        except SaharaError as error:
            return {"error": error.message, "hint": error.hint}

    def status(self) -> dict[str, Any]:
        """Where the gateway is, and how its models do."""
        from ray import serve

        found = serve.status().applications if self._applications else {}
        models = {}
        for name, asked in self._asked.items():
            application = found.get(self._applications[name])
            copies = application.deployments["model"].replica_states if application else {}
            refused = self._deployed[name].refused
            models[name] = {
                **asked,
                "state": "refused" if refused else str(application.status.value).lower() if application else "missing",
                "message": refused or (application.message if application else ""),
                "copies": sum(
                    count for state, count in copies.items() if str(getattr(state, "value", state)) == "RUNNING"
                ),
            }
        return {"url": self.url, "models": models, "problem": self._problem, "pid": os.getpid()}

    def idle(self) -> bool:
        """Whether nothing is served and none ever will be by itself."""
        return not self._asked

    def session(self) -> bytes:
        """What lets a model read its files for at most 30 minutes: the session given at last, or a fresh one."""
        import cloudpickle

        if self._given is None or time.monotonic() - self._given[0] > _SESSION:
            from sahara_lab.licensing.filesystem import backend
            from sahara_lab.licensing.vaults import SessionSetup

            _, credentials = backend(self._profile, self._account)
            setup = SessionSetup(
                self._profile.name,
                str(self._profile.folder),
                self._account,
                credentials.account,
                credentials.session(),
            )
            self._given = (time.monotonic(), cloudpickle.dumps(setup))
        return self._given[1]

    def deploying(self, name: str) -> bool:
        """Whether ``name@version`` is being deployed at this moment."""
        return self._deploying == name

    def close(self) -> None:
        """Redeem what was earned, and stop."""
        self._ended.set()
        self._settle(now=True)
        self._server.should_exit = True
        sign_path(self._profile, self._account).unlink(missing_ok=True)
        for name in list(self._asked):
            with contextlib.suppress(Exception):
                self._remove(name)
        self._ledger.close()

    # -- models -------------------------------------------------------------------------------------------------------

    def _deploy(self, request: dict[str, Any], loader: bytes | None) -> None:
        from ray import serve

        from sahara_lab.errors import JobError

        model, serving = Model(**request["model"]), Serving(**request["serving"])
        serving = Serving(**{**request["serving"], "replicas": tuple(serving.replicas), "path": tuple(serving.path)})
        name = f"{self._service}-{model.asset}"
        with self._lock:
            serve.start(proxy_location="Disabled", logging_config=_LOGGING)
            application = deployment(serving, self._service, loader)
            self._deploying = serving.name
            try:
                handle = serve.run(application, name=name, route_prefix=None, logging_config=_LOGGING)
                failure, kind = handle.ready.remote().result(timeout_s=60)
            except (RuntimeError, TimeoutError) as error:
                failure = str(error).splitlines()[0]
            finally:
                self._deploying = ""
            if failure:
                serve.delete(name)
                self._forget(model.name)
                raise JobError(f"{serving.name} cannot be served: {failure}")

            async def ask(body: bytes) -> Answer:
                answer: Answer = await handle.remote(body)
                return answer

            self._deployed[model.name] = Deployed(model, ask, kind)
            self._applications[model.name] = name
            self._asked[model.name] = {**request["model"], "serving": request["serving"]}
            self._sign()

    def _remove(self, name: str) -> None:
        from ray import serve

        if name in self._applications:
            application = self._applications[name]
            self._forget(name)
            serve.delete(application)
            self._settle(now=True)

    def _forget(self, name: str) -> None:
        self._deployed.pop(name, None)
        self._asked.pop(name, None)
        self._applications.pop(name, None)
        self._sign()

    def _sign(self) -> None:
        """Say on this machine what is served where."""
        path = sign_path(self._profile, self._account)
        write_private(path, json.dumps({"url": self.url, "models": sorted(self._deployed)}).encode())

    # -- inside -------------------------------------------------------------------------------------------------------

    def _listen(self, counter: Counter, listener: socket.socket) -> None:
        import uvicorn

        config = uvicorn.Config(
            counter.app(),
            log_level="warning",
            access_log=False,
            server_header=False,
            limit_concurrency=1024,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=5,
        )
        self._server = uvicorn.Server(config)
        threading.Thread(target=self._server.run, args=([listener],), name="http", daemon=True).start()
        deadline = time.monotonic() + _STARTED
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.01)

    def _terms(self, model: Model, url: str) -> dict[str, Any]:
        return terms(
            url,
            price=model.price,
            chain_id=self._chain.chain_id,
            token=self._token,
            contract=self._chain.contract("CallChannel").address,
            asset=model.asset,
        )

    @cached_property
    def _payee(self) -> Any:
        """Sends vouchers to the chain, at this account's cost of gas."""
        from sahara_lab.chain import Keyring, Sender
        from sahara_lab.identity import Directory
        from sahara_lab.rental import Channel

        wallet = Keyring(self._profile).open(self._account)
        journal = self._profile.private(self._profile.state) / f"journal-{self._account}.jsonl"
        return Channel(self._chain, Directory(self._chain), wallet, Sender(self._chain, wallet, journal))

    def _look(self) -> None:
        """Settle what is due, and see that the account may still serve."""
        looked = 0.0
        while not self._ended.wait(_LOOK):
            self._settle()
            if time.monotonic() - looked >= _RIGHTS:
                looked = time.monotonic()
                with contextlib.suppress(SaharaError):
                    self._check_rights()

    def _settle(self, *, now: bool = False) -> None:
        try:
            self._settler.settle(now=now)
            self._problem = ""
        except WalletError:
            self._problem = "what was earned waits for your password: sahara-lab serving settle"
        except Exception as error:  # the node may be away; what was earned is in the book
            self._problem = f"what was earned could not be redeemed: {error}"

    def _check_rights(self) -> None:
        from sahara_lab.serving.rights import refusal

        for one in list(self._deployed.values()):
            one.refused = refusal(self._chain, one.model)


def book_path(profile: Profile, account: str) -> Path:
    """Where an account's book of calls lies."""
    return profile.folder / "serving" / f"{account}.sqlite3"


def sign_path(profile: Profile, account: str) -> Path:
    """Where an account's gateway says on this machine what it serves."""
    return profile.folder / "serving" / f"{account}.json"
