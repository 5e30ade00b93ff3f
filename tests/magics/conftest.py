"""An IPython shell with the magics loaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


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
