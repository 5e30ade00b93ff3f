"""The vault section's questions against the real embedded network: what is there, who can read it, renewing keys."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sahara_lab as sahara

pytestmark = pytest.mark.network


@pytest.fixture
def vault(alice: Any, fresh: Callable[[str], str], tmp_path: Path) -> str:
    """A vault of Alice's with a folder of three files and one beside it."""
    folder = tmp_path / "content"
    for path, size in {"data/a.csv": 100, "data/b.csv": 50, "data/deep/c.txt": 7, "readme.md": 5}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"x" * size)
    name = fresh("shelf")
    alice.market.publish(folder, name=name, title="A shelf", license=sahara.License.commercial("2", duration="30 days"))
    return f"alice/{name}"


def mine(ask: Any, account: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in ask("vaults", account=account).json["vaults"]}


def test_an_owner_and_a_licensee_see_the_vault_each_in_their_way(ask: Any, vault: str, bob: Any) -> None:
    own = mine(ask, "alice")[vault]
    assert (own["owned"], own["readable"], own["version"], own["title"]) == (True, True, 1, "A shelf")
    assert own["size"] == 162
    assert vault not in mine(ask, "bob")
    grant = bob.market.license(vault, max_price="2")
    held = mine(ask, "bob")[vault]
    assert (held["owned"], held["readable"], held["flavor"]) == (False, True, "Commercial")
    assert held["until"] == grant.expires_at > time.time()


def test_a_folder_comes_page_by_page_with_the_sizes_of_its_folders(ask: Any, vault: str) -> None:
    page = ask(f"vaults/{vault}/files", version="1").json
    assert [(one["name"], one["kind"], one["size"]) for one in page["entries"]] == [
        ("data", "directory", 157),
        ("readme.md", "file", 5),
    ]
    assert page["root"].startswith("0x")
    second = ask(f"vaults/{vault}/files", version="1", folder="data", offset="1", limit="1").json
    assert second["total"] == 3
    assert [one["name"] for one in second["entries"]] == ["a.csv"]


def test_names_with_spaces_at_their_ends_are_found(
    ask: Any, alice: Any, fresh: Callable[[str], str], tmp_path: Path
) -> None:
    (tmp_path / " odd ").mkdir()
    (tmp_path / " odd " / "é #?&.txt").write_bytes(b"x")
    name = fresh("odd")
    alice.market.publish(tmp_path, name=name)
    entries = ask(f"vaults/alice/{name}/files", folder=" odd ").json["entries"]
    assert [one["name"] for one in entries] == ["é #?&.txt"]


def test_without_a_license_nothing_is_listed_and_the_hint_says_how_to_get_one(ask: Any, vault: str) -> None:
    answer = ask(f"vaults/{vault}/files", account="carol")
    assert (answer.status, answer.json["code"]) == (403, "access-denied")
    assert answer.json["hint"]


def test_sharing_shows_in_who_can_read_and_ends_with_new_keys(ask: Any, vault: str, carol: Any) -> None:
    until = int(time.time()) + 86_400
    body = {"account": "carol", "path": "data", "until": str(until)}
    readers = ask(f"vaults/{vault}/share", account="alice", body=body).json["readers"]
    assert {"account": "carol", "why": "shared", "path": "data", "until": until} in readers
    assert carol.vault.open(f"{vault}/data/a.csv").read() == b"x" * 100
    renewed = ask(f"vaults/{vault}/unshare", account="alice", body={"account": "carol"}).json
    assert renewed["versions"][0]["ended"] == ["carol"]
    assert "encrypted again" in renewed["note"]
    readers = ask(f"vaults/{vault}/readers", account="alice").json["readers"]
    assert [one["account"] for one in readers] == ["alice"]


def test_one_file_is_shared_and_nothing_beside_it(ask: Any, vault: str, carol: Any) -> None:
    body = {"account": "carol", "path": "data/a.csv"}
    readers = ask(f"vaults/{vault}/share", account="alice", body=body).json["readers"]
    assert {"account": "carol", "why": "shared", "path": "data/a.csv", "until": 0} in readers
    listed = ask(f"vaults/{vault}/files", account="carol", folder="data").json
    assert [row["name"] for row in listed["entries"]] == ["a.csv"]


def test_renewed_keys_are_used_at_once(ask: Any, vault: str) -> None:
    assert ask(f"vaults/{vault}/files").status == 200
    renewed = ask(f"vaults/{vault}/rotate", body={}).json["versions"]
    assert renewed[0]["epoch"] == 2
    assert ask(f"vaults/{vault}/files").status == 200


def test_who_is_not_the_owner_decides_nothing(ask: Any, vault: str) -> None:
    for path, body in {"share": {"account": "bob"}, "unshare": {"account": "bob"}, "rotate": {}}.items():
        answer = ask(f"vaults/{vault}/{path}", account="carol", body=body)
        assert (answer.status, answer.json["code"]) == (403, "access-denied"), path
    assert ask(f"vaults/{vault}/readers", account="carol").status == 403


@pytest.mark.parametrize(
    ("route", "body", "word"),
    [
        ("share", {"account": "../carol"}, "account"),
        ("share", {"account": "carol", "path": "../secret"}, "cannot be used"),
        ("share", {"account": "carol", "path": "a/\x00"}, "control"),
        ("share", {"account": "carol", "until": "1"}, "end of the share"),
        ("share", {"account": "carol", "until": "soon"}, "end of the share"),
        ("unshare", {"account": ""}, "account"),
        ("rotate", {"account": "carol"}, "unknown field"),
    ],
)
def test_bad_decisions_are_refused_at_the_edge(ask: Any, route: str, body: dict[str, str], word: str) -> None:
    answer = ask(f"vaults/alice/digits/{route}", body=body)
    assert answer.status == 400
    assert word in answer.json["message"]


def test_no_answer_names_a_place_on_the_disk(ask: Any, vault: str, home: Path) -> None:
    for path in ("vaults", f"vaults/{vault}/files", f"vaults/{vault}/readers"):
        assert str(home) not in str(ask(path).json)


@pytest.mark.parametrize("path", ["../x", "a/../../b", "a\\b", "C:x"])
def test_paths_cannot_leave_the_vault(ask: Any, path: str) -> None:
    assert ask("vaults/alice/digits/files", folder=path).status == 400
