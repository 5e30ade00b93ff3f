"""fsspec's own conformance suite, run against drafts, and against vaults published to each kind of storage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fsspec.tests.abstract as abstract
import pytest
from fsspec.implementations.local import make_path_posix

from sahara_lab.errors import SaharaError

World = Any  # the fixture of conftest.py


class Drafts(abstract.AbstractFixtures):  # type: ignore[misc]
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


class Published(Drafts):
    """What the suite prepares is published to some storage, so that it reads, copies and moves published files."""

    kind = "local"

    @pytest.fixture
    def storage(self, request: Any, tmp_path: Any) -> str:
        if self.kind == "s3":
            return str(request.getfixturevalue("bucket"))
        return tmp_path.as_uri() + "/published" if self.kind == "local" else f"memory://{tmp_path}"

    @pytest.fixture(autouse=True)
    def _publishing(self, world: World, storage: str) -> None:
        self.world, self.storage_url = world, storage

    def _publish(self, fs: Any, source: str) -> str:
        if not isinstance(fs, abstract.LocalFileSystem):
            files = {path.removeprefix("alice/suite/"): fs.cat(path) for path in fs.find("alice/suite")}
            versions = self.world.refs.get("alice/suite", [None])
            location = f"{self.storage_url}/{len(versions)}-{id(self)}"
            self.world.publish(files, "suite", previous=versions[-1], location=location)
            fs.discard_draft("alice/suite")
            fs.invalidate_cache()
            assert fs.find(source)
        return source

    def _bulk_operations_scenario_0(self, some_fs: Any, some_join: Any, some_path: str) -> str:
        return self._publish(some_fs, super()._bulk_operations_scenario_0(some_fs, some_join, some_path))

    def _glob_edge_cases_files(self, some_fs: Any, some_join: Any, some_path: str) -> str:
        return self._publish(some_fs, super()._glob_edge_cases_files(some_fs, some_join, some_path))

    def _dir_and_file_with_same_name_prefix(self, some_fs: Any, some_join: Any, some_path: str) -> str:
        return self._publish(some_fs, super()._dir_and_file_with_same_name_prefix(some_fs, some_join, some_path))

    def _10_files_with_hashed_names(self, some_fs: Any, some_join: Any, some_path: str) -> str:
        return self._publish(some_fs, super()._10_files_with_hashed_names(some_fs, some_join, some_path))


class TestCopyingInDrafts(abstract.AbstractCopyTests, Drafts):  # type: ignore[misc]
    pass


class TestGettingFromDrafts(abstract.AbstractGetTests, Drafts):  # type: ignore[misc]
    pass


class TestPutting(abstract.AbstractPutTests, Drafts):  # type: ignore[misc]
    pass


class TestOpening(abstract.AbstractOpenTests, Drafts):  # type: ignore[misc]
    pass


class TestPiping(abstract.AbstractPipeTests, Drafts):  # type: ignore[misc]
    pass


class TestCopyingWhatIsPublished(Published, abstract.AbstractCopyTests):  # type: ignore[misc]
    kind = "memory"
    test_copy_glob_edge_cases = None  # patterns are matched above the storage, as in drafts


class TestGettingWhatIsPublished(Published, abstract.AbstractGetTests):  # type: ignore[misc]
    kind = "s3"


class TestMoving(Published):
    """The suite's own tests of moving know local files only; these are the same on vaults."""

    def test_a_file_moves(self, fs: Any, fs_path: str, fs_bulk_operations_scenario_0: str) -> None:
        source = fs_bulk_operations_scenario_0
        fs.mv(f"{source}/file1", f"{fs_path}/moved/here")
        assert not fs.exists(f"{source}/file1")
        assert fs.isfile(f"{fs_path}/moved/here")

    def test_a_folder_moves(self, fs: Any, fs_path: str, fs_bulk_operations_scenario_0: str) -> None:
        source = fs_bulk_operations_scenario_0
        fs.mv(f"{source}/subdir", f"{fs_path}/away", recursive=True)
        assert not fs.exists(f"{source}/subdir")
        assert f"{fs_path}/away/nesteddir/nestedfile" in fs.find(f"{fs_path}/away")

    def test_nothing_moves_when_it_may_not(self, fs: Any, fs_path: str, fs_bulk_operations_scenario_0: str) -> None:
        source = fs_bulk_operations_scenario_0
        with pytest.raises(FileNotFoundError):
            fs.mv(f"{source}/absent", f"{fs_path}/there")
        with pytest.raises(SaharaError):
            fs.mv(f"{source}/file1", "bob/other/file1")
        assert fs.isfile(f"{source}/file1")
