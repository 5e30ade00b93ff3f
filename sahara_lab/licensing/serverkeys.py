"""A key server's secrets: the account that signs receipts and anchors, and the key that shares are sealed to.

Whoever has both can answer as that server, so the file is readable by its user only (mode 0600), and may be under a
passphrase: scrypt (RFC 7914) and AES-256-GCM.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sahara_lab.chain import KeyServerEntry
from sahara_lab.chain.wallet import write_private
from sahara_lab.errors import InputError, NetworkError, NotFound, WalletError
from sahara_lab.signing import LocalSigner

PASSPHRASE_VARIABLE = "SAHARA_LAB_KEYSERVER_PASSPHRASE"  # noqa: S105 - the name of a variable, not a passphrase
SHORTEST_PASSPHRASE = 10
_SCRYPT = {"n": 1 << 17, "r": 8, "p": 1}
_BOUND = b"sahara-lab/key-server/v2"


@dataclass(frozen=True)
class ServerKeys:
    """The two keys of a key server."""

    account_key: bytes = field(repr=False)
    encryption_seed: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> ServerKeys:
        """Fresh random keys."""
        return cls(LocalSigner.generate().private_bytes(), secrets.token_bytes(32))

    @property
    def signer(self) -> LocalSigner:
        return LocalSigner(self.account_key)

    def entry(self, url: str) -> KeyServerEntry:
        """What is public of them, as it is registered."""
        from sahara_lab.vault import public_bytes

        return KeyServerEntry(self.signer.address, url, public_bytes(self.encryption_seed))

    def save(self, path: Path, passphrase: str = "") -> None:
        """Write them to a file of their own, encrypted when there is a passphrase.

        Raises:
            InputError: the file exists, or the passphrase is too short.
        """
        if path.exists():
            raise InputError(f"there are keys in {path} already", hint="A key server keeps its keys for ever")
        secret = {"account": self.account_key.hex(), "encryption": self.encryption_seed.hex()}
        document: dict[str, Any] = {"v": 1, **secret}
        if passphrase:
            if len(passphrase) < SHORTEST_PASSPHRASE:
                raise InputError(f"the passphrase needs at least {SHORTEST_PASSPHRASE} characters")
            salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
            sealed = _cipher(passphrase, salt, _SCRYPT).encrypt(nonce, json.dumps(secret).encode(), _BOUND)
            document = {"v": 2, **_SCRYPT, "salt": salt.hex(), "nonce": nonce.hex(), "sealed": sealed.hex()}
        write_private(path, json.dumps(document))

    @classmethod
    def load(cls, path: Path, passphrase: str = "") -> ServerKeys:
        """The keys in a file.

        Raises:
            NotFound: there is no such file.
            WalletError: the passphrase is missing or wrong.
            NetworkError: the file is damaged.
        """
        from cryptography.exceptions import InvalidTag

        try:
            kept = json.loads(path.read_text())
            if kept["v"] == 2:
                if not passphrase:
                    raise WalletError(f"the keys in {path} need their passphrase", hint=f"Set {PASSPHRASE_VARIABLE}")
                cost = {name: int(kept[name]) for name in _SCRYPT}
                if cost["n"] > 1 << 20 or cost["r"] > 32 or cost["p"] > 16:
                    raise ValueError("cost")
                cipher = _cipher(passphrase, bytes.fromhex(kept["salt"]), cost)
                kept = json.loads(cipher.decrypt(bytes.fromhex(kept["nonce"]), bytes.fromhex(kept["sealed"]), _BOUND))
            return cls(bytes.fromhex(kept["account"]), bytes.fromhex(kept["encryption"]))
        except FileNotFoundError:
            raise NotFound(f"there are no keys in {path}", hint="Make them: sahara-lab keyserver new FOLDER") from None
        except InvalidTag:
            raise WalletError(f"the passphrase of the keys in {path} is wrong") from None
        except (KeyError, TypeError, ValueError) as error:
            raise NetworkError(
                f"the key file {path} is damaged",
                hint="Restore it from a backup: without it this key server cannot open what was sealed to it",
            ) from error


def _cipher(passphrase: str, salt: bytes, cost: dict[str, int]) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return AESGCM(Scrypt(salt, 32, **cost).derive(passphrase.encode()))
