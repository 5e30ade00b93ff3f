"""One run in one fresh process: the child that a worker forks for each cell."""

from __future__ import annotations

import atexit
import contextlib
import io
import linecache
import os
import signal
import sys
import threading
import time
import traceback
import types
import warnings
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sahara_lab.compute import lightning, outcome, preload
from sahara_lab.compute.options import Options
from sahara_lab.compute.position import Position
from sahara_lab.errors import JobError

_EXIT_WITHIN = 5.0
_NOISE = (
    "does not have many workers",
    "was called without a model",
    "is smaller than the logging interval",
    "Using `DistributedSampler` with the dataloaders",
    "LeafSpec",
    "litmodels",
    "tensorboardX",
    "ended before the epoch ended",
)


@dataclass
class Assignment:
    """What one rank is told to run. ``setup`` may hold a session's secret, so it stays out of the repr."""

    job: str
    rank: int
    workers: int
    port: int
    folder: str
    cwd: str
    source: str
    sources: dict[str, str]
    path: list[str]
    resume: str | None
    options: Options
    environment: dict[str, str] = field(repr=False)
    namespace: bytes = field(repr=False)
    setup: bytes | None = field(repr=False)
    collect: bytes | None = field(repr=False)
    spread: bool = False
    """Whether the ranks are on several machines, each with its own view of the devices."""
    master: str = "127.0.0.1"
    files: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def cell_name(self) -> str:
        return f"<sahara cell {self.job}>"


def main(connection: Connection[Any, Any], assignment: Assignment) -> None:
    """Entry of the forked process: run the cell, report the outcome, leave at once."""
    lock = threading.Lock()

    def send(message: dict[str, Any]) -> None:
        with lock, contextlib.suppress(OSError):
            connection.send(message)

    with contextlib.suppress(OSError):
        os.setsid()  # a group of its own, so that data loaders started by the cell end with it
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    folder = Path(assignment.folder)
    _write_output_to(folder / "logs" / f"rank-{assignment.rank}.log", assignment.rank, send)
    state = lightning.RunState(
        send,
        assignment.rank,
        folder,
        Path(assignment.resume) if assignment.resume else None,
        assignment.options,
        Position(assignment.options.seed, assignment.job),
    )
    threading.Thread(target=_obey, args=(connection, state, send), daemon=True).start()
    result = _run(assignment, state)
    sys.stdout.flush()
    sys.stderr.flush()
    send({"kind": "outcome", **result})
    _leave()


def _leave() -> None:
    """End the process after what libraries do at exit (loggers upload then), but let nothing hold it back."""
    guard = threading.Timer(_EXIT_WITHIN, os._exit, [0])
    guard.daemon = True
    guard.start()
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    os._exit(0)


def _run(assignment: Assignment, state: lightning.RunState) -> dict[str, Any]:
    setup, assignment.setup = assignment.setup, None
    loaded = set(sys.modules)
    try:
        _prepare(assignment)
        import cloudpickle

        if setup is not None:
            cloudpickle.loads(setup)()
            setup = None
        cell = types.ModuleType("__main__")
        cell.__dict__.update(display=print)  # notebooks have `display`; a worker has no screen
        cell.__dict__.update(cloudpickle.loads(assignment.namespace))
        assignment.namespace = b""
        before = dict(cell.__dict__)
        sys.modules["__main__"] = cell
        lightning.activate(state)
        state.send({"kind": "cell"})
        try:
            exec(compile(assignment.source, assignment.cell_name, "exec"), cell.__dict__)  # noqa: S102
        except SystemExit as leaving:
            if leaving.code not in (None, 0):
                raise
        finally:
            lightning.activate(None)
        imported = preload.modules_of(set(sys.modules) - loaded)
        if state.fits == 0:
            return {"outcome": "no-fit", "watched": _watched()}
        result = outcome.gather(state, cell.__dict__, before, Path(assignment.folder))
        if assignment.collect is not None:
            result["collected"] = outcome.plain(cloudpickle.loads(assignment.collect)()) or {}
        return {"outcome": "stopped" if state.stopped else "done", "imported": imported, **result}
    except BaseException as error:
        return {"outcome": "failed", **describe(error, assignment), "when": time.time()}
    finally:
        with contextlib.suppress(Exception):
            import torch.distributed

            if torch.distributed.is_initialized():
                torch.distributed.destroy_process_group()


def _watched() -> bool:
    """Whether Lightning can find our callback: an installation without entry points would look like "never fits"."""
    from importlib.metadata import entry_points

    return any(
        entry.value.startswith("sahara_lab.") for entry in entry_points(group="pytorch_lightning.callbacks_factory")
    )


def _prepare(assignment: Assignment) -> None:
    os.environ.update(assignment.environment)
    os.environ.update(lightning_environment(assignment))
    sys.path[:] = dict.fromkeys([assignment.cwd, *assignment.path, *sys.path])
    os.chdir(assignment.cwd)
    for name, text in {**assignment.sources, assignment.cell_name: assignment.source}.items():
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    warnings.filterwarnings("ignore", message=f".*({'|'.join(_NOISE)})")
    warnings.formatwarning = lambda message, category, *_: f"{category.__name__}: {message}\n"  # without our paths
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    _check_devices(assignment, torch.cuda.device_count())
    if assignment.options.seed is not None:
        import pytorch_lightning as pl

        with contextlib.redirect_stderr(io.StringIO()):
            pl.seed_everything(assignment.options.seed, workers=True)


def _check_devices(assignment: Assignment, gpus: int) -> None:
    options, workers = assignment.options, 1 if assignment.spread else assignment.workers
    if (options.gpus or options.accelerator in ("gpu", "cuda")) and gpus < workers:
        raise JobError(
            f"the job asks for {workers} GPU{'s' * (workers > 1)}, this machine has {gpus}",
            hint=f"Give --workers {gpus}" if gpus else "Leave out --gpus and --accelerator to train on the CPU",
        )
    if options.strategy == "fsdp" and gpus < workers:
        raise JobError("fsdp shards a model over GPUs, and there are not enough here", hint="Give --strategy ddp")
    if assignment.rank == 0 and options.gpus is None and options.accelerator is None and 0 < gpus < workers:
        print(f"This machine has {gpus} GPU, so {workers} workers train on the CPU. --workers {gpus} uses it.")


def lightning_environment(assignment: Assignment) -> dict[str, str]:
    """Defaults for ``Trainer`` and its ranks. What the cell says itself always wins over them."""
    import torch

    workers, rank, options = assignment.workers, assignment.rank, assignment.options
    share = 1 if assignment.spread else (os.cpu_count() or 1) // workers
    cores = max(1, int(options.cpus or share))
    environment = {
        "MPLBACKEND": "Agg",
        "PL_TRAINER_DEVICES": str(workers),
        "PL_TRAINER_ENABLE_MODEL_SUMMARY": "False",
        "PL_TRAINER_DEFAULT_ROOT_DIR": str(Path(assignment.folder) / "lightning"),
        "OMP_NUM_THREADS": str(cores) if options.cpus else assignment.environment.get("OMP_NUM_THREADS", str(cores)),
    }
    if workers > 1:
        environment |= {
            "PL_TRAINER_STRATEGY": "ddp",
            "PL_TRAINER_ACCELERATOR": "cuda" if torch.cuda.device_count() >= workers else "cpu",
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(assignment.port),
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": str(workers),
            "LOCAL_WORLD_SIZE": str(workers),
            "GROUP_RANK": "0",
            "TORCHELASTIC_RUN_ID": assignment.job,
            "TORCHELASTIC_RESTART_COUNT": "0",
            "GLOO_SOCKET_IFNAME": "lo0" if sys.platform == "darwin" else "lo",
        }
    if assignment.spread:
        environment |= {
            "PL_TRAINER_DEVICES": "1",
            "PL_TRAINER_NUM_NODES": str(workers),
            "PL_TRAINER_ACCELERATOR": "cuda" if torch.cuda.device_count() else "cpu",
            "MASTER_ADDR": assignment.master,
            "LOCAL_RANK": "0",
            "LOCAL_WORLD_SIZE": "1",
            "GROUP_RANK": str(rank),
        }
        environment.pop("GLOO_SOCKET_IFNAME", None)  # the seat knows which interface its node is reached by
    return environment | options.trainer_environment()


def _obey(connection: Connection[Any, Any], state: lightning.RunState, send: lightning.Send) -> None:
    """Answer the keeper while the cell runs: where are you, stop there."""
    while True:
        try:
            order = connection.recv()
        except (EOFError, OSError):
            os._exit(1)  # the worker that started this run is gone
        answer: dict[str, Any] = {}
        if order["op"] == "propose":
            answer["accepted"] = state.fitting and state.appointment.propose(order["at"], order["what"], state.batches)
        elif order["op"] == "decide":
            state.appointment.decide(order["go"])
        answer.update(kind="reply", id=order["id"], batches=state.batches, fitting=state.fitting, due=state.save_due)
        send(answer)


class _Lines(io.TextIOBase):
    """Sends each finished line of output to the job's log as well as to its file."""

    def __init__(self, file: io.TextIOWrapper, stream: str, send: lightning.Send) -> None:
        self._file, self._stream, self._send = file, stream, send
        self._partial = ""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def fileno(self) -> int:
        return self._file.fileno()

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._file.write(text)
        *lines, self._partial = (self._partial + text).split("\n")
        for line in lines:
            self._emit(line)
        return len(text)

    def flush(self) -> None:
        self._file.flush()

    def finish(self) -> None:
        if self._partial:
            self._emit(self._partial)
            self._partial = ""

    def _emit(self, line: str) -> None:
        shown = line.rsplit("\r", 1)[-1]
        if shown.strip():
            self._send({"kind": "log", "stream": self._stream, "text": shown[:2000]})


def _write_output_to(path: Path, rank: int, send: lightning.Send) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    file = os.fdopen(descriptor, "w", buffering=1, encoding="utf-8", errors="replace")
    if rank == 0:
        sys.stdout, sys.stderr = _Lines(file, "stdout", send), _Lines(file, "stderr", send)
    else:
        sys.stdout = sys.stderr = file


def describe(error: BaseException, assignment: Assignment) -> dict[str, Any]:
    """An exception in the words of the person who wrote the cell: its line, not the framework's."""
    frames = traceback.extract_tb(error.__traceback__)
    own = {assignment.cell_name, *assignment.sources}
    cwd = assignment.cwd.rstrip("/") + "/"
    theirs = [frame for frame in frames if frame.filename in own or frame.filename.startswith(cwd)]
    theirs = [frame for frame in theirs if "site-packages" not in frame.filename]
    shown = theirs or frames[-4:]
    line = shown[-1] if theirs else None
    in_cell = line is not None and line.filename == assignment.cell_name
    text = "".join(traceback.format_list(shown)) + "".join(traceback.format_exception_only(error))
    return {
        "type": type(error).__name__,
        "message": str(error).strip() or type(error).__name__,
        "line": line.lineno if line is not None else None,
        "in_cell": in_cell,
        "text": (line.line or "") if line is not None else "",
        "traceback": text,
    }
