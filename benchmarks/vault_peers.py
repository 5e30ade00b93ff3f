"""Reading a large file from a vault beside other tools that decrypt a stream, in one run.

The peers are Tink's streaming reader in Python (AES-256-GCM-HKDF, 1 MiB segments), ``age -d`` and ``rclone cat`` of a
crypt remote; what is not installed is left out, and said. All read the same bytes from the page cache and throw
them away. Rounds are interleaved and medians are taken.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from vault_read import prepare, sequential

from sahara_lab.vault import VaultFileSystem, export_age

WANTED = {"Tink": 1.0, "age -d": 5.0, "rclone cat": 5.0}
READ = 16 << 20


def tink(folder: Path, plain: Path) -> Callable[[], float] | None:
    """Tink's reader, in the same process."""
    try:
        from tink import new_keyset_handle, streaming_aead
    except ImportError:
        print("Tink is not installed: pip install tink")
        return None
    streaming_aead.register()
    cipher = new_keyset_handle(streaming_aead.streaming_aead_key_templates.AES256_GCM_HKDF_1MB).primitive(
        streaming_aead.StreamingAead
    )
    target = folder / "data.tink"
    with plain.open("rb") as source, cipher.new_encrypting_stream(target.open("wb"), b"") as sealed:
        shutil.copyfileobj(source, sealed, 1 << 20)

    def read() -> float:
        started = time.perf_counter()
        with cipher.new_decrypting_stream(target.open("rb"), b"") as stream:
            while stream.read(READ):
                pass
        return time.perf_counter() - started

    return read


def command(*words: str) -> float:
    """Seconds of a program whose output is thrown away."""
    started = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def age(folder: Path, plain: Path, vault: VaultFileSystem) -> Callable[[], float] | None:
    """``age`` opens what the vault exports for it."""
    if not shutil.which("age"):
        print("age is not installed: apt install age")
        return None
    key, target = folder / "key.txt", folder / "data.age"
    subprocess.run(["age-keygen", "-o", str(key)], check=True, capture_output=True)
    recipient = next(line.split()[-1] for line in key.read_text().splitlines() if "public key" in line)
    export_age(vault, "vault://me/data/data.bin", target, [recipient])
    words = ("age", "-d", "-i", str(key), str(target))
    with subprocess.Popen(words, stdout=subprocess.PIPE) as opened, plain.open("rb") as source:
        same = hashlib.file_digest(opened.stdout, "sha256").digest() == hashlib.file_digest(source, "sha256").digest()  # type: ignore[arg-type]
    if opened.returncode or not same:
        raise SystemExit("age does not open what the vault exports")
    print("age opens what the vault exports: the bytes are the same")
    return partial(command, *words)


def rclone(folder: Path, plain: Path) -> Callable[[], float] | None:
    if not shutil.which("rclone"):
        print("rclone is not installed: apt install rclone")
        return None
    config, remote = folder / "rclone.conf", folder / "remote"
    remote.mkdir()
    hidden = subprocess.run(["rclone", "obscure", "benchmark"], check=True, capture_output=True, text=True).stdout
    config.write_text(f"[sealed]\ntype = crypt\nremote = {remote}\npassword = {hidden}\n")
    words = ("rclone", "--config", str(config))
    subprocess.run([*words, "copy", str(plain), "sealed:"], check=True)
    return partial(command, *words, "cat", f"sealed:{plain.name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=512, help="megabytes in the file (default 512)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that are counted (default 5)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        plain, vault = prepare(folder, options.size)
        found = {"Tink": tink(folder, plain), "age -d": age(folder, plain, vault), "rclone cat": rclone(folder, plain)}
        ways = {name: way for name, way in found.items() if way}
        ways["vault"] = partial(sequential, vault, "vault://me/data/data.bin")
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for round_ in range(options.rounds + 1):  # the first one warms up
            for name, way in ways.items():
                seconds = way()
                if round_:
                    taken[name].append(seconds)
        size, ours = options.size << 20, statistics.median(taken["vault"])
        print(f"vault       {size / ours / 1e6:7.0f} MB/s")
        for name, wanted in WANTED.items():
            if name in taken:
                theirs = statistics.median(taken[name])
                print(
                    f"{name:10s}  {size / theirs / 1e6:7.0f} MB/s  vault is {theirs / ours:5.1f} x (wanted: {wanted})"
                )


if __name__ == "__main__":
    main()
