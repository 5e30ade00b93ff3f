"""fsspec's own conformance suite, run against drafts of the vault's file system."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fsspec.tests.abstract as abstract
import pytest
from fsspec.implementations.local import make_path_posix


class VaultFixtures(abstract.AbstractFixtures):  # type: ignore[misc]
    """Paths of the suite are paths in a draft of Alice's."""

    @pytest.fixture
    def fs(self, fs: Any) -> Any:
        return fs("alice")

    @pytest.fixture
    def fs_path(self) -> str:
        return "alice/suite"

    @pytest.fixture
    def fs_join(self) -> Callable[..., str]:
        return lambda *parts: "/".join(parts)

    @pytest.fixture
    def supports_empty_directories(self) -> bool:
        return False

    @pytest.fixture
    def local_path(self, tmp_path: Any) -> str:
        folder = tmp_path / "local"
        folder.mkdir()
        return str(make_path_posix(str(folder)))


class TestCopy(abstract.AbstractCopyTests, VaultFixtures):  # type: ignore[misc]
    pass


class TestGet(abstract.AbstractGetTests, VaultFixtures):  # type: ignore[misc]
    pass


class TestPut(abstract.AbstractPutTests, VaultFixtures):  # type: ignore[misc]
    pass


class TestOpen(abstract.AbstractOpenTests, VaultFixtures):  # type: ignore[misc]
    pass


class TestPipe(abstract.AbstractPipeTests, VaultFixtures):  # type: ignore[misc]
    pass
