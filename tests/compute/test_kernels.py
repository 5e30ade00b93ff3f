"""The kernel "Sahara (cluster)": on a node of Ray, encrypted, without the server's secrets, gone when it is told."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = pytest.mark.ray
ROOT = Path(__file__).parents[2]


class Notebook:
    """A started kernel with a client."""

    def __init__(self, manager: Any, client: Any) -> None:
        self.manager, self.client = manager, client

    def value(self, expression: str) -> str:
        reply = self.client.execute_interactive(
            "", user_expressions={"value": expression}, silent=True, timeout=120, output_hook=lambda _: None
        )
        found = reply["content"]["user_expressions"]["value"]
        assert found["status"] == "ok", found
        return str(found["data"]["text/plain"])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    from sahara_lab.compute import Compute
    from sahara_lab.profile import Profile

    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("kernel-home")
        patch.setenv("SAHARA_LAB_HOME", str(folder))
        patch.setenv("JUPYTER_TOKEN", "must-not-arrive")
        yield folder
        Compute(Profile().jobs).shutdown()


@pytest.fixture(scope="module")
def notebook(home: Path) -> Iterator[Notebook]:
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import KernelManager

    specs = KernelSpecManager(kernel_dirs=[str(ROOT / "kernels")])
    manager = KernelManager(kernel_name="sahara-cluster", kernel_spec_manager=specs)
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=240)
    yield Notebook(manager, client)
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_kernel_runs_beside_ray_and_has_none_of_the_servers_secrets(notebook: Notebook) -> None:
    names = set(json.loads(notebook.value("__import__('json').dumps(list(__import__('os').environ))")[1:-1]))
    assert not {name for name in names if "TOKEN" in name or name.startswith("RAY_AUTH")}
    parents = [process.name() for process in psutil.Process(int(notebook.value("__import__('os').getpid()"))).parents()]
    assert any("raylet" in name for name in parents), parents


def test_traffic_is_encrypted_so_that_who_has_no_key_hears_nothing(notebook: Notebook) -> None:
    import zmq

    info = notebook.manager.get_connection_info()
    assert info["curve_publickey"]
    context = zmq.Context()
    try:
        deaf = context.socket(zmq.SUB)
        deaf.setsockopt(zmq.SUBSCRIBE, b"")
        deaf.setsockopt(zmq.LINGER, 0)
        deaf.connect(f"tcp://{info['ip']}:{info['iopub_port']}")
        assert notebook.value("1 + 1") == "2"
        assert deaf.poll(1000) == 0
    finally:
        context.destroy(linger=0)


def test_interrupt_stops_what_runs_and_the_kernel_stays(notebook: Notebook) -> None:
    notebook.value("globals().update(kept=41) or 1")
    request = notebook.client.execute("import time; print('sleeping', flush=True); time.sleep(600)")
    while notebook.client.get_iopub_msg(timeout=60)["msg_type"] != "stream":
        pass
    notebook.manager.interrupt_kernel()
    reply = notebook.client.get_shell_msg(timeout=60)
    assert reply["parent_header"]["msg_id"] == request
    assert reply["content"]["ename"] == "KeyboardInterrupt"
    assert notebook.value("kept + 1") == "42"


def test_restart_keeps_the_ports_and_shutdown_leaves_no_process(notebook: Notebook, until: Callable[..., Any]) -> None:
    before, process = notebook.manager.get_connection_info(), int(notebook.value("__import__('os').getpid()"))
    notebook.manager.restart_kernel(now=True)
    notebook.client.wait_for_ready(timeout=120)
    assert notebook.value("'kept' in globals()") == "False"
    after = notebook.manager.get_connection_info()
    assert after["shell_port"] == before["shell_port"]
    second = int(notebook.value("__import__('os').getpid()"))
    assert second != process
    notebook.manager.shutdown_kernel(now=True)
    until(lambda: not psutil.pid_exists(second) and not psutil.pid_exists(process))
    assert os.getpid()
