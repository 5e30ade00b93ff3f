"""Canonical JSON (RFC 8785) and EIP-712 signatures."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sahara_lab.errors import InputError
from sahara_lab.signing import LocalSigner, canonical_json, recover_typed_data

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def typed(amount: int) -> dict[str, object]:
    return {
        "types": {
            "EIP712Domain": [{"name": "name", "type": "string"}],
            "Note": [{"name": "amount", "type": "uint256"}],
        },
        "primaryType": "Note",
        "domain": {"name": "test"},
        "message": {"amount": amount},
    }


@given(VALUES)
def test_canonical_json_means_the_same_and_is_stable(value: object) -> None:
    try:
        encoded = canonical_json(value)
    except UnicodeEncodeError:  # lone surrogates are no text
        return
    assert json.loads(encoded) == value
    assert canonical_json(json.loads(encoded)) == encoded


def test_keys_are_sorted_by_utf16_code_units() -> None:
    # The example of RFC 8785, section 3.2.3.
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    order = list(json.loads(canonical_json(dict.fromkeys(keys, 0))))
    assert order == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@pytest.mark.parametrize("value", [1.5, 2**53, {1: 2}, b"x", {"a": [object()]}])
def test_values_without_one_canonical_form_are_refused(value: object) -> None:
    with pytest.raises(InputError):
        canonical_json(value)


def test_a_signature_names_its_signer_and_nobody_else() -> None:
    signer = LocalSigner.generate()
    signature = signer.sign_typed_data(typed(1))
    assert recover_typed_data(typed(1), signature) == signer.address
    assert recover_typed_data(typed(2), signature) != signer.address


def test_a_malformed_signature_is_an_input_error() -> None:
    with pytest.raises(InputError):
        recover_typed_data(typed(1), b"short")


def test_a_signer_never_shows_its_key() -> None:
    signer = LocalSigner.generate()
    assert signer.private_bytes().hex() not in repr(signer)
