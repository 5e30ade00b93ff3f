"""Who could read an asset, and when: the receipts of all key servers, checked against their logs and the chain."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from sahara_lab.chain import Chain, Network
from sahara_lab.display import Html, Rows, bundle, format_time, stack
from sahara_lab.identity import Directory
from sahara_lab.licensing.anchoring import anchors_of
from sahara_lab.vault import AuditedServer, Collected, Credentials, collect


@dataclass(frozen=True)
class Access:
    """An account that got shares of an asset's key in one session.

    Attributes:
        license: its number; 0 for the owner.
        first, last: when servers released shares to it, in seconds since the epoch.
        until: when the license ended or will end; 0 for never.
        servers: which servers released one; ``needed`` of them make the key.
    """

    account: str
    use: str
    license: int
    epoch: int
    first: int
    last: int
    until: int
    servers: tuple[int, ...]
    needed: int

    @property
    def could_read(self) -> bool:
        return len(self.servers) >= self.needed


class Accesses(Rows):
    """Who could read, newest first."""

    headers = ("Account", "Could read", "Use", "License", "Key epoch", "When", "License until", "Key servers")

    def cells(self, value: Access) -> tuple[object, ...]:
        return (
            value.account,
            "yes" if value.could_read else f"no, {len(value.servers)} of {value.needed} shares seen",
            value.use,
            value.license or "owner",
            value.epoch,
            format_time(value.first),
            format_time(value.until) if value.until else "–",
            ", ".join(map(str, value.servers)),
        )


@dataclass(frozen=True)
class ServerAudit:
    """What became of asking one server: "ok", "unreachable" or "inconsistent"; sizes are receipts of all assets."""

    server: int
    url: str
    status: str
    detail: str
    receipts: int
    size: int
    anchored: int


class ServerAudits(Rows):
    """The key servers that were asked."""

    headers = ("Key server", "At", "Log", "Receipts here", "In the log", "Anchored")
    note = (
        "Only what servers released is here: what was shared directly, and keys kept from earlier, leave no receipt. "
        "Servers that act together could leave a release out; fewer than a key takes cannot."
    )

    def cells(self, value: ServerAudit) -> tuple[object, ...]:
        said = f"{value.status}: {value.detail}" if value.detail else value.status
        return (value.server, value.url, said, value.receipts, value.size, value.anchored)


@dataclass(frozen=True)
class Audit:
    """The answer to ``lab.vault.audit``: who could read, and which servers said so."""

    asset: str
    accesses: Accesses
    servers: ServerAudits

    @property
    def sound(self) -> bool:
        """Whether every server answered and its log tells one story."""
        return all(server.status == "ok" for server in self.servers)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        parts = [part._repr_mimebundle_() for part in (self.accesses, self.servers)]
        return bundle(
            "\n\n".join(part["text/plain"] for part in parts), stack(*(Html(part["text/html"]) for part in parts))
        )


def audit(
    name: str, asset: int, credentials: Credentials, network: Network, chain: Chain, directory: Directory
) -> Audit:
    """Ask every key server at once for the receipts of an asset: all of them for its owner, their own for others."""
    registry = network.addresses["AssetRegistry"]
    credentials.session()  # signed here once, not in each thread

    def ask(server: Any) -> Collected:
        audited = AuditedServer(server.id, server.url, server.account)
        anchors = anchors_of(chain, server.id)
        return collect(audited, credentials, asset, anchors, chain_id=network.chain_id, registry=registry)

    with ThreadPoolExecutor(max(1, len(network.key_servers))) as pool:
        found = list(pool.map(ask, network.key_servers))
    servers = [
        ServerAudit(one.server, server.url, one.status, one.detail, len(one.lines), one.size, one.anchored)
        for one, server in zip(found, network.key_servers, strict=True)
    ]
    lines = [line for one in found for line in one.lines]
    return Audit(name, Accesses(_accesses(lines, directory)), ServerAudits(servers))


def _accesses(lines: list[dict[str, Any]], directory: Directory) -> list[Access]:
    """Receipts of several servers for one session, epoch and use are one access."""
    together: defaultdict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        said = line["receipt"]
        together[said["account"], said["session"], said["epoch"], said["accessClass"], said["use"]].append(line)
    made = []
    for (account, _, epoch, _, use), group in together.items():
        receipts = [line["receipt"] for line in group]
        times = [receipt["time"] for receipt in receipts]
        made.append(
            Access(
                account=directory.handle(account),
                use=use,
                license=max(int(receipt["license"]) for receipt in receipts),
                epoch=epoch,
                first=min(times),
                last=max(times),
                until=max(line.get("until", 0) for line in group),
                servers=tuple(sorted({receipt["server"] for receipt in receipts})),
                needed=max(line.get("threshold", 1) for line in group),
            )
        )
    return sorted(made, key=lambda access: access.first, reverse=True)
