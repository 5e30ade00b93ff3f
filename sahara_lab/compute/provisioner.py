"""Starts a kernel on a node of Ray: entry point ``sahara-ray`` of ``jupyter_client.kernel_provisioners``.

A kernel spec names it with what it asks for::

    "metadata": {"kernel_provisioner": {"provisioner_name": "sahara-ray", "config": {"cpus": 2, "gpus": 1}}}

The five sockets are CurveZMQ, with a key pair made for this kernel: who has no key hears and says nothing.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any, cast

import zmq
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets import Float, Int, Unicode

from sahara_lab.compute.kernels import new_key
from sahara_lab.compute.link import Link
from sahara_lab.profile import Profile

_LOOK_EVERY = 0.2


class RayProvisioner(KernelProvisionerBase):
    """One kernel on one node, with the cores and GPUs asked for."""

    cpus = Float(1.0, help="cores of the node that are the kernel's").tag(config=True)
    gpus = Int(0, help="GPUs of the node that are the kernel's").tag(config=True)
    cluster = Unicode("", help="address of a Ray cluster, host:port; this machine's own when empty").tag(config=True)

    _link: Link | None = None
    _running = False

    async def _ask(self, do: str, **fields: Any) -> dict[str, Any]:
        if self._link is None:
            self._link = Link(Profile().jobs, self.cluster or None)
        return await asyncio.to_thread(self._link.ask, "kernel", None, do=do, kernel=self.kernel_id, **fields)

    @property
    def has_process(self) -> bool:
        return self._running

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        kwargs.pop("extra_arguments", None)
        manager: Any = self.parent
        if manager.curve_publickey is None:
            manager.curve_publickey, manager.curve_secretkey = zmq.curve_keypair()
        found: dict[str, Any] = await super().pre_launch(cmd=self.kernel_spec.argv, **kwargs)
        return found

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        from sahara_lab.compute.cluster_address import check

        if self.cluster:
            await asyncio.to_thread(check, self.cluster)
        manager: Any = self.parent
        key = manager.session.key.decode() or new_key()
        connection = {
            "key": key,
            "signature_scheme": manager.session.signature_scheme,
            "curve_publickey": manager.curve_publickey.decode(),
            "curve_secretkey": manager.curve_secretkey.decode(),
        }
        environment = kwargs.get("env") or {}
        answer = await self._ask(
            "start",
            argv=cmd,
            connection=connection,
            environment={
                name: value for name, value in environment.items() if name.startswith(("SAHARA_LAB_", "JPY_"))
            },
            cwd=str(kwargs.get("cwd") or os.getcwd()),  # noqa: PTH109 - the server's own folder, as text
            cpus=self.cpus,
            gpus=self.gpus,
        )
        self._running = True
        found = answer["connection"]
        found.pop("pid")
        self.connection_info = cast("KernelConnectionInfo", {**found, "key": key.encode()})
        return self.connection_info

    async def poll(self) -> int | None:
        if not self._running:
            return 0
        code: int | None = (await self._ask("poll"))["code"]
        if code is not None:
            self._running = False
        return code

    async def wait(self) -> int | None:
        while (code := await self.poll()) is None:  # noqa: ASYNC110 - the kernel ends on another machine
            await asyncio.sleep(_LOOK_EVERY)
        return code

    async def send_signal(self, signum: int) -> None:
        await self._ask("signal", number=signum)

    async def kill(self, restart: bool = False) -> None:
        await self._ask("signal", number=9)

    async def terminate(self, restart: bool = False) -> None:
        await self._ask("signal", number=15)

    async def cleanup(self, restart: bool = False) -> None:
        if not restart:  # a restarted kernel keeps its node and its ports: clients stay connected
            self._running = False
            await self._ask("end")
