"""Publishing that is cut off, that happens twice at once, and what lies on disk meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytestmark = pytest.mark.network

DYING = """
import os, sys
import sahara_lab

def step(text):
    if text.startswith(sys.argv[3]):
        os._exit(9)

sahara_lab.connect(account="alice").market.publish(sys.argv[1], name=sys.argv[2], update=True, progress=step)
"""


@pytest.fixture
def asset(alice, table_folder, fresh):  # type: ignore[no-untyped-def]
    (table_folder / "same.bin").write_bytes(os.urandom(200_000))
    return alice.market.publish(table_folder, name=fresh("steady"))


def holding(folders: list[Path], needle: bytes) -> list[Path]:
    return [path for folder in folders for path in folder.rglob("*") if path.is_file() and needle in path.read_bytes()]


def test_nothing_of_a_draft_lies_in_the_clear_while_it_is_published(
    alice, home: Path, fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    name, needle = fresh("hidden"), os.urandom(16).hex().encode()
    with alice.vault.open(f"alice/{name}/words.txt", "wb") as stream:
        stream.write(needle * 1000)
    with alice.vault.open(f"alice/{name}/table.csv", "wb") as stream:
        stream.write(b"left,right\n1,2.5\n" + needle + b",3\n")
    seen: list[Path] = []
    steps: list[str] = []

    def look(step: str) -> None:
        steps.append(step)
        seen.extend(holding([home, temporary], needle))

    published = alice.market.publish(f"vault://alice/{name}", name=name, progress=look)
    look("afterwards")
    assert len(steps) >= 4
    assert seen == []
    assert alice.vault.fs.cat(f"alice/{name}/words.txt") == needle * 1000
    assert {"left", "right"} <= {field["name"] for field in fields(alice.market.document(published))}


def fields(document):  # type: ignore[no-untyped-def]
    return [field for record in document["recordSet"] for field in record["field"]]


@pytest.mark.parametrize("step", ["encrypting", "1 of", "describing", "recording"])
def test_a_kill_at_any_step_leaves_the_version_before_and_a_retry_completes_it(asset, alice, tmp_path, step) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "changed"
    folder.mkdir()
    (folder / "same.bin").write_bytes(alice.vault.fs.cat(f"{asset.name}/same.bin"))
    (folder / "more.txt").write_text("more")
    name = asset.name.partition("/")[2]
    died = subprocess.run([sys.executable, "-c", DYING, str(folder), name, step], capture_output=True, timeout=120)
    assert died.returncode == 9, died.stderr.decode()
    alice.vault.fs.invalidate_cache()
    assert alice.market.get(asset.name).version == 1
    alice.vault.verify(asset.name)
    assert alice.vault.fs.exists(f"{asset.name}/part.parquet")
    assert alice.market.publish(folder, name=name, update=True).version == 2
    alice.vault.fs.invalidate_cache()
    alice.vault.verify(asset.name)
    assert alice.vault.fs.cat(f"{asset.name}/more.txt") == b"more"
    assert not alice.vault.fs.exists(f"{asset.name}/part.parquet")
    folder = Path(alice.vault.vault(asset.name).ref.location.removeprefix("file://"))
    for path in folder.rglob("*"):
        os.utime(path, (time.time() - 2 * 86_400,) * 2)
    assert bool(alice.vault.gc(asset.name, dry_run=False)) == (step != "encrypting")
    for version in ("@1", "@2"):
        alice.vault.verify(f"{asset.name}{version}")


def test_two_publications_at_once_make_two_whole_versions(asset, alice, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    contents = {}
    for label in ("one", "two"):
        (tmp_path / label).mkdir()
        contents[label] = os.urandom(300_000)
        (tmp_path / label / "data.bin").write_bytes(contents[label])

    def publish(label: str) -> object:
        return alice.market.publish(tmp_path / label, name=asset.name.partition("/")[2], update=True)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(publish, contents))
    read = []
    for version in (2, 3):
        alice.vault.verify(f"{asset.name}@{version}")
        read.append(alice.vault.fs.cat(f"{asset.name}@{version}/data.bin"))
    assert sorted(read) == sorted(contents.values())
