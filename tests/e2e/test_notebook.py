"""The widgets in Notebook 7."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Any

import nbformat
import pytest

from sahara_lab import License

pytestmark = [pytest.mark.e2e, pytest.mark.network]


def test_every_widget_works_in_notebook_7(
    notebook: str, new_page: Any, alice: Any, bob: Any, tmp_path: Path, shot_of: Any
) -> None:
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "rows.csv").write_text("x\n1\n")
    terms = License.commercial_remix("6", "10%")
    name = alice.market.publish(tmp_path / "rows", name=f"oases-{secrets.token_hex(3)}", license=terms).name
    cells = [
        f"import sahara_lab as sahara\nsahara.LicenseCard({name!r})",
        "sahara.LicenseChooser()",
        f"sahara.LineageGraph({name!r})",
        "sahara.EarningsPanel(sahara.connect(account='alice'))",
        "sahara.DaoPanel()",
    ]
    written = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    written.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(written, tmp_path / "work" / "widgets.ipynb")

    page = new_page(height=2400)
    page.goto(re.sub("/lab[?]", "/notebooks/widgets.ipynb?", notebook))
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()

    page.get_by_role("button", name="License for 6 SAHARA").click()
    page.get_by_role("button", name="Pay", exact=True).click()
    page.get_by_text(re.compile("You hold license")).wait_for()
    assert name in [grant.asset for grant in bob.market.licenses()]
    page.get_by_role("button", name="let code train on it where it lies, and never see it").click()
    page.get_by_role("region", name="The license").get_by_text("Compute-Only", exact=True).wait_for()
    page.get_by_role("list", name=f"Lineage of {name}").wait_for()
    earnings = page.locator(".sahara-widget", has_text="Earnings of alice")
    earnings.get_by_role("button", name="Refresh").click()
    earnings.get_by_role("button", name=re.compile("^Claim ")).wait_for()
    page.get_by_text("Governance", exact=True).wait_for()
    shot_of(page, "notebook7")
    page.context.close()
