"""License terms: flavors, durations, and the way to the chain and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sahara_lab.errors import InputError
from sahara_lab.licensing.terms import License, format_duration, seconds, use_mask

FIELDS = (
    "currency", "price", "refundWindow", "duration", "seats", "royaltyBps", "uses",
    "transferable", "attribution", "reciprocal", "computeOnly", "textUri", "textHash",
)  # fmt: skip
FLAVORS = [
    License.open_use(),
    License.non_commercial_research("1", duration="30 days"),
    License.commercial("5", seats=3),
    License.commercial_remix("25", "10%"),
    License.compute_only("2", duration="30 days", refund_window="7 days"),
]


@pytest.mark.parametrize("license", FLAVORS, ids=lambda license: license.flavor)
def test_terms_read_back_from_the_chain_are_the_same(license: License) -> None:
    currency = "0x" + "1" * 40
    struct = dict(zip(FIELDS, license.to_struct(currency), strict=True))
    back = License.from_struct(struct)
    assert back.flavor == license.flavor
    assert back.to_struct(currency) == license.to_struct(currency)


def test_terms_that_widen_a_flavor_lose_its_name() -> None:
    struct = dict(zip(FIELDS, License.commercial("5").to_struct("0x" + "1" * 40), strict=True))
    struct["uses"] = use_mask("derivative") | struct["uses"]
    assert License.from_struct(struct).flavor == "Custom"


def test_compute_only_never_allows_reading() -> None:
    assert not License.compute_only("1").allows("read")


@given(st.integers(min_value=1, max_value=2**39))
def test_durations_read_back_what_they_show(amount: int) -> None:
    assert seconds(format_duration(amount)) == amount


@pytest.mark.parametrize("text", ["", "soon", "-1 day", "0 days", "1 fortnight", 0, "99999999 years"])
def test_a_duration_that_makes_no_sense_is_refused(text: object) -> None:
    with pytest.raises(InputError):
        seconds(text)  # type: ignore[arg-type]


def test_a_refund_window_is_said_in_words() -> None:
    license = License.commercial("5", refund_window="7 days")
    assert "refundable for 7 days" in license.summary
    assert "7 days" in license.refund_text
    assert "final" in License.commercial("5").refund_text


@pytest.mark.parametrize(
    ("price", "duration", "window"), [("0", None, "1 day"), ("5", None, "31 days"), ("5", 86_400, "1 day")]
)
def test_a_refund_window_that_the_contract_refuses_is_refused_at_once(
    price: str, duration: int | None, window: str
) -> None:
    with pytest.raises(InputError, match="refund"):
        License.commercial(price, duration=duration, refund_window=window)


def test_an_unknown_use_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="training"):
        use_mask("world domination")


@pytest.mark.parametrize(
    "flavor", ["Open Use", "Non-Commercial Research", "Commercial", "Commercial Remix", "Compute-Only"]
)
def test_terms_are_found_by_their_name(flavor: str) -> None:
    assert License.named(flavor, "2", "10%").flavor == flavor


def test_a_flavor_that_is_none_names_those_there_are() -> None:
    with pytest.raises(InputError, match="Commercial Remix"):
        License.named("Free Beer")
