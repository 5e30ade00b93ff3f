"""Sahara Lab elsewhere in JupyterLab: status bar, launcher, Running panel, settings, themes, events, a base URL."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sahara_lab import License
from sahara_lab.compute.record import JobFolder
from sahara_lab.profile import Profile
from tests.e2e.conftest import open_lab

pytestmark = [pytest.mark.e2e, pytest.mark.network]


@pytest.fixture
def running_job(home: Path) -> Iterator[JobFolder]:
    """The folder of a job that seems to run in this process."""
    folder = JobFolder(Profile("local").jobs / f"train-20261123-030000-{secrets.token_hex(2)}")
    now = time.time()
    record = {
        "id": folder.id, "name": "dune-run", "status": "running", "message": "", "created": "2026-11-23T03:00:00.000Z",
        "created_at": now - 9, "seconds": None, "workers": 2, "inputs": [], "captured": [], "error": None,
        "metrics": {}, "client": os.getpid(), "keeper": None,
    }  # fmt: skip
    folder.create(record, "trainer.fit(model)")
    yield folder
    shutil.rmtree(folder.path)


def test_the_status_bar_says_who_acts_and_opens_the_panel(page: Any, shot: Callable[[str], None]) -> None:
    item = page.locator(".jp-Sahara-status")
    item.get_by_text(re.compile("^bob · [0-9,.≈ ]+ SAHARA · local$")).wait_for()
    assert item.get_by_role("img", name="the network is up").count() == 1
    page.locator('.jp-SideBar [data-id="filebrowser"]').click()
    item.click()
    page.locator(".jp-Sahara-market").wait_for()
    shot("status-bar")


def test_the_lab_loads_little_of_the_extension_before_it_is_opened(new_page: Callable[..., Any], jupyter: str) -> None:
    page, scripts = new_page(), []
    ours = re.compile(r"/extensions/sahara-lab/static/.*\.js")
    page.on("response", lambda answer: scripts.append(answer) if ours.search(answer.url) else None)
    page.goto(jupyter)
    page.locator(".jp-Sahara-status").get_by_text("bob").wait_for()
    assert 0 < sum(len(script.body()) for script in scripts) < 150_000
    page.context.close()


def test_the_launcher_has_a_card(page: Any) -> None:
    page.locator('.jp-SideBar [data-id="filebrowser"]').click()
    page.locator(".jp-LauncherCard", has_text="Market").click()
    page.locator(".jp-Sahara-market").wait_for()


def test_a_purchase_elsewhere_appears_without_a_click(page: Any, alice: Any, bob: Any, tmp_path: Path) -> None:
    (tmp_path / "news.csv").write_text("day\n1\n")
    name = f"news-{secrets.token_hex(3)}"
    page.get_by_role("searchbox").fill(name)
    page.get_by_text("Nothing matches").wait_for()
    alice.market.publish(tmp_path, name=name, license=License.commercial("4"))
    card = page.locator(".jp-Sahara-card", has_text=name)
    card.wait_for()
    bob.market.license(f"alice/{name}", max_price="4")
    card.get_by_text("licensed", exact=True).wait_for()


def test_a_running_job_is_in_the_running_panel_as_soon_as_it_runs(page: Any, running_job: JobFolder) -> None:
    page.locator('.jp-SideBar [data-id="jp-running-sessions"]').click()
    section = page.locator("#jp-running-sessions")
    section.get_by_text("dune-run").wait_for()
    running_job.write({**running_job.read(), "status": "done", "seconds": 9.0})
    section.get_by_text("dune-run").wait_for(state="detached")


def test_settings_choose_the_account_and_hide_the_balance(page: Any) -> None:
    page.evaluate(
        "chosen => jupyterapp.serviceManager.settings.save('sahara-lab:plugin', JSON.stringify(chosen))",
        {"balance": False, "account": "carol"},
    )
    page.reload()
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    try:
        page.locator(".jp-Sahara-status").get_by_text("carol · local", exact=True).wait_for()
    finally:
        page.evaluate("() => jupyterapp.serviceManager.settings.save('sahara-lab:plugin', '{}')")


def test_behind_a_base_url_everything_is_where_it_should_be(
    new_page: Any, prefixed: str, alice: Any, tmp_path: Path
) -> None:
    page = new_page()
    strangers: list[str] = []
    page.on("request", lambda request: strangers.append(request.url) if "/some/prefix/" not in request.url else None)
    open_lab(page, prefixed)
    (tmp_path / "far.csv").write_text("miles\n9\n")
    name = f"far-{secrets.token_hex(3)}"
    alice.market.publish(tmp_path / "far.csv", name=name, license=License.commercial("4"))
    page.get_by_role("searchbox").fill(name)
    page.locator(".jp-Sahara-card", has_text=name).click()
    page.get_by_role("region", name="Commercial").wait_for()
    assert [url for url in strangers if not url.startswith(("data:", "blob:"))] == []
    page.close()


def test_a_server_of_another_version_is_named_with_the_way_out(page: Any) -> None:
    page.route(
        "**/sahara-lab/api/status*", lambda route: route.fulfill(json={**route.fetch().json(), "version": "9.9.9"})
    )
    page.locator(".jp-Sahara-network").get_by_role("button", name="Refresh").click()
    page.locator(".Toastify__toast", has_text="the server 9.9.9. Restart JupyterLab").wait_for()


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Dark High Contrast"])
def test_every_theme_reads_well(page: Any, shot: Callable[[str], None], theme: str) -> None:
    page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
    page.wait_for_selector('body[data-jp-theme-light="false"]', state="attached")
    page.locator(".jp-Sahara-card").first.click()
    page.locator(".jp-Sahara-detail h1").wait_for()
    shot(theme.replace(" ", "-").lower())
    weak = page.evaluate(CONTRAST)
    assert weak == []


#: Text of our own whose contrast with what is behind it is below 4.5 (WCAG 2.2, 1.4.3); disabled controls are exempt.
CONTRAST = """() => {
  const rgb = text => (text.match(/[0-9.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map(value => value / 255)
    .map(value => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = node => {
    for (let at = node; at; at = at.parentElement) {
      const color = rgb(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll('.jp-Sahara *')].filter(
    node => [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim()) &&
      node.checkVisibility() && !node.closest(':disabled, option, .jp-Toolbar')
  );
  return texts.map(node => {
    const [one, two] = [light(rgb(getComputedStyle(node).color)), light(behind(node))].sort((a, b) => b - a);
    const ratio = Math.round(((one + 0.05) / (two + 0.05)) * 100) / 100;
    return [node.className || node.tagName, node.textContent.slice(0, 30), ratio];
  }).filter(([, , ratio]) => ratio < 4.5);
}"""
