"""What the sidebar costs: its JavaScript, Lab's time to ready with and without it, and a keystroke to painted results.

    python benchmarks/lab_front.py [--listings 20000] [--rounds 5]

Needs a Chromium browser and Playwright. The two kinds of start take turns in the same run; the keystrokes are those of
words that occur in generated listings, typed into the search box of a real JupyterLab on the embedded network.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from catalog_search import Words, listings

ROOT = Path(__file__).resolve().parents[1]
TOKEN = "benchmark"  # noqa: S105 - of a server that lives for this run, on loopback
FIRST_ID = 1_000_000
#: Tells when what was typed is answered and painted: the spinner is gone, and a frame went by.
WATCH = """() => {
  window.paints = [];
  let typed = 0;
  document.querySelector('.jp-Sahara input[type=search]').addEventListener('input', () => (typed = performance.now()));
  new MutationObserver(() => {
    if (!typed || document.querySelector('.jp-Sahara-resultsHead .jp-Sahara-spinner')) return;
    const began = typed;
    typed = 0;
    requestAnimationFrame(() => setTimeout(() => window.paints.push(performance.now() - began)));
  }).observe(document.querySelector('.jp-Sahara-market'), { childList: true, subtree: true, characterData: true });
}"""


@contextmanager
def jupyterlab(folder: Path, ours: bool) -> Iterator[str]:
    """The address of a JupyterLab with or without both halves of Sahara Lab."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "config"
    (config / "labconfig").mkdir(parents=True)
    disabled = {} if ours else {"sahara-lab": True}
    disabled["@jupyterlab/apputils-extension:announcements"] = True
    (config / "labconfig" / "page_config.json").write_text(json.dumps({"disabledExtensions": disabled}))
    options = f"c.ServerApp.jpserver_extensions = {{'sahara_lab': {ours}, 'jupyterlab': True}}\n"
    options += f"c.LabApp.workspaces_dir = {str(folder / 'workspaces')!r}\n"
    (folder / "config.py").write_text(options)
    variables = {"JUPYTER_TOKEN": TOKEN, "JUPYTER_CONFIG_DIR": str(config), "SAHARA_LAB_ACCOUNT": "bob"}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", f"--config={folder / 'config.py'}"]
    server = subprocess.Popen(
        command, cwd=folder, env={**os.environ, **variables}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{address}/api?token={TOKEN}", timeout=2)  # noqa: S310 - our own server
                break
            except OSError:
                time.sleep(0.1)
        yield f"{address}/lab?token={TOKEN}&reset"
    finally:
        server.terminate()
        server.wait()


def ready(browser: Any, address: str) -> float:
    """Milliseconds from asking for the page to a lab that can be used, in a browser that has seen nothing before."""
    context = browser.new_context()
    page = context.new_page()
    began = time.perf_counter()
    page.goto(address)
    page.wait_for_selector("#jupyterlab-splash", state="detached", timeout=120_000)
    took = (time.perf_counter() - began) * 1000
    context.close()
    return took


def keystrokes(browser: Any, address: str, words: list[str]) -> list[float]:
    """Milliseconds from each key to painted results."""
    page = browser.new_page()
    page.goto(address)
    page.wait_for_selector("#jupyterlab-splash", state="detached", timeout=120_000)
    page.locator('.jp-SideBar [data-id="sahara-lab-panel"]').click()
    page.locator(".jp-Sahara-card").first.wait_for(timeout=60_000)
    box = page.get_by_role("searchbox")
    page.evaluate(WATCH)
    typed = 0
    for word in words:
        if typed:
            box.fill("")
            typed += 1
            page.wait_for_function("count => window.paints.length >= count", arg=typed)
        for letter in word[:5]:
            box.press(letter)
            typed += 1
            page.wait_for_function("count => window.paints.length >= count", arg=typed)
    paints: list[float] = page.evaluate("window.paints")
    page.close()
    return paints


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--listings", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    static = ROOT / "sahara_lab" / "labextension" / "static"
    size = sum(file.stat().st_size for file in static.glob("*.js"))
    print(f"JavaScript of the extension        {size / 1000:7.1f} kB (target under 150)")

    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        os.environ["SAHARA_LAB_HOME"] = home
        import sahara_lab
        from sahara_lab.localnet import down
        from sahara_lab.profile import Profile

        rolls = random.Random(7)
        words = Words(rolls)
        lab = sahara_lab.connect(account="alice")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        try:
            lab.market.search("")
            catalog = lab.market.listings._catalog
            cursor = catalog.cursor()
            assert cursor is not None
            made = ((record, number) for number, record in enumerate(listings(asked.listings, words, rolls)))
            for _, batch in itertools.groupby(made, key=lambda pair: pair[1] // 5_000):
                moved = [type(one)(**{**vars(one), "id": FIRST_ID + one.id}) for one, _ in batch]
                catalog.apply(moved, (cursor.block, cursor.hash))
            folders = {ours: Path(tempfile.mkdtemp(dir=home)) for ours in (True, False)}
            with jupyterlab(folders[True], True) as with_it, jupyterlab(folders[False], False) as without:
                ready(browser, with_it), ready(browser, without)
                pairs = [(ready(browser, with_it), ready(browser, without)) for _ in range(asked.rounds)]
                ours, bare = (statistics.median(times) for times in zip(*pairs, strict=True))
                print(f"Lab's time to ready without it     {bare:7.0f} ms")
                print(
                    f"Lab's time to ready with it        {ours:7.0f} ms,"
                    f" {(ours / bare - 1) * 100:+.1f} % (target under 3 %)"
                )
                paints = sorted(keystrokes(browser, with_it, rolls.sample(words.all[:200], 20)))
            p50, p95 = paints[len(paints) // 2], paints[int(len(paints) * 0.95)]
            print(
                f"keystroke to painted results       {p50:7.0f} ms p50, {p95:.0f} ms p95 of {len(paints)} keys,"
                f" {asked.listings:,} listings (target p95 under 120)"
            )
        finally:
            browser.close()
            down(Profile("local"))


if __name__ == "__main__":
    main()
