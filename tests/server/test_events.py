"""What the server says on its event bus, by itself."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from sahara_lab.profile import HOME_VARIABLE, Profile
from sahara_lab.server.service import LabService
from sahara_lab.server.watch import Watcher

pytestmark = pytest.mark.network


async def _told(service: LabService, act: Any, what: str) -> list[str]:
    """What a watcher tells until it has told ``what``, after ``act`` was done in a thread."""
    heard: asyncio.Queue[str] = asyncio.Queue()
    watcher = Watcher(service, heard.put_nowait, interval=0.02)
    await watcher.look()
    watcher.start()
    await asyncio.to_thread(act)
    told = []
    try:
        while what not in told:
            told.append(await asyncio.wait_for(heard.get(), 20))
    finally:
        await watcher.stop()
    return told


def test_a_publication_elsewhere_is_told_as_a_change_of_the_market(alice: Any, fresh: Any, table_folder: Path) -> None:
    service = LabService("local", "bob")
    service.status(None)

    def publish() -> None:
        alice.market.publish(table_folder, name=fresh("told"))

    assert "network" in asyncio.run(_told(service, publish, "market"))


def test_what_is_no_business_of_the_market_changes_the_network_alone(alice: Any) -> None:
    service = LabService("local", "bob")
    service.status(None)
    assert asyncio.run(_told(service, lambda: alice.network.advance(1), "network")) == ["network"]


def test_a_job_that_writes_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    profile = Profile("local")
    folder = profile.private(profile.jobs) / "train-1"

    def write() -> None:
        folder.mkdir()
        (folder / "record.json").write_text("{}")

    assert asyncio.run(_told(LabService("local", "bob"), write, "jobs")) == ["jobs"]


def test_browsers_hear_it(ask: Any, jp_serverapp: Any, jp_asyncio_loop: Any) -> None:
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def listen(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        heard.put_nowait(data)

    schema = "https://sahara-lab.invalid/events/changed"
    jp_serverapp.event_logger.add_listener(schema_id=schema, listener=listen)
    forged = ask("api/events", body=json.dumps({"schema_id": schema, "version": "1", "data": {"what": "everything"}}))
    assert forged.status in (400, 500)

    async def tell() -> dict[str, Any]:
        jp_serverapp.event_logger.emit(schema_id=schema, data={"what": "jobs"})
        return await asyncio.wait_for(heard.get(), 10)

    assert jp_asyncio_loop.run_until_complete(tell()) == {"what": "jobs"}
