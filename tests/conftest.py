"""The real parts that tests share, started once: a network, accounts, and data to publish."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sahara_lab.profile import ACCOUNT_VARIABLE, HOME_VARIABLE, Profile

_numbers = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder of this test run's own; nothing of the user's is touched."""
    folder = tmp_path_factory.mktemp("home")
    before = {name: os.environ.get(name) for name in (HOME_VARIABLE, ACCOUNT_VARIABLE)}
    os.environ[HOME_VARIABLE] = str(folder)
    os.environ.pop(ACCOUNT_VARIABLE, None)
    yield folder
    for name, value in before.items():
        os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)


@pytest.fixture(scope="session")
def network(home: Path) -> Iterator[object]:
    """The embedded network: a chain process and three key servers."""
    from sahara_lab.localnet import down, ensure_up

    yield ensure_up(Profile("local"), owner=os.getpid())
    down(Profile("local"))


@pytest.fixture(scope="session")
def alice(network: object):  # type: ignore[no-untyped-def]
    """The embedded network as Alice sees it."""
    import sahara_lab

    return sahara_lab.connect(account="alice")


@pytest.fixture(scope="session")
def bob(alice):  # type: ignore[no-untyped-def]
    return alice.use("bob")


@pytest.fixture(scope="session")
def carol(alice):  # type: ignore[no-untyped-def]
    return alice.use("carol")


@pytest.fixture
def fresh() -> Callable[[str], str]:
    """Names that no test used before."""
    return lambda base: f"{base}-{next(_numbers)}"


@pytest.fixture
def table_folder(tmp_path: Path) -> Path:
    """A folder with one small Parquet file."""
    import pandas as pd

    folder = tmp_path / "table"
    folder.mkdir()
    pd.DataFrame({"x": range(1000), "y": [n * 0.5 for n in range(1000)]}).to_parquet(folder / "part.parquet")
    return folder


@pytest.fixture(scope="session")
def decide(alice, bob, carol):  # type: ignore[no-untyped-def]
    """Has the DAO decide on an action: a proposal, from its first word to its execution."""

    def decided(action: object) -> None:
        proposal = alice.dao.propose([action], "Decide")
        alice.network.advance("5 seconds")
        for voter in (alice, bob, carol):
            voter.dao.vote(proposal.number, "for")
        alice.network.advance("10 minutes")
        alice.dao.queue(proposal.number)
        alice.network.advance("10 minutes")
        alice.dao.execute(proposal.number)

    return decided


@pytest.fixture(scope="session")
def shell() -> Any:
    from IPython.testing.globalipapp import get_ipython, start_ipython

    return start_ipython() or get_ipython()


@pytest.fixture
def notebook(shell: Any, network: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Runs a cell and gives back its result; failures are raised."""
    import sahara_lab

    monkeypatch.setenv("SAHARA_LAB_ACCOUNT", "bob")
    sahara_lab.load_ipython_extension(shell)

    def run(cell: str) -> Any:
        done = shell.run_cell(cell)
        done.raise_error()
        return done.result

    yield run
    sahara_lab.unload_ipython_extension(shell)
