"""A reader's session on a machine that has none of the account's folders."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sahara_lab.profile import HOME_VARIABLE, Profile

pytestmark = pytest.mark.network

WORKER = """
import os, pickle, sys
from pathlib import Path
setup, storage, name = pickle.load(sys.stdin.buffer)
setup()
home = Path(os.environ["SAHARA_LAB_HOME"])
(home / "profiles/local/storage").symlink_to(storage)  # what a cluster would reach over the network
import fsspec
print(fsspec.open(f"vault://alice/{name}/rows.csv", "rt").open().read())
print(sorted(path.name for path in (home / "profiles/local").iterdir()))
print(home)
"""


def test_session_brings_the_networks_addresses_and_nothing_else(
    alice: Any, fresh: Callable[[str], str], tmp_path: Path
) -> None:
    import sahara_lab as sahara

    (tmp_path / "rows.csv").write_text("a,b\n1,2")
    name = fresh("read-elsewhere")
    alice.market.publish(tmp_path, name=name, license=sahara.License.commercial_remix(price="3", royalty="10%"))
    setup = alice.compute._vaults.session_setup()
    setup._folder = str(tmp_path / "not-here/profiles/local")
    environment = {key: value for key, value in os.environ.items() if key != HOME_VARIABLE}
    worker = subprocess.run(
        [sys.executable, "-c", WORKER],
        input=pickle.dumps((setup, str(Profile("local").storage), name)),
        env={**environment, "HOME": str(tmp_path / "home")},
        capture_output=True,
        check=True,
    )
    *rows, files, home = worker.stdout.decode().splitlines()
    assert rows == ["a,b", "1,2"]
    assert files == "['network.json', 'storage']"
    assert not Path(home).exists()
