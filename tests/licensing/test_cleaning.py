"""Versions in one folder, and cleaning it, on the real chain."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from sahara_lab.cli import main
from sahara_lab.errors import AccessDenied, IntegrityError
from tests.waiting import until

pytestmark = pytest.mark.network


@pytest.fixture
def asset(alice, table_folder, fresh):  # type: ignore[no-untyped-def]
    """Two versions; one of the three files changed between them."""
    (table_folder / "same.bin").write_bytes(os.urandom(300_000))
    (table_folder / "notes.txt").write_text("one")
    asset = alice.market.publish(table_folder, name=fresh("grown"))
    (table_folder / "notes.txt").write_text("two")
    alice.market.publish(table_folder, name=asset.name.partition("/")[2], update=True)
    return asset


def folder_of(lab, name: str) -> Path:  # type: ignore[no-untyped-def]
    return Path(lab.vault.vault(name).ref.location.removeprefix("file://"))


def age(folder: Path) -> None:
    """As if everything in the folder had been written two days ago."""
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (time.time() - 2 * 86_400,) * 2)


def test_a_new_version_writes_what_changed_and_both_are_described_and_read(asset, alice) -> None:  # type: ignore[no-untyped-def]
    folder = folder_of(alice, asset.name)
    assert len([path for path in (folder / "o").rglob("*") if path.is_file()]) == 4
    assert alice.vault.fs.cat(f"{asset.name}@1/notes.txt") == b"one"
    assert alice.vault.fs.cat(f"{asset.name}/notes.txt") == b"two"
    one, two = (alice.vault.vault(f"{asset.name}@{number}").ref for number in (1, 2))
    assert (one.location, one.epoch, two.epoch) == (two.location, 1, 2)
    assert len(list(folder.glob("metadata-*.json"))) == 2
    assert alice.market.get(f"{asset.name}@1").name
    alice.vault.verify(asset.name)


def test_cleaning_tells_first_and_removes_only_what_nothing_names(asset, alice, bob) -> None:  # type: ignore[no-untyped-def]
    folder = folder_of(alice, asset.name)
    stray = folder / "o" / "ff" / ("ff" * 16)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"left by a crash")
    assert not alice.vault.gc(asset.name)
    age(folder)
    found = alice.vault.gc(asset.name)
    assert [(file.path, file.size) for file in found] == [(f"o/ff/{'ff' * 16}", 15)]
    assert stray.exists()
    assert "--delete" in found._repr_mimebundle_()["text/plain"]
    with pytest.raises(AccessDenied, match="owner"):
        bob.vault.gc(asset.name)
    assert alice.vault.gc(asset.name, dry_run=False).size == 15
    assert not stray.exists()
    for version in ("@1", "@2"):
        alice.vault.verify(f"{asset.name}{version}")


def test_renewed_keys_leave_folders_to_clean_and_a_publication_that_never_arrived_goes(asset, alice) -> None:  # type: ignore[no-untyped-def]
    folder = folder_of(alice, asset.name)
    abandoned = folder.with_name("0" * 32)
    shutil.copytree(folder, abandoned)
    alice.vault.rotate(asset.name)
    for path in (folder, abandoned):
        age(path)
    found = alice.vault.gc(asset.name, dry_run=False)
    assert {file.path.partition("/")[0] for file in found if file.location.endswith(folder.name)} <= {"n", "m"}
    assert any(file.location.endswith(abandoned.name) for file in found)
    assert not abandoned.exists()
    for version in ("@1", "@2"):
        alice.vault.verify(f"{asset.name}{version}")
        assert alice.vault.fs.cat(f"{asset.name}{version}/same.bin")


def test_the_command_line_checks_and_cleans(asset, alice) -> None:  # type: ignore[no-untyped-def]
    run = CliRunner().invoke
    checked = run(main, ["vault", "verify", asset.name])
    assert "3 objects" in checked.stdout
    listed = run(main, ["vault", "gc", asset.name])
    assert "Nothing to remove" in listed.stdout
    stored = max((folder_of(alice, asset.name) / "o").rglob("*"), key=lambda path: path.stat().st_size)
    os.truncate(stored, 1000)
    refused = run(main, ["vault", "verify", asset.name])
    assert refused.exit_code == 1
    assert f"{asset.name}@2/same.bin" in refused.output
    with pytest.raises(IntegrityError, match=r"same\.bin"):
        alice.vault.verify(asset.name)


def test_what_encrypting_again_left_behind_goes_when_old_versions_are_given_up(asset, alice, bob) -> None:  # type: ignore[no-untyped-def]
    before, again = folder_of(alice, asset.name), alice.vault.reencrypt(asset.name)
    assert again
    head = alice.chain.block("latest").number
    until(lambda: alice.chain.block("finalized").number >= head)
    kept = alice.vault.vault(f"{asset.name}@2")
    old_key = kept.keyed(("same.bin",))
    folder = folder_of(alice, asset.name)
    for path in (before, folder):
        age(path)
    assert not alice.vault.gc(asset.name)
    found = alice.vault.gc(asset.name, old_versions=True)
    assert {file.path.partition("/")[0] for file in found} == {"o", "h", "n", "g"}
    assert kept.read("same.bin")  # nothing was removed yet
    alice.vault.gc(asset.name, old_versions=True, dry_run=False)
    alice.vault.verify(asset.name)
    assert alice.vault.fs.cat(f"{asset.name}/notes.txt") == b"two"
    with pytest.raises(IntegrityError, match="missing"):
        kept.read("same.bin")
    assert not (before / "o" / old_key.object.hex()[:2] / old_key.object.hex()).exists()
    assert not alice.vault.gc(asset.name, old_versions=True)
    with pytest.raises(IntegrityError, match="missing"):
        alice.vault.verify(f"{asset.name}@2")


def test_the_cache_of_remote_vaults_is_set_and_removed_in_a_terminal(alice) -> None:  # type: ignore[no-untyped-def]
    for words, shown in ((["64MB"], "0 of 64,000,000 bytes"), ([], "0 of 64,000,000"), (["0"], "Nothing is cached")):
        done = CliRunner().invoke(main, ["-a", "alice", "vault", "cache", *words])
        assert (done.exit_code, shown in done.output) == (0, True), done.output
    assert alice.vault.cache().limit == 0
