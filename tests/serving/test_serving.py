"""A model of alice's is served from a real Ray Serve, and called by herself and others."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import threading
from typing import Any

import pytest
import urllib3

from sahara_lab.errors import AccessDenied, FundsError, InputError, JobError, NotFound, PriceError
from sahara_lab.units import to_wei
from tests.waiting import until

pytestmark = [pytest.mark.network, pytest.mark.ray]
PRICE = to_wei("0.01")


def test_a_model_answers_as_its_config_says(alice: Any, served: Any) -> None:
    assert served.healthy
    assert served.url.startswith("http://127.0.0.1:")
    assert alice.call("alice/line", [1, 1]) == [3.5, 0.0]
    assert alice.serving.call_many("alice/line", [[0, 0], [0, -1]]) == [[0.5, 0.0], [0.0, 1.0]]


def test_another_kernel_finds_what_is_served(alice: Any, served: Any) -> None:
    again = alice.use("alice")
    assert ("alice/line", True) in [(one.name, one.healthy) for one in again.serving.status()]
    assert again.call("alice/line", [0, 0]) == [0.5, 0.0]


def test_a_key_opens_what_it_was_made_for_and_is_shown_once(alice: Any, bob: Any, served: Any) -> None:
    made = alice.serving.new_key("app", "alice/line", budget=2)
    key = made.reveal()
    assert key not in repr(made)
    with pytest.raises(InputError, match="shown before"):
        made.reveal()
    assert [bob.call("alice/line", [0, 0], key=key) for _ in range(2)] == [[0.5, 0.0]] * 2
    with pytest.raises(FundsError, match="budget of 2 calls is used up"):
        bob.call("alice/line", [0, 0], key=key)
    with pytest.raises(AccessDenied, match="not valid"):
        bob.call("alice/line", [0, 0], key=key[:-1] + ("A" if key[-1] != "A" else "B"))
    other = alice.serving.new_key("other", "alice/other").reveal()
    with pytest.raises(AccessDenied, match="not valid"):
        bob.call("alice/line", [0, 0], key=other)


def test_a_revoked_key_opens_nothing_from_the_next_call_on(alice: Any, bob: Any, served: Any) -> None:
    made = alice.serving.new_key("gone")
    key = made.reveal()
    bob.call("alice/line", [0, 0], key=key)
    alice.serving.revoke(made.id)
    with pytest.raises(AccessDenied):
        bob.call("alice/line", [0, 0], key=key)
    with pytest.raises(NotFound, match="no key"):
        alice.serving.revoke("nobody")


def test_keys_are_kept_as_hashes_only(alice: Any, served: Any, home: Any) -> None:
    secret = alice.serving.new_key("hashed").reveal().rpartition("-")[2]
    book = alice.profile.folder / "serving" / "alice.sqlite3"
    assert book.stat().st_mode & 0o077 == 0
    # In a process of its own: a file that is read and closed here would take SQLite's locks from this one.
    found = subprocess.run(["grep", "-r", "-c", "-a", "--", secret, str(book.parent)], capture_output=True, text=True)
    assert found.stdout.count("\n") >= 2
    assert all(line.endswith(":0") for line in found.stdout.splitlines())


def test_calls_are_paid_into_the_royalties_of_the_model(alice: Any, bob: Any, served: Any) -> None:
    before = _received(alice)
    with pytest.raises(PriceError, match="needs a cap"):
        bob.call("alice/line", [0, 0])
    with pytest.raises(PriceError, match=r"above the cap of 0\.005"):
        bob.call("alice/line", [0, 0], max_price="0.005")
    with pytest.raises(FundsError, match="nothing is prepaid"):
        bob.call("alice/line", [0, 0], max_price="0.01")
    for _ in range(3):
        assert bob.call("alice/line", [1, 1], max_price="0.01", budget="0.05") == [3.5, 0.0]
    assert bob.serving.prepaid("alice/line").left == to_wei("0.02")
    assert _received(alice) == before  # many calls are one transaction
    assert alice.serving.settle() == 3 * PRICE
    assert _received(alice) == before + 3 * PRICE
    assert alice.serving.settle() == 0


def test_the_same_request_is_charged_once(alice: Any, bob: Any, served: Any) -> None:
    bob.serving.prepay("alice/line", "1")
    signed = bob.serving.prepaid("alice/line").signed
    for _ in range(3):
        assert bob.call("alice/line", [1, 2], max_price="0.01", request_id="one-order") == [5.5, 0.0]
    assert bob.serving.prepaid("alice/line").signed == signed + PRICE
    with pytest.raises(InputError, match="another request had this id"):
        bob.call("alice/line", [2, 2], max_price="0.01", request_id="one-order")
    assert bob.serving.prepaid("alice/line").signed == signed + PRICE


def test_calls_at_the_same_time_are_each_charged_once(alice: Any, bob: Any, served: Any) -> None:
    bob.serving.prepay("alice/line", "1")
    alice.serving.settle()
    before, signed = _received(alice), bob.serving.prepaid("alice/line").signed
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda n=n: found.append(bob.call("alice/line", [n, 0], max_price="0.01")))
        for n in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [[n + 0.5, 0.0] for n in range(12)]
    assert bob.serving.prepaid("alice/line").signed == signed + 12 * PRICE
    alice.serving.settle()
    assert _received(alice) == before + 12 * PRICE


def test_a_call_whose_answer_was_lost_is_asked_again_and_charged_once(alice: Any, bob: Any, served: Any) -> None:
    bob.serving.prepay("alice/line", "1")
    bob.call("alice/line", [0, 0], max_price="0.01")
    before = alice.serving.usage().charged
    with Lossy(served.url) as url:
        assert bob.call("alice/line", [1, 2], max_price="0.01", url=url) == [5.5, 0.0]
    assert bob.call("alice/line", [1, 1], max_price="0.01") == [3.5, 0.0]
    assert alice.serving.usage().charged == before + 2 * PRICE


class Lossy:
    """A way to a gateway on which the first answer to a POST is lost."""

    def __init__(self, url: str) -> None:
        self._target = ("127.0.0.1", int(url.rpartition(":")[2]))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lost = False

    def __enter__(self) -> str:
        threading.Thread(target=self._accept, daemon=True).start()
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __exit__(self, *failure: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._listener.accept()
                threading.Thread(target=self._pass, args=(caller,), daemon=True).start()

    def _pass(self, caller: socket.socket) -> None:
        asked: list[bytes] = []
        with caller, socket.create_connection(self._target) as gateway, contextlib.suppress(OSError):
            threading.Thread(target=self._forward, args=(caller, gateway, asked), daemon=True).start()
            while data := gateway.recv(65536):
                if asked[-1] == b"POST" and not self._lost:
                    self._lost = True
                    caller.shutdown(socket.SHUT_RDWR)
                    return
                caller.sendall(data)

    @staticmethod
    def _forward(caller: socket.socket, gateway: socket.socket, asked: list[bytes]) -> None:
        with contextlib.suppress(OSError):
            while data := caller.recv(65536):
                if data[:4] in (b"POST", b"GET "):
                    asked.append(data[:4])
                gateway.sendall(data)


def test_a_call_that_fails_costs_nothing(alice: Any, bob: Any, served: Any) -> None:
    bob.serving.prepay("alice/line", "1")
    signed = bob.serving.prepaid("alice/line").signed
    with pytest.raises(InputError, match="does not take this shape"):
        bob.call("alice/line", [1, 2, 3], max_price="0.01")
    with pytest.raises(InputError, match="lists of numbers"):
        bob.call("alice/line", {"not": "numbers"}, max_price="0.01")
    assert bob.serving.prepaid("alice/line").signed == signed


def test_what_was_not_used_comes_back(alice: Any, carol: Any, served: Any) -> None:
    carol.channels.claim()  # what is hers of other channels
    had = carol.wallet.balance().tokens
    carol.call("alice/line", [0, 0], max_price="0.01", budget="0.5")
    channel = carol.serving.prepaid("alice/line").channel
    assert carol.serving.refund("alice/line") == 0
    until(lambda: carol.channels.state(channel).redeemed == PRICE)  # who serves sees it close, and redeems
    carol.network.advance(120)
    assert carol.serving.refund("alice/line") == to_wei("0.5") - PRICE
    assert carol.wallet.balance().tokens == had - PRICE


def test_usage_says_who_called_how_often(alice: Any, bob: Any, served: Any) -> None:
    before = alice.serving.usage()
    bob.call("alice/line", [0, 0], key=alice.serving.new_key("counted").reveal())
    bob.call("alice/line", [0, 0], max_price="0.01", budget="2")
    after = alice.serving.usage()
    assert (after.calls, after.charged) == (before.calls + 2, before.charged + PRICE)
    assert "counted" in after._repr_mimebundle_()["text/plain"]


def test_over_http_without_key_or_money_the_price_is_told(served: Any) -> None:
    http = urllib3.PoolManager()
    url = f"{served.url}/v1/models/alice/line:predict"
    refused = http.request("POST", url, body=b'{"instances": [[0, 0]]}')
    assert refused.status == 402
    from sahara_lab.serving.payments import decoded

    terms = decoded(refused.headers["PAYMENT-REQUIRED"])
    assert (terms["x402Version"], terms["accepts"][0]["amount"]) == (2, str(PRICE))
    assert http.request("GET", f"{served.url}/v1/health").json()["status"] == "ok"
    listed = http.request("GET", f"{served.url}/v1/models").json()["data"]
    assert next(one["price"] for one in listed if one["id"] == "alice/line") == str(PRICE)
    assert http.request("POST", f"{served.url}/v1/models/alice/none:predict", body=b"{}").status == 404
    assert http.request("POST", url, body=b"x" * 5_000_000).status == 400
    assert http.request("GET", f"{served.url}/").status == 404


def test_a_loader_of_who_serves_says_how_a_model_is_called(
    alice: Any, publish_model: Any, tmp_path: Any, ray: None
) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"scale": torch.tensor([2.0])}, tmp_path / "model.safetensors")
    (tmp_path / "labels.json").write_text(json.dumps({"small": 10}))
    name = publish_model(tmp_path, "scaled")
    with pytest.raises(JobError, match="says how it is called"):
        alice.serve(name)
    offset = 1

    def load(files: Any) -> Any:
        scale, limit = files.weights()["scale"], files.json("labels.json")["small"]

        def predict(instances: list[Any]) -> list[Any]:
            return ["small" if float(scale) * one + offset < limit else "large" for one in instances]

        return predict

    assert alice.serve(name, loader=load, price="0").healthy
    assert alice.serving.call_many(name, [1, 100]) == ["small", "large"]
    with pytest.raises(JobError, match="model failed: TypeError"):
        alice.call(name, "text")
    alice.serving.stop(name)
    with pytest.raises(NotFound, match="not served"):
        alice.call(name, 1)
    with pytest.raises(JobError, match="loader failed: KeyError"):
        alice.serve(name, loader=lambda files: files.weights()["nothing"])


def test_pickled_weights_are_refused(alice: Any, publish_model: Any, tmp_path: Any, ray: None) -> None:
    import torch

    torch.save({"net.0.weight": torch.zeros(1, 1)}, tmp_path / "model.pt")
    (tmp_path / "config.json").write_text('{"architecture": "sequential", "layers": [{"type": "relu"}]}')
    with pytest.raises(JobError, match="pickles are refused"):
        alice.serve(publish_model(tmp_path, "pickled"))


def test_others_serve_with_a_license_and_never_for_money(
    alice: Any, bob: Any, line: str, tmp_path: Any, ray: None
) -> None:
    with pytest.raises(AccessDenied, match="no license for inference"):
        bob.serve("alice/line")
    with pytest.raises(AccessDenied, match="only the owner can charge"):
        bob.serve("alice/line", price="1")


def _received(lab: Any) -> int:
    return int(next(line.received for line in lab.market.earnings().lines if line.asset == "alice/line"))


def test_what_was_trained_is_served_without_its_code(alice: Any, fresh: Any, ray: None) -> None:
    job = alice.compute.run_cell(TRAINING, {}, workers=1, backend="local")
    job.wait()
    name = alice.market.publish(job, name=fresh("trained"), royalty="5%").name
    assert alice.serve(name).healthy
    import torch
    from safetensors.torch import load_file

    weights = load_file(job.weights)
    row = torch.tensor([1.0, -2.0, 0.5])
    hidden = torch.relu(weights["net.0.weight"] @ row + weights["net.0.bias"])
    wanted = weights["net.2.weight"] @ hidden + weights["net.2.bias"]
    assert alice.call(name, row) == pytest.approx(wanted.tolist(), abs=1e-5)
    alice.serving.stop(name)


TRAINING = """
import torch, pytorch_lightning as pl
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

class Net(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    def forward(self, rows):
        return self.net(rows)
    def training_step(self, batch, index):
        return self(batch[0]).square().mean()
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)

pl.Trainer(max_epochs=1).fit(Net(), DataLoader(TensorDataset(torch.randn(8, 3)), batch_size=4))
"""
