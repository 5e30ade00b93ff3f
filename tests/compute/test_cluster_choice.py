"""Which cluster a profile trains on: addresses and token files, looked at before anything starts."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sahara_lab.compute import Compute
from sahara_lab.compute.clusters import Cluster, canonical
from sahara_lab.compute.options import Options
from sahara_lab.errors import JobError


@pytest.fixture
def listening() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"ray://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("t0ken")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ray://Head.example:10002", "ray://head.example:10002"),
        ("10.0.0.5", "ray://10.0.0.5:10001"),
        ("ray://[fd00::5]/", "ray://[fd00::5]:10001"),
    ],
)
def test_scheme_and_port_of_an_address_may_be_left_out(typed: str, meant: str) -> None:
    assert canonical(typed) == meant


@pytest.mark.parametrize("typed", ["", "ray://", "http://head:10001", "head:0", "head:99999", "head:10001/path", "a b"])
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(JobError, match="is no address of a Ray cluster"):
        Options.of({"cluster": typed})


@pytest.mark.parametrize("typed", ["ray://s3cret@head:10001", "ray://head:10001?token=s3cret"])
def test_token_in_an_address_is_refused_and_not_repeated(typed: str) -> None:
    with pytest.raises(JobError, match="without a token") as caught:
        canonical(typed)
    assert "s3cret" not in str(caught.value)


def test_choice_is_kept_for_the_profile_without_the_token(tmp_path: Path, listening: str, token_file: Path) -> None:
    jobs = tmp_path / "jobs"
    Compute(jobs).use_cluster(listening, token_file)
    assert Compute(jobs).cluster == listening
    assert Compute(jobs).options({"workers": 3}).cluster == listening
    assert Compute(jobs).options({"cluster": "none"}).cluster is None
    assert Compute(jobs).options({"backend": "local"}).cluster is None
    assert all(b"t0ken" not in path.read_bytes() for path in jobs.rglob("*") if path.is_file())
    Compute(jobs).use_cluster(None)
    assert Compute(jobs).cluster is None


def test_nobody_answers_at_a_wrong_address_and_no_job_is_made(
    tmp_path: Path, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(token_file))
    compute = Compute(tmp_path / "jobs")
    with pytest.raises(JobError, match=r"nobody answers at ray://127\.0\.0\.1:1 \(Connection refused\)"):
        compute.use_cluster("127.0.0.1:1", token_file)
    assert compute.cluster is None
    with pytest.raises(JobError, match="nobody answers"):
        compute.run_cell("x = 1", {}, cluster="127.0.0.1:1")
    assert compute.jobs() == []


def test_token_file_has_to_be_there_and_private(
    tmp_path: Path, listening: str, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(JobError, match="there is no token for the cluster"):
        Cluster(listening).check()
    token_file.chmod(0o644)
    with pytest.raises(JobError, match="others may read the token file"):
        Cluster(listening, token_file).check()
    token_file.write_text("\n")
    with pytest.raises(JobError, match="is empty"):
        Cluster(listening, token_file).check()


def test_backend_of_this_machine_takes_no_cluster() -> None:
    with pytest.raises(JobError, match="the backend local knows no cluster"):
        Options.of({"backend": "local", "cluster": "head"})
    with pytest.raises(JobError, match="a cluster has an address"):
        Options.of({"backend": "cluster"})


def test_command_line_chooses_shows_and_leaves_a_cluster(listening: str, token_file: Path) -> None:
    from click.testing import CliRunner

    from sahara_lab.cli import main

    def said(*words: str) -> str:
        return CliRunner().invoke(main, ["cluster", *words]).output

    chosen = said("use", listening, "--token-file", str(token_file))
    assert f"Cells train on {listening}." in chosen
    assert "never one shared with strangers" in chosen
    assert said("show").strip() == listening
    assert "this machine" in said("leave")
    assert said("show").strip() == "this machine"
    assert "is no address of a Ray cluster" in said("use", "http://head")
