"""papermill with vaults: read, run, write a draft, publish it."""

from __future__ import annotations

import json
import subprocess
import sys

import nbformat
import pytest

from sahara_lab.errors import InputError

pytestmark = pytest.mark.network


@pytest.fixture
def notebook(alice, tmp_path, fresh):  # type: ignore[no-untyped-def]
    """A published notebook, as a vault URL."""
    made = nbformat.v4.new_notebook()
    made.cells = [
        nbformat.v4.new_code_cell("n = 1", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("import os; print(n * 2, os.environ.get('SAHARA_NONINTERACTIVE'))"),
    ]
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    folder = tmp_path / "notebook"
    folder.mkdir()
    nbformat.write(made, folder / "double.ipynb")
    return alice.market.publish(folder, name=fresh("double"), kind="notebook").url + "/double.ipynb"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "papermill", *arguments, "--no-progress-bar"]
    return subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)


def test_a_notebook_runs_from_a_vault_into_a_draft_that_can_be_published(alice, notebook, fresh):  # type: ignore[no-untyped-def]
    name = fresh("report")
    done = run(notebook, f"vault://alice/{name}/out.ipynb", "-p", "n", "21", "--engine", "sahara")
    assert done.returncode == 0, done.stderr[-2000:]
    report = alice.market.publish(f"vault://alice/{name}", name=name, kind="notebook")
    text = alice.vault.fs.cat_file(f"{report.url}/out.ipynb").decode()
    assert "42 1" in text


def test_the_finished_notebook_is_stored_once_and_tells_no_local_path(alice, tmp_path, fresh, monkeypatch):  # type: ignore[no-untyped-def]
    import papermill

    from sahara_lab.papermill.storage import handler

    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(f"print({n})") for n in range(4)])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    source = tmp_path / "four.ipynb"
    nbformat.write(made, source)
    stored: list[str] = []
    files = handler._files()
    monkeypatch.setattr(handler, "_files", lambda: files)
    keep = files.pipe_file
    monkeypatch.setattr(files, "pipe_file", lambda path, data: (stored.append(data.decode()), keep(path, data)))
    target = f"vault://alice/{fresh('four')}/out.ipynb"
    papermill.execute_notebook(str(source), target, engine_name="sahara", progress_bar=False)
    assert len(stored) == 1
    assert str(tmp_path) not in stored[0]
    assert json.loads(stored[0])["metadata"]["papermill"]["input_path"] == "four.ipynb"


def test_a_notebook_that_fails_is_stored_with_its_error(alice, tmp_path, fresh):  # type: ignore[no-untyped-def]
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("%load_ext sahara_lab\n%sahara license nobody/nothing --max-price 1")]
    )
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(made, tmp_path / "fails.ipynb")
    target = f"vault://alice/{fresh('fails')}/out.ipynb"
    done = run(str(tmp_path / "fails.ipynb"), target, "--engine", "sahara")
    assert done.returncode != 0
    assert "NotFound" in done.stderr
    assert "%sahara search" in done.stderr or "nobody" in done.stderr
    assert "NotFound" in alice.vault.fs.cat_file(target).decode()


def test_a_parameter_that_looks_like_a_secret_is_refused(notebook, tmp_path):  # type: ignore[no-untyped-def]
    done = run(notebook, str(tmp_path / "out.ipynb"), "-p", "api_key", "hunter2", "--engine", "sahara")
    assert done.returncode != 0
    assert "looks like a secret" in done.stderr
    assert "hunter2" not in done.stderr.replace("-p api_key hunter2", "")
    assert not (tmp_path / "out.ipynb").exists()


def test_only_secrets_are_refused() -> None:
    from sahara_lab.papermill.storage import refuse_secrets

    refuse_secrets('{"metadata": {"papermill": {"parameters": {"epochs": 3, "author": "me"}}}}')
    refuse_secrets("not json")
    with pytest.raises(InputError):
        refuse_secrets('{"metadata": {"papermill": {"parameters": {"DB_PASSWORD": "x"}}}}')
