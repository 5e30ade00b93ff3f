"""Serving against bare Ray Serve, in one run: requests a second of free calls, and how long paid calls take.

Both serve the same layers with the same batching and one copy; the load comes from the same client. Aims: at least 0.9
of bare Ray Serve's requests a second, and a median of paid calls below 1.5 of free ones.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

CLIENTS, SECONDS, ROUNDS = 16, 4.0, 4
CALLS = 200
CONFIG = {"architecture": "sequential", "layers": [{"type": "linear", "weights": "0"}, {"type": "relu"}]}
BODY = json.dumps({"instances": [[0.5] * 16]}).encode()


def weights() -> dict[str, Any]:
    import torch

    torch.manual_seed(0)
    return {"0.weight": torch.randn(8, 16), "0.bias": torch.zeros(8)}


def bare(port: int) -> None:
    """Ray Serve as its documentation shows it, in a Ray of its own."""
    import logging

    import ray
    from ray import serve

    from sahara_lab.serving.architectures import sequential

    ray.init(address="local", include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)

    @serve.deployment(num_replicas=1, max_ongoing_requests=64, ray_actor_options={"num_cpus": 1})
    class Bare:
        def __init__(self) -> None:
            import torch

            torch.set_num_threads(1)
            self._predict = sequential(CONFIG, weights())

        @serve.batch(max_batch_size=16, batch_wait_timeout_s=0.002)
        async def together(self, calls: list[list[Any]]) -> list[list[Any]]:
            return [self._predict(call) for call in calls]

        async def __call__(self, request: Any) -> dict[str, Any]:
            return {"predictions": await self.together((await request.json())["instances"])}

    logs = {"enable_access_log": False, "log_level": "WARNING"}
    serve.start(http_options={"host": "127.0.0.1", "port": port}, logging_config=logs)
    made: Any = Bare
    serve.run(made.bind(), route_prefix="/", logging_config=logs)
    print(f"http://127.0.0.1:{port}/", flush=True)
    sys.stdin.read()
    os._exit(0)  # Ray ends with its driver


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def load(url: str, headers: dict[str, str]) -> float:
    """Requests a second of clients that each send one after another."""
    import aiohttp

    async with aiohttp.ClientSession() as session:
        end, done = time.perf_counter() + SECONDS, 0

        async def client() -> None:
            nonlocal done
            while time.perf_counter() < end:
                async with session.post(url, data=BODY, headers=headers) as response:
                    await response.read()
                    assert response.status == 200
                done += 1

        began = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        return done / (time.perf_counter() - began)


def median(call: Any) -> list[float]:
    taken = []
    for _ in range(CALLS):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return taken


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="sahara-bench-") as home:
        os.environ["SAHARA_LAB_HOME"] = home
        from safetensors.torch import save_file

        import sahara_lab
        from sahara_lab import License
        from sahara_lab.localnet import down
        from sahara_lab.profile import Profile

        command = [sys.executable, __file__, "--bare", str(free_port())]
        peer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert peer.stdin is not None
        assert peer.stdout is not None
        alice = sahara_lab.connect(account="alice")
        try:
            folder = Path(home) / "model"
            folder.mkdir()
            save_file(weights(), folder / "model.safetensors")
            (folder / "config.json").write_text(json.dumps(CONFIG))
            alice.market.publish(folder, name="line", kind="model", license=License.open_use())
            served = alice.serve("alice/line", price="0.001")
            key = alice.serving.new_key("bench").reveal()
            ours = f"{served.url}/v1/models/alice/line:predict"
            url, headers = (
                peer.stdout.readline().strip(),
                {"authorization": f"Bearer {key}", "content-type": "application/json"},
            )
            rates: dict[str, list[float]] = {"bare": [], "ours": []}
            for _ in range(ROUNDS):
                rates["bare"].append(asyncio.run(load(url, {"content-type": "application/json"})))
                rates["ours"].append(asyncio.run(load(ours, headers)))
            peer.stdin.close()
            peer.wait(60)
            best = {name: max(found) for name, found in rates.items()}
            ratio = best["ours"] / best["bare"]
            print(f"bare Ray Serve {best['bare']:.0f}/s, ours {best['ours']:.0f}/s: {ratio:.2f} (aim 0.90)")
            bob = alice.use("bob")
            row = [0.5] * 16
            bob.serving.prepay("alice/line", "5")
            bob.call("alice/line", row, max_price="0.001")
            free, paid = [], []
            for _ in range(ROUNDS):
                free += median(lambda: bob.call("alice/line", row, key=key))
                paid += median(lambda: bob.call("alice/line", row, max_price="0.001"))
            medians = statistics.median(free) * 1000, statistics.median(paid) * 1000
            print(
                f"a free call {medians[0]:.1f} ms, a paid call {medians[1]:.1f} ms (p50):"
                f" {medians[1] / medians[0]:.2f} (aim below 1.50)"
            )
            print(
                f"{len(paid) + 1} paid calls are settled by one transaction: {alice.serving.settle() / 10**18:g} SAHARA"
            )
        finally:
            alice.compute.shutdown()
            if peer.poll() is None:
                peer.terminate()
            down(Profile("local"))


if __name__ == "__main__":
    bare(int(sys.argv[2])) if sys.argv[1:2] == ["--bare"] else main()
