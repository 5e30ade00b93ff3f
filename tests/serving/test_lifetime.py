"""What is served lives on when parts of it die, and ends when it is told, or when the right to serve it ends."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from sahara_lab import License
from sahara_lab.errors import JobError, NetworkError, NotFound, SaharaError
from tests.waiting import until

pytestmark = [pytest.mark.network, pytest.mark.ray]


def _process(files: Any) -> Any:
    import os

    return lambda instances: [os.getpid() for _ in instances]


def _slow(files: Any) -> Any:
    import os
    import time

    def predict(instances: list[Any]) -> list[Any]:
        time.sleep(0.2)
        return [os.getpid() for _ in instances]

    return predict


@pytest.fixture
def asset(publish_model: Any, fresh: Any, tmp_path: Path) -> str:
    (tmp_path / "note.txt").write_text("nothing")
    return str(publish_model(tmp_path, fresh("asset")))


def test_a_copy_that_dies_is_replaced(alice: Any, asset: str, ray: None) -> None:
    alice.serve(asset, loader=_process)
    first = alice.call(asset, 1)
    os.kill(first, signal.SIGKILL)

    def another() -> Any:
        try:
            return (found := alice.call(asset, 1, timeout=5)) != first and found
        except (JobError, NetworkError):
            return None

    assert until(another)
    alice.serving.stop(asset)


def test_copies_are_added_while_calls_wait(alice: Any, asset: str, ray: None) -> None:
    alice.serve(asset, loader=_slow, replicas=(1, 2), batch=1, cpus=0.1)
    seen: set[int] = set()
    over = threading.Event()

    def client() -> None:
        while not over.is_set():
            seen.add(alice.call(asset, 1))

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: len(seen) == 2)
        assert next(one for one in alice.serving.status() if one.name == asset).copies == 2
    finally:
        over.set()
        for thread in threads:
            thread.join()
    alice.serving.stop(asset)


def test_a_licensee_serves_until_the_license_ends(
    alice: Any, carol: Any, fresh: Any, tmp_path: Path, ray: None
) -> None:
    (tmp_path / "note.txt").write_text("nothing")
    terms = License.commercial("1", duration="1 hour")
    name = alice.market.publish(tmp_path, name=fresh("lent"), kind="model", license=terms).name
    carol.market.license(name, max_price="1")
    served = carol.serve(name, loader=_process)
    assert served.healthy
    assert carol.call(name, 1) > 0
    carol.network.advance(3700)
    with pytest.raises(NotFound, match="no license for inference"):
        until(lambda: carol.call(name, 1) and None)
    assert carol.serving.status()[0].state == "refused"
    carol.serving.stop(name)
    assert len(carol.serving.status()) == 0  # the gateway of who serves nothing has gone
    with pytest.raises(NotFound, match="not served on this machine"):
        carol.call(name, 1)


def test_serving_again_replaces_what_was_served(alice: Any, asset: str, ray: None) -> None:
    alice.serve(asset, loader=lambda files: lambda many: ["first" for _ in many])
    assert alice.call(asset, 1) == "first"
    alice.serve(asset, loader=lambda files: lambda many: ["second" for _ in many])
    assert until(lambda: alice.call(asset, 1) == "second")
    alice.serving.stop(asset)


def test_what_cannot_be_is_refused_in_words(alice: Any, asset: str, ray: None) -> None:
    for options in ({"replicas": 0}, {"replicas": (3, 2)}, {"batch": 0}, {"wait": 5}, {"price": "-1"}, {"price": "x"}):
        with pytest.raises(SaharaError):
            alice.serve(asset, loader=_process, **options)
    with pytest.raises(JobError, match="returned nothing to call"):
        alice.serve(asset, loader=lambda files: None)
    lock = threading.Lock()
    with pytest.raises(JobError, match="cannot be sent"):
        alice.serve(asset, loader=lambda files: lock)
    with pytest.raises(NotFound, match="no asset"):
        alice.serve("alice/none", loader=_process)
