"""Wallets: encrypted keystores (Web3 Secret Storage v3) that are opened at the first signature, not before."""

from __future__ import annotations

import getpass
import json
import os
import re
import secrets
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sahara_lab.chain.abi import checksum
from sahara_lab.chain.spending import Spending
from sahara_lab.chain.transaction import sign
from sahara_lab.errors import NotFound, WalletError
from sahara_lab.profile import Profile
from sahara_lab.signing import TypedData

if TYPE_CHECKING:
    from coincurve import PrivateKey

PASSWORD_VARIABLE = "SAHARA_LAB_PASSWORD"  # noqa: S105 - the name of a variable, not a password
PASSPHRASE_FILE = ".passphrase"  # noqa: S105 - the name of a file

#: Rounds of PBKDF2-SHA256 for a person's password, after OWASP's recommendation.
_ROUNDS = 600_000
#: A random passphrase of 256 bits cannot be guessed however fast a guess is.
_ROUNDS_RANDOM = 2_000

_HANDLE = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){2,31}")


class Wallet:
    """One account. Address, handle and encryption public key are readable without the password."""

    def __init__(self, path: Path, document: dict[str, Any], password: Callable[[], str]) -> None:
        self._path = path
        self._document = document
        self._password = password
        self._lock = threading.Lock()
        self._key: bytes | None = None
        self._spending = Spending.of(self.address)
        self._signing: PrivateKey | None = None  # the same key, ready to sign transactions

    @classmethod
    def create(
        cls,
        path: Path,
        password: str,
        *,
        handle: str,
        encryption_public: Callable[[bytes], bytes],
        random_password: bool = False,
    ) -> Wallet:
        """Make a new account and write its keystore.

        Args:
            encryption_public: computes the public encryption key from its 32-byte seed.
            random_password: the password is 256 random bits, so that stretching it would only cost time.

        Raises:
            WalletError: a keystore of that name exists, or the handle is malformed.
        """
        from eth_account import Account

        if not _HANDLE.fullmatch(handle):
            raise WalletError(f"{handle!r} cannot be a handle", hint="Use 3 to 32 of a-z, 0-9 and inner hyphens")
        if path.exists():
            raise WalletError(f"there is a keystore of {handle!r} already", hint="Choose another handle")
        account = Account.create(secrets.token_hex(32))
        key = bytes(account.key)
        document = Account.encrypt(
            key, password, kdf="pbkdf2", iterations=_ROUNDS_RANDOM if random_password else _ROUNDS
        )
        document["sahara"] = {
            "v": 1,
            "handle": handle,
            "address": str(account.address),
            "encryption_key": encryption_public(_encryption_seed(key)).hex(),
        }
        write_private(path, json.dumps(document))
        wallet = cls(path, document, lambda: password)
        wallet._key = key
        return wallet

    @classmethod
    def open(cls, path: Path, password: Callable[[], str]) -> Wallet:
        """Open a keystore; ``password`` is asked at the first signature.

        Raises:
            NotFound: there is no such keystore.
            WalletError: it is not a keystore of ours.
        """
        try:
            document = json.loads(path.read_text())
            document["sahara"]["address"], document["crypto"]
        except FileNotFoundError:
            raise NotFound(f"this machine has no keystore of {path.stem!r}") from None
        except (ValueError, KeyError, TypeError) as error:
            raise WalletError(
                f"the keystore {path.name} is damaged", hint="Restore it from a backup; it cannot be repaired"
            ) from error
        return cls(path, document, password)

    @property
    def address(self) -> str:
        return checksum(self._document["sahara"]["address"])

    @property
    def handle(self) -> str:
        return str(self._document["sahara"]["handle"])

    @property
    def encryption_public_key(self) -> bytes:
        """HPKE public key (MLKEM768_X25519, 1216 bytes)."""
        return bytes.fromhex(self._document["sahara"]["encryption_key"])

    @property
    def encryption_key(self) -> bytes:
        """Seed of the HPKE private key, derived from the account's key (HKDF-SHA256, RFC 5869)."""
        return _encryption_seed(self._unlock())

    def sign_typed_data(self, typed: TypedData) -> bytes:
        """EIP-712 signature, 65 bytes.

        Raises:
            WalletError: the password is wrong.
        """
        from eth_account import Account

        self._spending.typed_data(typed)
        return bytes(Account.from_key(self._unlock()).sign_typed_data(full_message=typed).signature)

    def sign_transaction(self, transaction: dict[str, Any]) -> tuple[bytes, str]:
        """The signed transaction's bytes and its hash; of type 2, without access list.

        Raises:
            WalletError: the password is wrong.
        """
        from coincurve import PrivateKey

        self._spending.transaction(transaction)
        signing = self._signing
        if signing is None:
            signing = self._signing = PrivateKey(self._unlock())
        return sign(signing, transaction)

    def limit(self, amount: str | int | None, already: int = 0) -> None:
        """The most whole tokens ("100") that this process may move from now on; None, as at first, is no limit.

        Args:
            already: wei that others may take by what was signed before; they count.

        Raises:
            LimitError: that alone is more than the limit.
        """
        self._spending.allow(amount, already)

    def lock(self) -> None:
        """Forget the key; the next signature asks for the password again."""
        with self._lock:
            self._key = self._signing = None

    def _unlock(self) -> bytes:
        with self._lock:
            if self._key is None:
                from eth_account import Account

                keystore = {key: value for key, value in self._document.items() if key != "sahara"}
                try:
                    self._key = bytes(Account.decrypt(keystore, self._password()))
                except ValueError:
                    raise WalletError(
                        f"the password for {self.handle} is wrong", hint=f"Set {PASSWORD_VARIABLE}, or type it again"
                    ) from None
            return self._key

    def __repr__(self) -> str:
        return f"<Wallet {self.handle} {self.address}>"

    def __reduce__(self) -> str:
        raise WalletError("a wallet does not leave its process")


class Keyring:
    """The keystores of a profile."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._folder = profile.keystores

    def names(self) -> list[str]:
        """Handles of the accounts on this machine."""
        return sorted(path.stem for path in self._folder.glob("[!.]*.json"))

    def open(self, name: str) -> Wallet:
        """The wallet of a handle.

        Raises:
            NotFound: this machine has no keystore of it.
        """
        path = self._folder / f"{name}.json"
        if not _HANDLE.fullmatch(name) or not path.exists():
            known = ", ".join(self.names()) or "none"
            raise NotFound(f"this machine has no keystore of {name!r}", hint=f"Accounts here: {known}")
        return Wallet.open(path, lambda: self._password_for(name))

    def create(self, name: str, password: str, *, encryption_public: Callable[[bytes], bytes]) -> Wallet:
        """A new account under a password that a person chose."""
        self._profile.private(self._folder)
        return Wallet.create(self._folder / f"{name}.json", password, handle=name, encryption_public=encryption_public)

    def create_local(self, name: str, *, encryption_public: Callable[[bytes], bytes]) -> Wallet:
        """A new account of the embedded network, under the machine's own random passphrase."""
        self._profile.private(self._folder)
        wallet = Wallet.create(
            self._folder / f"{name}.json",
            self.passphrase(),
            handle=name,
            encryption_public=encryption_public,
            random_password=True,
        )
        marker = self._folder / ".local"
        local = set(marker.read_text().split()) if marker.exists() else set()
        write_private(marker, "\n".join(sorted(local | {name})), replace=True)
        return wallet

    def passphrase(self) -> str:
        """The random passphrase of the embedded network's accounts; made at first use, readable by this user only."""
        path = self._folder / PASSPHRASE_FILE
        if not path.exists():
            self._profile.private(self._folder)
            write_private(path, secrets.token_hex(32))
        return path.read_text().strip()

    def _password_for(self, name: str) -> str:
        given = os.environ.get(PASSWORD_VARIABLE)
        if given is not None:
            return given
        marker = self._folder / ".local"
        if marker.exists() and name in marker.read_text().split():
            return self.passphrase()
        # A notebook has no terminal, but its kernel asks the person in front of it.
        asks = "ipykernel" in sys.modules or (sys.stdin is not None and sys.stdin.isatty())
        try:
            if asks:
                return getpass.getpass(f"Password for {name}: ")
        except (RuntimeError, EOFError):  # a kernel that nobody sits in front of
            pass
        raise WalletError(f"the keystore of {name} needs its password", hint=f"Set {PASSWORD_VARIABLE}")


def _encryption_seed(key: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"sahara-lab/encryption-key/v1").derive(key)


def write_private(path: Path, text: str, *, replace: bool = False) -> None:
    """Write a file that only this user can read, complete or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    with os.fdopen(handle, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    if replace:
        Path(name).replace(path)
        return
    try:
        os.link(name, path)
    except FileExistsError:
        raise WalletError(f"{path.name} exists already") from None
    finally:
        Path(name).unlink()
