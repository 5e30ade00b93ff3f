"""Uploads against the real embedded network: bytes arrive in order, and a vault changes in one step or not at all."""

from __future__ import annotations

import base64
import errno
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sahara_lab.profile import Profile
from sahara_lab.server.upload import CHUNK
from sahara_lab.vault.drafts import DraftWriter

pytestmark = pytest.mark.network

FILES = {"data/a.csv": b"x\n1\n2\n", "empty.txt": b"", "data/b.bin": b"\x00\xff" * 300, "end": b""}


@pytest.fixture
def announce(ask: Any) -> Callable[..., Any]:
    def send(name: str, files: dict[str, bytes], **more: Any) -> Any:
        listed = [[path, len(content)] for path, content in files.items()]
        return ask("uploads", account="alice", body={"name": name, "files": listed, **more})

    return send


@pytest.fixture
def put(ask: Any) -> Callable[..., Any]:
    def send(id: str, data: bytes, offset: int = 0, account: str = "alice", **options: Any) -> Any:
        return ask(f"uploads/{id}", method="PUT", body=data, offset=str(offset), account=account, **options)

    return send


@pytest.fixture
def publish(ask: Any) -> Callable[[str], Any]:
    """Publish an upload and wait for its outcome."""

    def wait(id: str) -> Any:
        answer = ask(f"uploads/{id}/publish", body={}, account="alice")
        while answer.json.get("phase") == "publishing":
            time.sleep(0.05)  # as the sidebar asks
            answer = ask(f"uploads/{id}", account="alice")
        return answer.json

    return wait


def drafts(alice: Any) -> dict[str, int]:
    found: dict[str, int] = alice.vault.fs.drafts()
    return found


def leftovers(name: str) -> list[Path]:
    return [path for path in (Profile("local").folder / "drafts" / "alice" / name).rglob("*") if path.is_file()]


def test_files_sent_in_any_pieces_become_a_vault(announce: Any, put: Any, publish: Any, fresh: Any, alice: Any) -> None:
    name, stream = fresh("sent"), b"".join(FILES.values())
    plan = announce(name, FILES, title="Sent", kind="dataset", use="work", price="3", tags=["sent"], task="counting")
    assert plan.status == 201
    assert (plan.json["version"], plan.json["files"], plan.json["total"]) == (1, 4, len(stream))
    for at in range(0, len(stream), 70):
        assert put(plan.json["id"], stream[at : at + 70], at).json["received"] == min(at + 70, len(stream))
    done = publish(plan.json["id"])
    assert (done["phase"], done["published"]) == ("done", f"alice/{name}@1")
    for path, content in FILES.items():
        assert alice.vault.open(f"alice/{name}/{path}").read() == content
    asset = alice.market.get(f"alice/{name}")
    assert (asset.title, [offer.summary for offer in asset.offers]) == ("Sent", ["Commercial, 3 SAHARA"])
    assert asset.tags == ("sent",)
    assert name not in drafts(alice)
    assert leftovers(name) == []


def test_a_version_keeps_what_was_not_sent_and_how_the_vault_is_described(
    announce: Any, put: Any, publish: Any, fresh: Any, alice: Any, table_folder: Path
) -> None:
    name = fresh("kept")
    alice.market.publish(table_folder, name=name, title="Kept", description="Words about it.", tags=("sand",))
    plan = announce(name, {"part.parquet": b"new", "more.txt": b"more"}, update=True).json
    assert (plan["version"], plan["files"], plan["replaced"]) == (2, 2, 1)
    put(plan["id"], b"newmore")
    assert publish(plan["id"])["phase"] == "done"
    asset = alice.market.get(f"alice/{name}")
    assert (asset.version, asset.title, asset.tags) == (2, "Kept", ("sand",))
    assert alice.market.document(asset)["description"] == "Words about it."
    assert sorted(entry.name for entry in alice.vault.vault(f"alice/{name}").listdir()) == ["more.txt", "part.parquet"]
    assert alice.vault.open(f"alice/{name}/part.parquet").read() == b"new"
    assert alice.vault.open(f"alice/{name}@1/part.parquet").read() != b"new"


def test_canceled_half_way_nothing_is_left(announce: Any, put: Any, ask: Any, fresh: Any, alice: Any) -> None:
    name = fresh("half")
    id = announce(name, FILES).json["id"]
    put(id, b"x\n1\n2\n\x00")
    assert leftovers(name)
    assert ask(f"uploads/{id}", method="DELETE", account="alice").json["phase"] == "canceled"
    assert leftovers(name) == []
    assert name not in drafts(alice)
    assert put(id, b"more", 7).status == 400
    assert ask(f"uploads/{id}/publish", body={}, account="alice").status == 400


def test_nothing_is_published_while_bytes_are_missing(announce: Any, put: Any, ask: Any, fresh: Any) -> None:
    id = announce(fresh("short"), {"a": b"12345"}).json["id"]
    put(id, b"123")
    answer = ask(f"uploads/{id}/publish", body={}, account="alice")
    assert (answer.status, answer.json["message"]) == (400, "2 bytes are missing")


def test_bytes_out_of_order_or_beyond_the_end_are_refused(announce: Any, put: Any, fresh: Any) -> None:
    id = announce(fresh("order"), {"a": b"12345"}).json["id"]
    assert put(id, b"45", 3).status == 400
    assert put(id, b"123456").status == 400
    assert put(id, b"123").json["received"] == 3


def test_a_publication_that_failed_is_done_again_without_sending_again(
    announce: Any, put: Any, publish: Any, fresh: Any, alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sahara_lab.market.publish as publishing

    name = fresh("again")
    id = announce(name, {"a.txt": b"12345"}).json["id"]
    put(id, b"12345")
    with monkeypatch.context() as broken:

        def full(*_: Any) -> None:
            raise OSError(errno.ENOSPC, "No space left on device", "/secret/place")

        broken.setattr(publishing, "release_classes", full)
        failed = publish(id)
    assert (failed["phase"], failed["retryable"], failed["error"]["code"]) == ("failed", True, "storage")
    assert failed["error"]["message"] == "the files could not be stored: no space left on device"
    assert "/secret" not in str(failed)
    assert publish(id)["phase"] == "done"
    assert alice.vault.open(f"alice/{name}/a.txt").read() == b"12345"


def test_a_full_disk_ends_the_upload_with_a_reason_and_leaves_nothing(
    announce: Any, put: Any, fresh: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    name = fresh("full")
    id = announce(name, {"a": b"1", "b": b"2345"}).json["id"]
    put(id, b"1")
    monkeypatch.setattr(DraftWriter, "write", full)
    answer = put(id, b"2345", 1)
    assert (answer.status, answer.json["code"]) == (507, "storage")
    assert "Free some space" in answer.json["hint"]
    assert leftovers(name) == []


def test_more_than_the_disk_holds_is_refused_before_a_byte_is_sent(
    announce: Any, fresh: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10))
    answer = announce(fresh("large"), {"a": b"1234567"})
    assert (answer.status, answer.json["code"]) == (507, "storage")
    assert "too little room" in answer.json["message"]


def test_changes_prepared_in_a_notebook_are_announced_and_published(
    announce: Any, publish: Any, fresh: Any, alice: Any, ask: Any
) -> None:
    name = fresh("prepared")
    with alice.vault.open(f"alice/{name}/notes.txt", "wb") as file:
        file.write(b"written in a notebook")
    vault = next(one for one in ask("vaults", account="alice").json["vaults"] if one["name"] == f"alice/{name}")
    assert (vault["version"], vault["changes"]) == (0, 1)
    plan = announce(name, {}).json
    assert (plan["files"], plan["pending"]) == (0, 1)
    assert publish(plan["id"])["phase"] == "done"
    assert alice.vault.open(f"alice/{name}/notes.txt").read() == b"written in a notebook"


def test_a_name_that_is_taken_and_one_that_is_not_there(announce: Any, put: Any, publish: Any, fresh: Any) -> None:
    name = fresh("taken")
    id = announce(name, {"a": b"1"}).json["id"]
    put(id, b"1")
    publish(id)
    assert announce(name, {"a": b"1"}).json["code"] == "name-taken"
    assert announce(fresh("absent"), {"a": b"1"}, update=True).json["code"] == "not-found"
    assert announce(fresh("nothing"), {}).status == 400


def test_an_upload_belongs_to_the_account_that_began_it(announce: Any, put: Any, ask: Any, fresh: Any) -> None:
    id = announce(fresh("mine"), {"a": b"1"}).json["id"]
    assert put(id, b"1", account="bob").status == 404
    assert ask(f"uploads/{id}", method="DELETE", account="bob").status == 404
    assert ask(f"uploads/{'0' * 32}", account="alice").status == 404


def test_a_piece_that_is_too_large_is_refused_before_it_is_read(announce: Any, put: Any, fresh: Any) -> None:
    id = announce(fresh("piece"), {"a": bytes(10)}).json["id"]
    assert put(id, bytes(CHUNK + 1)).status in (400, 599)  # the connection is closed
    assert put(id, bytes(10)).json["received"] == 10


def test_a_stranger_sends_nothing(announce: Any, put: Any, fresh: Any) -> None:
    id = announce(fresh("closed"), {"a": bytes(10)}).json["id"]
    assert put(id, bytes(10), token=False).status == 403


def test_only_so_many_uploads_at_once(announce: Any, ask: Any, fresh: Any) -> None:
    ids = [announce(fresh("many"), {"a": b"1"}).json["id"] for _ in range(4)]
    assert "too many uploads" in announce(fresh("many"), {"a": b"1"}).json["message"]
    ask(f"uploads/{ids[0]}", method="DELETE", account="alice")
    assert announce(fresh("many"), {"a": b"1"}).status == 201


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"name": "Bad Name"}, "name"),
        ({"name": "../x"}, "name"),
        ({"kind": "cat"}, "kind"),
        ({"use": "Free Beer"}, "Free Beer"),
        ({"use": "work", "price": "cheap"}, "not a number"),
        ({"use": "anything", "price": "3"}, "free"),
        ({"use": "work", "update": True}, "keeps the licenses"),
        ({"tags": "one"}, "tags"),
        ({"statement": {"origin": "moon"}}, "statement"),
        ({"update": "yes"}, "update"),
        ({"files": "all"}, "list"),
        ({"files": [["a"]]}, "path and a size"),
        ({"files": [["a", -1]]}, "path and a size"),
        ({"files": [["a", True]]}, "path and a size"),
        ({"files": [["a", 2**60]]}, "path and a size"),
        ({"files": [["../a", 1]]}, "cannot be used"),
        ({"files": [["a\x00", 1]]}, "cannot be used"),
        ({"files": [["C:evil", 1]]}, "every system"),
        ({"files": [["a", 1], ["a", 1]]}, "same path"),
        ({"files": [["a", 1], ["a/b", 1]]}, "file and a folder"),
        ({"files": [["e\u0301", 1], ["\u00e9", 1]]}, "same path"),
        ({"path": "/etc"}, "unknown field"),
    ],
)
def test_what_cannot_be_meant_is_refused(ask: Any, change: dict[str, Any], word: str) -> None:
    answer = ask("uploads", account="alice", body={"name": "fine", "files": [["a", 1]], **change})
    assert answer.status == 400
    assert word in answer.json["message"]


def test_a_listing_is_proposed_from_what_the_files_say(ask: Any, tmp_path: Path) -> None:
    import pandas as pd

    card = b"---\nlicense: cc-by-nc-4.0\ntags: [dunes]\n---\n# Heights of dunes\n\nMeasured by hand.\n"
    pd.DataFrame({"height": range(5000), "email": "a@b.c"}).to_parquet(tmp_path / "x.parquet")
    table = (tmp_path / "x.parquet").read_bytes()
    rows = b"phone,height\n" + b"1,2\n" * 500
    samples = {"README.md": card, "x.parquet": table[-2000:], "y.csv": rows[:1001]}
    body = {
        "name": "Dune Data",
        "files": [["README.md", len(card)], ["x.parquet", len(table)], ["y.csv", len(rows)], [".env", 10]],
        "samples": {path: base64.b64encode(sample).decode() for path, sample in samples.items()},
    }
    answer = ask("uploads/proposal", body=body, account="alice")
    found = answer.json["proposal"]
    assert (found["name"], found["title"], found["tags"], found["use"]) == (
        "dune-data", "Heights of dunes", ["dunes"], "study",
    )  # fmt: skip
    assert "these columns look like personal data: email, phone" in found["checks"]
    assert ".env may hold secrets: take it out" in found["checks"]
    assert [question["key"] for question in answer.json["questions"]] == ["use", "price", "back", "lasts"]
    assert ask("uploads/proposal", body={"name": "x", "files": []}).json["proposal"] is None
    assert ask("uploads/proposal", body={**body, "samples": {"y.csv": "%"}}).status == 400


def test_answers_are_told_as_a_license_in_plain_words(ask: Any) -> None:
    told = ask("uploads/terms", use="build", price="25", back="10%").json
    assert told["flavor"] == "Commercial Remix"
    assert "publish and sell what you make of it" in told["may"]
    assert any("10%" in duty for duty in told["must"])
    assert ask("uploads/terms", use="study", back="10%").status == 400
    assert ask("uploads/terms").status == 400
