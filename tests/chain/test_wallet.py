"""Keystores and what they refuse."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from sahara_lab.chain import Keyring, Wallet
from sahara_lab.errors import NotFound, WalletError
from sahara_lab.profile import Profile
from sahara_lab.signing import recover_typed_data

MESSAGE = {
    "types": {"EIP712Domain": [{"name": "name", "type": "string"}], "Note": [{"name": "text", "type": "string"}]},
    "primaryType": "Note",
    "domain": {"name": "test"},
    "message": {"text": "hello"},
}


@pytest.fixture
def keyring(tmp_path: Path, passwords: Callable[[str | None], None]) -> Keyring:
    passwords(None)
    return Keyring(Profile("local", tmp_path))


def public(seed: bytes) -> bytes:
    return b"public of " + seed[:4]


def test_a_local_account_opens_by_itself_and_signs(keyring: Keyring) -> None:
    made = keyring.create_local("alice", encryption_public=public)
    opened = keyring.open("alice")
    assert (opened.address, opened.handle) == (made.address, "alice")
    assert opened.encryption_public_key == public(opened.encryption_key)
    assert recover_typed_data(MESSAGE, opened.sign_typed_data(MESSAGE)) == made.address


def test_address_and_public_key_need_no_password(keyring: Keyring, passwords: Callable[[str | None], None]) -> None:
    made = keyring.create("dora", "a long password", encryption_public=public)
    passwords("wrong")
    opened = keyring.open("dora")
    assert opened.address == made.address
    assert opened.encryption_public_key == made.encryption_public_key


def test_a_wrong_password_is_named_with_what_to_do(keyring: Keyring, passwords: Callable[[str | None], None]) -> None:
    keyring.create("dora", "a long password", encryption_public=public)
    passwords("wrong")
    with pytest.raises(WalletError, match=r"password for dora is wrong\. Set SAHARA_LAB_PASSWORD"):
        keyring.open("dora").sign_typed_data(MESSAGE)
    passwords("a long password")
    assert keyring.open("dora").sign_typed_data(MESSAGE)


def test_without_a_terminal_the_missing_password_is_asked_for_by_name(keyring: Keyring) -> None:
    keyring.create("dora", "a long password", encryption_public=public)
    with pytest.raises(WalletError, match="keystore of dora needs its password"):
        keyring.open("dora").sign_typed_data(MESSAGE)


def test_keystores_are_private_and_hold_no_key_in_clear(keyring: Keyring, tmp_path: Path) -> None:
    wallet = keyring.create_local("alice", encryption_public=public)
    folder = Profile("local", tmp_path).keystores
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
    text = (folder / "alice.json").read_text()
    assert wallet.encryption_key.hex() not in text
    assert wallet._unlock().hex() not in text


@pytest.mark.parametrize("handle", ["", "a", "Alice", "al ice", "../alice", "alice/", "-alice", "alice-", "a" * 33])
def test_a_malformed_handle_is_refused(keyring: Keyring, handle: str) -> None:
    with pytest.raises(WalletError, match="cannot be a handle"):
        keyring.create_local(handle, encryption_public=public)
    with pytest.raises(NotFound):
        keyring.open(handle)


def test_a_keystore_is_never_overwritten(keyring: Keyring) -> None:
    first = keyring.create_local("alice", encryption_public=public)
    with pytest.raises(WalletError, match="already"):
        keyring.create_local("alice", encryption_public=public)
    assert keyring.open("alice").address == first.address


def test_an_unknown_account_lists_the_known_ones(keyring: Keyring) -> None:
    keyring.create_local("alice", encryption_public=public)
    with pytest.raises(NotFound, match=r"no keystore of 'bob'\. Accounts here: alice"):
        keyring.open("bob")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sahara": {}}', '{"crypto": {}, "sahara": 3}', "not json"])
def test_a_damaged_keystore_says_so(keyring: Keyring, tmp_path: Path, text: str) -> None:
    keyring.create_local("alice", encryption_public=public)
    path = Profile("local", tmp_path).keystores / "alice.json"
    path.write_text(text)
    with pytest.raises(WalletError, match="damaged"):
        keyring.open("alice")


def test_a_keystore_whose_ciphertext_was_changed_does_not_open(keyring: Keyring, tmp_path: Path) -> None:
    keyring.create_local("alice", encryption_public=public)
    path = Profile("local", tmp_path).keystores / "alice.json"
    document = json.loads(path.read_text())
    document["crypto"]["ciphertext"] = "00" * 32
    path.write_text(json.dumps(document))
    with pytest.raises(WalletError):
        keyring.open("alice").sign_typed_data(MESSAGE)


def test_a_wallet_does_not_leave_its_process(keyring: Keyring) -> None:
    wallet: Wallet = keyring.create_local("alice", encryption_public=public)
    with pytest.raises(WalletError):
        pickle.dumps(wallet)
    assert wallet._unlock().hex() not in repr(wallet)
