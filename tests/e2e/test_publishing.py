"""A folder from the desktop becomes a listing that its publisher mostly had to check."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.network]

CARD = """---
license: cc-by-nc-4.0
tags: [dunes, heights]
---
# Heights of dunes

Measured by hand over two winters.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A snapshot of a data set as hubs have them, with a column of people."""
    import pandas as pd

    made = tmp_path / f"dunes-{secrets.token_hex(3)}"
    made.mkdir()
    (made / "README.md").write_text(CARD)
    pd.DataFrame({"height": [12.5, 30.25], "email": ["a@b.c", "d@e.f"]}).to_parquet(made / "dunes.parquet")
    return made


def begin(page: Any, folder: Path) -> Any:
    """Choose a folder as Alice; the form."""
    page.get_by_label("Account that acts").select_option("alice")
    title = page.locator(".jp-AccordionPanel-title", has_text="My vaults")
    if title.get_attribute("aria-expanded") != "true":
        title.click()
    page.locator("input[data-take=folder]").set_input_files(folder)
    form = page.locator(".jp-Sahara-form")
    form.get_by_text("Sends and encrypts 2 files").wait_for()
    return form


def test_the_form_begins_with_what_the_files_say(
    page: Any, folder: Path, alice: Any, shot: Callable[[str], None]
) -> None:
    form = begin(page, folder)
    assert form.get_by_label("Name").input_value() == folder.name
    assert form.get_by_label("Title").input_value() == "Heights of dunes"
    assert "two winters" in form.get_by_label("Description").input_value()
    assert form.get_by_label("Tags").input_value() == "dunes, heights"
    checks = form.get_by_role("group", name="Look at this first")
    checks.get_by_text("these columns look like personal data: email").wait_for()
    assert form.get_by_label("for research only").is_checked()
    words = form.get_by_role("status", name="In plain words")
    words.get_by_text(re.compile("They may not .*use it in a business")).wait_for()
    form.get_by_label("also publish and sell what they make of it").check()
    form.get_by_label("What does it cost?").fill("25")
    form.get_by_label("What do you want from those who make something of it?").fill("10%")
    words.get_by_text("Commercial Remix, 25 SAHARA").wait_for()
    words.get_by_text("leave 10% of what comes in").wait_for()
    form.locator("summary", has_text="Data statement").click()
    form.get_by_label("Where it comes from").fill("Two winters in the erg")
    shot("publish-form")
    page.get_by_role("button", name="Encrypt and publish").click()
    name = f"alice/{folder.name}"
    page.locator(f'.jp-Sahara-row[data-key="{name}"]').wait_for()
    asset = alice.market.get(name)
    assert (asset.title, asset.tags) == ("Heights of dunes", ("dunes", "heights"))
    assert asset.offers[0].summary.startswith("Commercial Remix, 25 SAHARA")
    assert "Two winters in the erg" in str(alice.market.document(asset))


def test_answers_that_make_no_license_are_refused_before_a_byte_is_sent(page: Any, folder: Path) -> None:
    form = begin(page, folder)
    form.get_by_label("What does it cost?").fill("lots")
    form.get_by_text("not a number").first.wait_for()
    page.get_by_role("button", name="Encrypt and publish").click()
    page.locator(".jp-Sahara-form [role=alert]").get_by_text("not a number").wait_for()
    assert page.locator(".jp-Sahara-form").get_by_label("Title").input_value() == "Heights of dunes"
    page.get_by_role("button", name="Cancel").click()
    assert page.locator(".jp-Sahara-upload").count() == 0
