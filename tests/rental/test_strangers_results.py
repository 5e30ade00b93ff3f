"""What comes from a provider is a stranger's: sealed, signed, of a known shape, or refused."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sahara_lab.errors import InputError, IntegrityError
from sahara_lab.rental.delivery import clean_event, clean_record, fetch
from sahara_lab.rental.manifest import digest, open_manifest, sign_manifest
from sahara_lab.rental.offers import Offer
from sahara_lab.rental.portable import read_portable, require_safetensors, write_portable
from sahara_lab.rental.sealed import Line, ask_to_open, binding, open_package, opening, seal_package
from sahara_lab.signing import LocalSigner
from sahara_lab.vault.sealing import new_seed, public_bytes

ESCROW = "0x" + "11" * 20
KEY = secrets.token_bytes(32)

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=4),
    max_leaves=12,
)


@given(state=PLAIN)
def test_a_checkpoint_travels_without_pickle_and_comes_back_the_same(tmp_path_factory: Any, state: Any) -> None:
    path = tmp_path_factory.mktemp("portable") / "checkpoint.safetensors"
    whole = {"state": state, "weights": OrderedDict(a=torch.arange(6.0).reshape(2, 3)), "shape": (1, 2)}
    write_portable(whole, path)
    require_safetensors(path)
    back = read_portable(path)
    assert back["state"] == state
    assert back["shape"] == (1, 2)
    assert torch.equal(back["weights"]["a"], whole["weights"]["a"])


class Harm:
    def __reduce__(self) -> Any:
        return (print, ("run",))


def test_a_result_that_is_a_pickle_is_refused(tmp_path: Path) -> None:
    import pickle

    path = tmp_path / "model.safetensors"
    for data in (pickle.dumps(Harm()), b"PK\x03\x04" + bytes(64), b"", b"\x00" * 8 + b"{}", b"\xff" * 64):
        path.write_bytes(data)
        with pytest.raises(InputError, match="no safetensors file"):
            require_safetensors(path)
    torch.save({"a": torch.zeros(2)}, path)
    with pytest.raises(InputError, match="could be a pickle"):
        require_safetensors(path)
    with pytest.raises(InputError, match="Harm, which cannot travel"):
        write_portable({"a": Harm()}, path)


class Delivers:
    """A provider's service that hands out one file, as it signed it."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def file(self, name: str, size: int, target: Path) -> str:
        target.write_bytes(self.data)
        return hashlib.sha256(self.data).hexdigest()

    def manifest(self, name: str) -> dict[str, Any]:
        said = {"sha256": hashlib.sha256(self.data).hexdigest(), "size": len(self.data)}
        return {"outputs": {name: said}}


@pytest.mark.parametrize("name", ["model.safetensors", "checkpoint.safetensors", "rows.csv", "rows.json"])
def test_a_pickle_is_refused_though_the_provider_signed_it(tmp_path: Path, name: str) -> None:
    import pickle

    provider: Any = Delivers(pickle.dumps(Harm()))
    with pytest.raises(InputError, match="could be a pickle"):
        fetch(provider, provider.manifest(name), tmp_path, others=True)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_truncated_checkpoint_is_refused_though_the_provider_signed_it(tmp_path: Path) -> None:
    whole = tmp_path / "whole.safetensors"
    write_portable({"weights": torch.arange(64.0)}, whole)
    data = whole.read_bytes()
    for length in (4, 9, len(data) // 2, len(data) - 1):
        provider: Any = Delivers(data[:length])
        with pytest.raises(InputError, match="no safetensors file"):
            fetch(provider, provider.manifest("checkpoint.safetensors"), tmp_path / "job")
    assert not (tmp_path / "job" / "checkpoint.safetensors").exists()


def test_a_provider_does_not_name_the_files_that_are_written(tmp_path: Path) -> None:
    provider: Any = Delivers(b"{}")
    for name in ("../rental.json", "rental.json/../x.json", ".hidden.json", "model.pkl", "/etc/x.json"):
        with pytest.raises(IntegrityError, match="results that no job has"):
            fetch(provider, provider.manifest(name), tmp_path, others=True)
    with pytest.raises(IntegrityError, match="results that no job has"):
        fetch(provider, provider.manifest("rental.json"), tmp_path)
    fetch(provider, provider.manifest("rental.json"), tmp_path, others=True)
    assert not (tmp_path / "rental.json").exists()
    assert (tmp_path / "results" / "rental.json").exists()


def test_links_that_a_job_left_are_not_followed(tmp_path: Path) -> None:
    from sahara_lab.rental.tenancy import _take

    secret = tmp_path / "secret"
    secret.write_text("the operator's")
    work, target = tmp_path / "work", tmp_path / "taken"
    (work / "out").mkdir(parents=True)
    (work / "out" / "model.safetensors").symlink_to(secret)
    with pytest.raises(OSError, match="symbolic link"):
        _take(work, "model.safetensors", target)
    (work / "out" / "model.safetensors").unlink()
    (work / "out").rmdir()
    (tmp_path / "model.safetensors").write_text("outside")
    (work / "out").symlink_to(tmp_path)
    with pytest.raises(OSError, match=r"symbolic link|Not a directory"):
        _take(work, "model.safetensors", target)
    assert not target.exists()


def test_bytes_behind_the_tensors_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    path = tmp_path / "model.safetensors"
    save_file({"a": torch.zeros(2)}, str(path))
    require_safetensors(path)
    path.write_bytes(path.read_bytes() + b"\x80\x04.")
    with pytest.raises(InputError, match="no safetensors file"):
        require_safetensors(path)


def test_a_record_cannot_name_what_this_process_would_call() -> None:
    model = {"class": "system", "module": "os", "names": ["x"], "hyperparameters": {"command": "true"}, "parameters": 1}
    source = "class Net: pass"
    assert "model" not in clean_record({"model": model}, source, [], [])
    assert "model" not in clean_record({"model": {**model, "module": "__main__"}}, source, [], [])
    kept = clean_record({"model": {**model, "module": "__main__", "class": "Net"}}, source, [], [])
    assert kept["model"]["class"] == "Net"


def test_a_record_cannot_give_a_job_parents_that_it_was_not_given() -> None:
    record = {"collected": [{"accessed": ["alice/data@1", "mallory/toll@1"]}], "metrics": {"a": 1, "b": "x"}}
    cleaned = clean_record(record, "", [], ["alice/data@1"])
    assert cleaned["collected"] == [{"accessed": ["alice/data@1"]}]
    assert cleaned["metrics"] == {"a": 1.0}


@given(event=st.dictionaries(st.sampled_from(["kind", "step", "epoch", "values", "status", "text", "time"]), PLAIN))
def test_events_of_another_shape_are_dropped(event: dict[str, Any]) -> None:
    for kind in ("status", "progress", "metrics", "checkpoint", "log", "other"):
        cleaned = clean_event({**event, "kind": kind})
        assert cleaned is None or json.loads(json.dumps(cleaned))["kind"] == kind


def test_a_manifest_is_believed_from_the_provider_only() -> None:
    signer, other = LocalSigner.generate(), LocalSigner.generate()
    envelope = sign_manifest({"job": "0x1", "v": 1}, signer, 31337, ESCROW)
    assert open_manifest(envelope, signer.address, 31337, ESCROW) == {"job": "0x1", "v": 1}
    assert len(digest(envelope)) == 32
    with pytest.raises(IntegrityError, match="not by the provider"):
        open_manifest(envelope, other.address, 31337, ESCROW)
    with pytest.raises(IntegrityError, match="not by the provider"):
        open_manifest(envelope, signer.address, 1, ESCROW)
    for data in (b"", b"{}", b"[1]", envelope.replace(b"payload", b"pAyload")):
        with pytest.raises(IntegrityError, match="malformed"):
            open_manifest(data, signer.address, 31337, ESCROW)


def test_a_package_opens_for_one_job_of_one_provider() -> None:
    seed = new_seed()
    bound = binding(31337, ESCROW, 7, "0xAb")
    package = seal_package(public_bytes(seed), bound, KEY, {"source": "pass"})
    assert open_package(seed, bound, package) == (KEY, {"source": "pass"})
    others = [binding(31337, ESCROW, 8, "0xAb"), binding(1, ESCROW, 7, "0xAb"), binding(31337, ESCROW, 7, "0xAc")]
    for wrong in others:
        with pytest.raises(IntegrityError):
            open_package(seed, wrong, package)
    with pytest.raises(IntegrityError):
        open_package(new_seed(), bound, package)
    with pytest.raises(IntegrityError):
        open_package(seed, bound, package[:-1] + bytes([package[-1] ^ 1]))


def test_messages_are_neither_read_forged_replayed_nor_moved() -> None:
    renter, provider = (Line(KEY, 7, b"a" * 32, renter=side) for side in (True, False))
    sent = renter.seal({"op": "poll"})
    number, message = provider.open(sent)
    assert message == {"op": "poll"}
    assert b"poll" not in sent
    answer = provider.seal({"phase": "running"}, number)
    assert renter.open(answer, answer_to=renter.sent)[1] == {"phase": "running"}
    for wrong in (
        lambda: provider.open(sent),  # again
        lambda: provider.open(answer),  # reflected
        lambda: Line(KEY, 8, b"a" * 32, renter=False).open(renter.seal({})),  # another job
        lambda: Line(KEY, 7, b"b" * 32, renter=False).open(renter.seal({})),  # another line
        lambda: Line(bytes(32), 7, b"a" * 32, renter=False).open(renter.seal({})),  # another key
        lambda: renter.open(answer, answer_to=99),  # an answer to something else
        lambda: provider.open(b""),
    ):
        with pytest.raises(IntegrityError):
            wrong()  # type: ignore[no-untyped-call]
    with pytest.raises(IntegrityError, match="only the job's renter"):
        opening(bytes(32), 7, ask_to_open(KEY, 7))


@given(data=st.binary(max_size=200) | PLAIN.map(lambda value: json.dumps(value).encode()))
def test_offers_that_strangers_wrote_are_read_with_care(data: bytes) -> None:
    with pytest.raises(InputError, match="malformed"):
        Offer.decode(data, "mallory", 1)
