"""Providers: what a machine is, what it costs, and how its owner kept their word so far, all of it on chain."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sahara_lab.chain import Chain
from sahara_lab.compute.verification.attestation import NONE, TEE, Attestation, maker_name
from sahara_lab.compute.verification.pins import cpu_name
from sahara_lab.display import Rows
from sahara_lab.errors import ChainError, InputError, NotFound
from sahara_lab.identity import Directory, Identity
from sahara_lab.identity.directory import ZERO_ADDRESS
from sahara_lab.rental.checks import answer_check, ask_check, checks_of_agents
from sahara_lab.signing import canonical_json
from sahara_lab.units import Wei, format_tokens

ENTRY = "sahara.compute"
_PAGE = 200
_SECOND = 1.0
ZERO = Wei(0)


@dataclass(frozen=True)
class Hardware:
    """A machine as it measured itself. Sizes in bytes; ``gflops`` is one thread's matrix product, single precision."""

    cpu: str
    cores: int
    gpus: tuple[str, ...]
    memory: int
    disk: int
    gflops: int

    def __str__(self) -> str:
        gpus = f", {len(self.gpus)} × {self.gpus[0]}" if self.gpus else ""
        return f"{self.cores} cores{gpus}, {self.memory >> 30} GiB, {self.disk >> 30} GiB disk, {self.gflops} GFLOPS"


def measure(folder: Path) -> Hardware:
    """Measure this machine; takes about a second. ``folder`` is where jobs will keep their files."""
    import psutil

    return Hardware(
        cpu=cpu_name(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        gpus=_gpus(),
        memory=int(psutil.virtual_memory().total),
        disk=shutil.disk_usage(folder).free,
        gflops=_gflops(),
    )


def _gpus() -> tuple[str, ...]:
    import torch

    return tuple(torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count()))


def _gflops() -> int:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        matrix = torch.ones(512, 512)
        products, began = 0, time.monotonic()
        while (spent := time.monotonic() - began) < _SECOND:
            matrix @ matrix
            products += 1
        return int(products * 2 * 512**3 / spent / 1e9)
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class Offer:
    """What a provider registered: where it is, what it has, what it asks. Amounts in wei.

    Attributes:
        rate: price of a resource second: one worker for one second.
        workers: how many can run there at the same time.
        stake: of the provider's stake, what it puts behind a job.
        heartbeat: seconds between two vouchers.
        isolation: what it puts around strangers' code, in its own words.
        tee: maker of the trusted machine that it says it is; nothing when it does not.
        passed, failed: segments of its jobs that renters computed again, by what they recorded on chain.
        checkers: by how many renters.
    """

    provider: str
    agent: int
    url: str
    rate: Wei
    workers: int
    stake: Wei
    heartbeat: int
    isolation: str
    hardware: Hardware
    staked: Wei = ZERO
    completed: int = 0
    ended_badly: int = 0
    tee: str = ""
    passed: int = 0
    failed: int = 0
    checkers: int = 0

    @property
    def track_record(self) -> str:
        """Jobs that were completed, those that a judge or time ended against the provider, and segments recomputed."""
        text = f"{self.completed} done" + (f", {self.ended_badly} not" if self.ended_badly else "")
        if self.passed + self.failed:
            by = f"{self.checkers} renter{'s' * (self.checkers > 1)}"
            text += f"; {self.passed} of {self.passed + self.failed} segments that {by} recomputed were right"
        return text

    @property
    def attestation(self) -> str:
        """What the machine says it is, and what that is worth."""
        return str(Attestation(TEE, self.tee)) if self.tee else NONE

    def __str__(self) -> str:
        return f"{self.provider}: {self.hardware}; {format_tokens(self.rate)} a worker second; {self.isolation}"

    def encode(self) -> bytes:
        """What is written on chain."""
        return canonical_json(
            {
                "v": 1,
                "url": self.url,
                "rate": str(self.rate),
                "workers": self.workers,
                "stake": str(self.stake),
                "heartbeat": self.heartbeat,
                "isolation": self.isolation,
                **({"tee": self.tee} if self.tee else {}),
                "hardware": {**asdict(self.hardware), "gpus": list(self.hardware.gpus)},
            }
        )

    @classmethod
    def decode(cls, data: bytes, provider: str, agent: int) -> Offer:
        """Read what somebody wrote on chain.

        Raises:
            InputError: it is malformed.
        """
        try:
            found = json.loads(data)
            machine = found["hardware"]
            numbers = {name: int(machine[name]) for name in ("cores", "memory", "disk", "gflops")}
            gpus = tuple(str(name)[:80] for name in machine["gpus"][:64])
            offer = cls(
                provider=provider,
                agent=agent,
                url=checked_url(str(found["url"])),
                rate=Wei(int(found["rate"])),
                workers=int(found["workers"]),
                stake=Wei(int(found["stake"])),
                heartbeat=int(found["heartbeat"]),
                isolation=str(found["isolation"])[:200],
                tee=maker_name(str(found.get("tee", ""))),
                hardware=Hardware(cpu=str(machine["cpu"])[:80], gpus=gpus, **numbers),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InputError(f"the offer of {provider} is malformed") from error
        if not (0 < offer.rate < 2**96 and 0 <= offer.stake < 2**96 and 0 < offer.workers <= 4096):
            raise InputError(f"the offer of {provider} is malformed")
        if not 1 <= offer.heartbeat <= 600:
            raise InputError(f"the offer of {provider} is malformed")
        return offer


def checked_url(url: str) -> str:
    """A provider's address.

    Raises:
        InputError: it is not plain http or https.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise InputError(f"{url[:80]!r} is not an address of a provider", hint="Write https://host:port")
    return url.rstrip("/")


class Offers(Rows):
    """Providers that offer their machines."""

    title = "providers"
    headers = (
        "Provider", "Hardware", "Workers", "SAHARA a worker second", "Stake", "Track record", "Isolation",
        "Attestation",
    )  # fmt: skip

    def cells(self, value: Offer) -> tuple[object, ...]:
        return (
            value.provider,
            str(value.hardware),
            value.workers,
            format_tokens(value.rate, ""),
            format_tokens(value.staked),
            value.track_record,
            value.isolation,
            value.attestation,
        )


class Providers:
    """Reads who offers what, and writes one's own offer."""

    def __init__(
        self, chain: Chain, directory: Directory, identity: Callable[[], Identity], address: str, from_block: int
    ) -> None:
        self._chain = chain
        self._directory = directory
        self._identity = identity
        self._address = address
        self._from_block = from_block
        self._agents = chain.contract("AgentRegistry")

    def all(self) -> Offers:
        """Every machine on offer, the cheapest first."""
        count = int(self._agents.call("agentCount"))
        found: list[Offer] = []
        for first in range(1, count + 1, _PAGE):
            numbers = range(first, min(first + _PAGE, count + 1))
            entries = self._chain.batch_call([(self._agents, "getMetadata", (n, ENTRY)) for n in numbers])
            offered = [(n, bytes(entry)) for n, entry in zip(numbers, entries, strict=True) if entry]
            owners = self._chain.batch_call([(self._agents, "ownerOf", (n,)) for n, _ in offered]) if offered else []
            for (number, data), owner in zip(offered, owners, strict=True):
                try:
                    found.append(Offer.decode(data, self._directory.handle(owner), number))
                except InputError:
                    continue  # strangers write there, too
        newest = {offer.provider: offer for offer in found}
        return Offers(sorted(self._with_record(list(newest.values())), key=lambda offer: (offer.rate, offer.provider)))

    def get(self, provider: str) -> Offer:
        """The offer of one provider, by handle or address.

        Raises:
            NotFound: it offers nothing.
        """
        wanted = self._directory.address(provider)
        offer: Offer
        for offer in self.all():
            if self._directory.address(offer.provider) == wanted:
                return offer
        raise NotFound(f"{provider} offers no machine", hint="Run: sahara-lab provider list")

    def announce(self, offer: Offer) -> int:
        """Write an own offer; returns the agent that it belongs to. Doing it again changes what differs."""
        identity = self._identity()
        number = offer.agent or self._own_agent()
        if not number:
            name = f"{offer.provider} compute"
            number = identity.register(name, "Rents out a machine", services={"sahara-compute": offer.url}).id
        if identity.metadata(number, ENTRY) != offer.encode():
            identity.set_metadata(number, ENTRY, offer.encode())
        return number

    def withdraw(self) -> bool:
        """Take the own offer back; whether there was one."""
        number = self._own_agent()
        identity = self._identity()
        if not number or not identity.metadata(number, ENTRY):
            return False
        identity.set_metadata(number, ENTRY, b"")
        return True

    def ask_check(self, job_id: int, client: str, nonce: str) -> str:
        """Ask a job's client on chain to check it; returns the request's hash in hex, nothing without an own offer."""
        agent = self._own_agent()
        return ask_check(self._identity(), agent, client, job_id, nonce) if agent else ""

    def answer_check(self, request: str, provider: str, verdict: Mapping[str, Any]) -> bool:
        """Record a verdict on chain, where ``provider`` asked this account for it; returns whether it is there."""
        return answer_check(self._identity(), self._agents, request, self._directory.address(provider), verdict)

    def _own_agent(self) -> int:
        """The agent of this account that offers or offered a machine; 0 when there is none."""
        for event in reversed(self._agents.logs("MetadataSet", self._from_block)):
            if event.args["metadataKey"] == ENTRY:
                number = int(event.args["agentId"])
                if self._agents.call("ownerOf", number) == self._address:
                    return number
        return 0

    def _with_record(self, offers: list[Offer]) -> list[Offer]:
        """Offers with stake and track record."""
        escrow, staking = self._chain.contract("ComputeEscrow"), self._chain.contract("Staking")
        provider_of = {e.args["jobId"]: e.args["provider"] for e in escrow.logs("JobAccepted", self._from_block)}
        good: dict[str, int] = {}
        bad: dict[str, int] = {}
        for event in escrow.logs("JobCompleted", self._from_block):
            who = provider_of.get(event.args["jobId"], ZERO_ADDRESS)
            good[who] = good.get(who, 0) + 1
        for kind in ("JobRejected", "JobExpired"):
            for event in escrow.logs(kind, self._from_block):
                who = provider_of.get(event.args["jobId"], ZERO_ADDRESS)
                bad[who] = bad.get(who, 0) + 1
        addresses = [self._directory.address(offer.provider) for offer in offers]
        checks = checks_of_agents(self._chain, self._from_block)
        pools = [(staking, "poolOf", (b"provider".ljust(32, b"\0"), address)) for address in addresses]
        try:
            staked = self._chain.batch_call(pools) if pools else []
        except ChainError:
            staked = [{"assets": 0, "locked": 0} for _ in pools]
        return [
            replace(
                offer,
                staked=Wei(pool["assets"]),
                completed=good.get(address, 0),
                ended_badly=bad.get(address, 0),
                **checks.get(offer.agent, {}),
            )
            for offer, address, pool in zip(offers, addresses, staked, strict=True)
        ]
