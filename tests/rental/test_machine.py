"""Carol's machine from her side: it joins, drains, goes down, leaves, and comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest
import urllib3
from click.testing import CliRunner

from sahara_lab.cli import main
from sahara_lab.errors import InputError, JobError, NotFound

pytestmark = pytest.mark.network


def run(*words: str) -> str:
    """What ``sahara-lab provider`` prints, as carol."""
    done = CliRunner().invoke(main, ["-a", "carol", "provider", *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_machine_drains_goes_down_leaves_and_comes_back(
    bob: Any, carol: Any, carols_machine: Any, isolation: Any, until: Any
) -> None:
    assert "taking jobs" in str(carol.machine.status())
    assert "GFLOPS" in run("list")
    if isolation.safe:
        assert bob.compute.quote("any", max_price="5", workers=2).offer.provider == "carol"
    else:
        with pytest.raises(JobError, match="carol: no isolation, so it must be named"):
            bob.compute.quote("any", max_price="5", workers=2)
    with pytest.raises(JobError, match="served already"):
        carol.machine.join(rate="1", port=1, unsafe_no_isolation=True, tell=lambda text: None)
    run("drain")
    assert "draining" in run("status")
    with pytest.raises(JobError, match="0 workers free"):
        bob.compute.quote("carol", max_price="5", workers=1)
    until(lambda: not carol.machine.status().jobs)  # what other tests rented is concluded
    assert carols_machine.end() == 0
    with pytest.raises(InputError, match="not being served"):
        carol.machine.drain()
    assert "taken back" in run("leave")
    with pytest.raises(NotFound, match="offers no machine"):
        bob.compute.quote("carol", max_price="5", workers=1)
    carols_machine.start()
    assert bob.compute.quote("carol", max_price="5", workers=1).seconds > 60


def test_the_service_says_what_it_is_and_refuses_what_makes_no_sense(carol: Any, carols_machine: Any) -> None:
    url = f"http://127.0.0.1:{carols_machine.port}"
    with urllib3.PoolManager(retries=False) as pool:
        info = json.loads(pool.request("GET", f"{url}/v1/info").data)
        assert info["provider"] == carol.wallet.address
        described = json.loads(pool.request("GET", f"{url}/v1/openapi.json").data)
        assert "/v1/jobs/{job}/messages" in described["paths"]
        for method, path, body, status in (
            ("PUT", "/v1/jobs/7", b"", 400),
            ("PUT", f"/v1/jobs/{7:064x}", b"x", 404),
            ("POST", f"/v1/jobs/{7:064x}/line", b"x" * 48, 404),
            ("POST", f"/v1/jobs/{7:064x}/messages", b"x", 404),
            ("POST", f"/v1/jobs/{7:064x}/line", b"x" * 65, 400),
            ("GET", f"/v1/jobs/{7:064x}", None, 405),
            ("GET", "/v1/else", None, 404),
        ):
            answer = pool.request(method, url + path, body=body)
            assert answer.status == status, path
            assert json.loads(answer.data)["error"]["code"]
