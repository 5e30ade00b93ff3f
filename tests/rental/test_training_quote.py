"""What a training takes, costs and makes its result owe, said before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sahara_lab.errors import AccessDenied

pytestmark = pytest.mark.network


def test_quote_names_the_license_to_buy_and_what_the_result_will_owe(network: Any, tmp_path: Path) -> None:
    import sahara_lab as sahara

    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    alice = sahara.connect(account="alice")
    bob = alice.use("bob")
    alice.market.publish(
        tmp_path, name="quoted-rows", license=sahara.License.commercial_remix(price="3", royalty="10%")
    )
    cell = "open('vault://alice/quoted-rows/rows.csv')"
    before = bob.compute.estimate(cell, {}, workers=1)
    assert before.price == 3 * 10**18
    assert [(item.asset, item.owes_bps) for item in before.inputs] == [("alice/quoted-rows", 1000)]
    assert "10% to alice/quoted-rows" in str(before)
    assert "1 worker on this machine" in str(before)
    assert before.probe is None

    with pytest.raises(AccessDenied, match="sahara license alice/quoted-rows"):
        bob.compute.run_cell(cell, {})
    bob.market.license("alice/quoted-rows", max_price="3")
    after = bob.compute.estimate(cell, {}, probe=False)
    assert after.price == 0
    assert after.inputs[0].owes_bps == 1000
