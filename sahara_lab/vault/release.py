"""Asking key servers for a key: all at once, until enough have answered with the share the owner published."""

from __future__ import annotations

import base64
import hashlib
import json
import queue
import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations, islice
from typing import Any

import orjson

from sahara_lab.errors import AccessDenied, IntegrityError, KeyServersUnavailable, LicenseExpired, SaharaError
from sahara_lab.signing import canonical_json
from sahara_lab.vault.manifest import Manifest, Release, SealedShare
from sahara_lab.vault.nodes import Grant
from sahara_lab.vault.receipts import LINE_FIELDS, verify_receipt
from sahara_lab.vault.sealing import new_seed, open_sealed, private_key, public_bytes
from sahara_lab.vault.typed import MAX_REQUEST, typed
from sahara_lab.vault.values import Credentials, Session, VaultRef
from sahara_lab.vault.wrapping import open_release, share_digest

CONNECT_TIMEOUT = 2.0
READ_TIMEOUT = 10.0
NOT_FINAL_PATIENCE = 8.0  # seconds to wait for a purchase to become final
NOT_FINAL_PAUSE = 0.2
MAX_ANSWER = 64 << 10
MOST_SUBSETS = 64  # of shares that are tried when an owner has published wrong ones
_FAILURES = {"unreachable", "wrong-share", "wrong-receipt", "internal", "busy"}  # no decision about the license
_PASSING = {"not-final", "too-many"}  # worth waiting a moment for
_RELEASE = b"sahara-vault/v1/release\0"


@dataclass(frozen=True)
class Released:
    """What a class opens, and the receipts that the servers signed for it; ``until`` is when the license ends, or 0."""

    grant: Grant
    receipts: list[dict[str, Any]] = field(default_factory=list)
    until: int = 0


@dataclass(frozen=True)
class Answer:
    """One server's answer: a share with its receipt, or why there is none."""

    server: int
    index: int
    share: bytes | None = field(default=None, repr=False)
    receipt: dict[str, Any] | None = None
    refusal: str = ""
    detail: str = ""


def reply_info(request: dict[str, Any]) -> bytes:
    """HPKE ``info`` under which a server seals its share for the requester: the request itself."""
    return _RELEASE + hashlib.sha256(canonical_json(request)).digest()


def request_keys(ref: VaultRef, manifest: Manifest, credentials: Credentials, use: str) -> list[Released]:
    """Have the key servers release what this account may open: once in a session, which remembers it.

    The class of the whole version when that is allowed, else every class that is: parts shared with a team, say.

    Raises:
        AccessDenied: the servers say that no license covers the use.
        LicenseExpired: it has run out.
        KeyServersUnavailable: fewer servers answered than the threshold.
        IntegrityError: what they released is not what the owner published.
    """
    if not manifest.release:
        raise AccessDenied(
            f"{ref.name} is shared only directly by its owner", hint="Ask the owner to share it with you"
        )
    session = credentials.session()
    wanted = (ref.manifest_hash, credentials.account, use)
    known: list[Released] = session.released.get(wanted, [])
    now = time.time()
    if known and session.expires_at > now and all(not one.until or one.until > now for one in known):
        return known
    found: list[Released] = []
    denied: AccessDenied | None = None
    for release in sorted(manifest.release, key=lambda entry: entry.node != manifest.root_node):
        try:
            found.append(_Request(ref, manifest, release, credentials.account, session, use).run())
        except AccessDenied as error:
            denied = denied or error
            continue
        if release.node == manifest.root_node:
            break
    if not found:
        raise denied or AccessDenied(f"{ref.name} has no access class")
    session.released[wanted] = found
    return found


class _Request:
    """One release: the same question to every server of an access class."""

    def __init__(
        self, ref: VaultRef, manifest: Manifest, release: Release, account: str, session: Session, use: str
    ) -> None:
        self._ref = ref
        self._manifest = manifest
        self._release = release
        self._account = account
        self._session = session
        self._use = use
        self._seed = new_seed()
        self._key = private_key(self._seed)
        self._public = public_bytes(self._seed)

    def run(self) -> Released:
        deadline: float | None = None  # from the first round on, which may have waited long for a silent server
        pending: Iterable[SealedShare] = self._release.shares
        good: dict[int, Answer] = {}
        answers: dict[int, Answer] = {}
        while True:
            for answer in self._ask(list(pending)):
                answers[answer.index] = answer
                if answer.share is not None:
                    good[answer.index] = answer
                    if released := self._join_with(answer, good):
                        return released
            pending = [share for share in self._release.shares if answers[share.index].refusal in _PASSING]
            deadline = deadline or time.monotonic() + NOT_FINAL_PATIENCE
            if not pending or time.monotonic() > deadline:
                if len(good) >= self._release.threshold:
                    raise IntegrityError(
                        f"the key of {self._ref.name} cannot be joined: its owner published shares of no one key",
                        hint="Ask the owner to renew the keys",
                    )
                raise self._explain(list(answers.values()))
            time.sleep(NOT_FINAL_PAUSE)

    def _join_with(self, newest: Answer, good: dict[int, Answer]) -> Released | None:
        """Join the newest share with others; any ``threshold`` of honest shares give one key, the first tried does."""
        others = [answer for answer in good.values() if answer is not newest]
        for chosen in islice(combinations(others, self._release.threshold - 1), MOST_SUBSETS):
            try:
                return self._join({answer.index: answer for answer in (newest, *chosen)})
            except IntegrityError:
                continue
        return None

    def _join(self, good: dict[int, Answer]) -> Released:
        shares = {index: answer.share for index, answer in good.items() if answer.share is not None}
        grant = open_release(self._manifest.scope(), self._release, shares)
        receipts = [answer.receipt for answer in good.values() if answer.receipt is not None]
        ends = [receipt["until"] for receipt in receipts if receipt.get("until")]
        return Released(grant, receipts, min(ends, default=0))

    def _ask(self, shares: list[SealedShare]) -> Iterable[Answer]:
        """Ask all at once; answers as they come. Threads are daemons: a server that hangs holds nobody up."""
        # Requests are signed one after another here: signing is quick and the signer need not be thread-safe.
        bodies = [(share, self._body(share)) for share in shares]
        answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        for share, body in bodies:
            threading.Thread(
                target=lambda share=share, body=body: answers.put(self._exchange(share, body)), daemon=True
            ).start()
        for _ in bodies:
            yield answers.get()

    def _body(self, share: SealedShare) -> dict[str, Any]:
        request = {
            "server": share.server,
            "account": self._account,
            "asset": str(self._ref.asset),
            "dataset": self._manifest.dataset.hex(),
            "epoch": self._manifest.epoch,
            "accessClass": self._release.name,
            "use": self._use,
            "index": share.index,
            "threshold": self._release.threshold,
            "shares": len(self._release.shares),
            "sealedShare": hashlib.sha256(share.sealed).hexdigest(),
            "replyKey": hashlib.sha256(self._public).hexdigest(),
            "nonce": secrets.token_hex(32),
            "expires": int(time.time()) + MAX_REQUEST,
        }
        signature = self._session.signer.sign_typed_data(
            typed("ReleaseRequest", request, self._manifest.chain_id, self._manifest.registry)
        )
        return {
            "request": request,
            "signature": signature.hex(),
            "delegation": self._session.delegation,
            "delegation_signature": self._session.delegation_signature.hex(),
            "sealed_share": base64.b64encode(share.sealed).decode(),
            "reply_key": base64.b64encode(self._public).decode(),
        }

    def _exchange(self, share: SealedShare, body: dict[str, Any]) -> Answer:
        url = self._ref.key_servers.get(share.server, share.url)
        try:
            status, document = exchange(f"{url.rstrip('/')}/v1/release", body)
        except (OSError, ValueError) as error:
            return Answer(share.server, share.index, refusal="unreachable", detail=str(error))
        try:
            if status != 200:
                problem = document["error"]
                return Answer(
                    share.server, share.index, refusal=str(problem["code"]), detail=str(problem["detail"])[:300]
                )
            sealed = base64.b64decode(document["sealed_share"], validate=True)
            plain = open_sealed(self._key, reply_info(body["request"]), sealed)
        except (KeyError, TypeError, ValueError, IntegrityError):
            return Answer(share.server, share.index, refusal="unreachable", detail="its answer makes no sense")
        if share_digest(share.index, plain) != share.digest:
            return Answer(share.server, share.index, refusal="wrong-share", detail="it answered with a wrong share")
        line = {name: document[name] for name in LINE_FIELDS if name in document}
        if not self._is_receipt(share.server, body["request"], line):
            return Answer(share.server, share.index, refusal="wrong-receipt", detail="its receipt is not right")
        return Answer(share.server, share.index, plain, line)

    def _is_receipt(self, server: int, request: dict[str, Any], line: dict[str, Any]) -> bool:
        """Whether a server's receipt says what was asked, and is signed with the key that the registry has of it."""
        receipt, until = line.get("receipt"), line.get("until", 0)
        if not isinstance(receipt, dict) or type(until) is not int:
            return False
        said = {
            "server": server,
            "account": self._account,
            "session": self._session.signer.address,
            "asset": request["asset"],
            "epoch": request["epoch"],
            "accessClass": request["accessClass"],
            "use": request["use"],
            "request": hashlib.sha256(reply_info(request)).hexdigest(),
        }
        if any(receipt.get(name) != value for name, value in said.items()):
            return False
        account = self._ref.server_accounts.get(server)
        signature = line.get("signature")
        chain_id, registry = self._manifest.chain_id, self._manifest.registry
        return account is None or verify_receipt(
            receipt, str(signature), account=account, chain_id=chain_id, registry=registry
        )

    def _explain(self, answers: list[Answer]) -> SaharaError:
        """The one error that says most about why there is no key."""
        name, needed, total = self._ref.name, self._release.threshold, len(answers)
        refusals = [a for a in answers if a.refusal and a.refusal not in _FAILURES]
        reachable = sum(a.refusal not in _FAILURES for a in answers)
        if refusals and reachable >= needed:
            return _denied(name, self._use, refusals)
        lied = "".join(
            f"; key server {', '.join(str(a.server) for a in liars)} answered with a {what.replace('-', ' ')}"
            for what in ("wrong-share", "wrong-receipt")
            if (liars := [a for a in answers if a.refusal == what])
        )
        return KeyServersUnavailable(
            f"{reachable} of {total} key servers answered, {needed} needed{lied}", hint="Run: sahara-lab doctor"
        )


def _denied(name: str, use: str, refusals: list[Answer]) -> SaharaError:
    codes = [a.refusal for a in refusals]
    code = max(set(codes), key=codes.count)
    detail = next(a.detail for a in refusals if a.refusal == code)
    get_one = f"Run: %sahara license {name}"
    if code == "expired":
        return LicenseExpired(f"your license for {name} has expired", hint=get_one)
    if code == "no-license":
        return AccessDenied(f"{name} needs a license that allows {use!r}, and this account has none", hint=get_one)
    if code == "compute-only":
        return AccessDenied(f"your license for {name} is compute-only: its data cannot be read here", hint=get_one)
    if code == "not-final":
        return AccessDenied(f"your license for {name} is not final yet", hint="Try again in a few seconds")
    if code == "too-many":
        return AccessDenied(f"the key servers have had too many requests of this account: {detail}")
    if code == "stale-epoch":
        return AccessDenied(f"the keys of {name} were renewed since it was opened", hint="Open it again")
    if code == "bad-session":
        return AccessDenied(f"the key servers do not accept this session for {name}: {detail}", hint="Connect again")
    return AccessDenied(f"the key servers refuse {name}: {detail or code}", hint="Run: sahara-lab doctor")


def exchange(url: str, body: dict[str, Any] | None = None, *, limit: int = MAX_ANSWER) -> tuple[int, dict[str, Any]]:
    """POST JSON to a key server, or GET from it without a body: status and document.

    Raises:
        OSError: there is no answer.
        ValueError: it is not a JSON object, or longer than ``limit`` bytes.
    """
    import urllib3

    if not url.startswith(("http://", "https://")):
        raise ValueError("not an http address")
    try:
        with urllib3.PoolManager(retries=False) as pool:
            response = pool.request(
                "GET" if body is None else "POST",
                url,
                body=None if body is None else json.dumps(body).encode(),
                headers={"content-type": "application/json"},
                timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT),
                preload_content=False,
                redirect=False,
            )
            data = response.read(limit + 1)
            response.release_conn()
    except urllib3.exceptions.HTTPError as error:
        raise OSError(str(error)) from error
    if len(data) > limit:
        raise ValueError("the answer is too long")
    document = orjson.loads(data)
    if not isinstance(document, dict):
        raise ValueError("the answer is not an object")
    return response.status, document
