"""Recovery of an owner's vaults with the help of guardians, as files that people hand to each other.

appoint  the owner, once: a document of guardians, public, to be kept anywhere
begin    the owner who lost the wallet: a request, public, and a secret that stays here
answer   a guardian, who compared the request's fingerprint with the owner: an answer, for the owner only
finish   the owner: the files of an asset, decrypted

What comes back is the key of the vaults, not the account: assets on chain stay with the lost wallet.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sahara_lab.chain import Chain, Wallet
from sahara_lab.chain.wallet import write_private
from sahara_lab.errors import AccessDenied, InputError, NotFound
from sahara_lab.identity import Directory
from sahara_lab.licensing.access import ChainManifestSource, split_version
from sahara_lab.vault import Asking, Guardianship, appoint, fingerprint, help_recover, open_vault, recover

SECRET, REQUEST = "secret.json", "request.json"
_COPIED = 1 << 20


class Recovery:
    """Guardians of this account, and help for others."""

    def __init__(
        self, chain: Chain, directory: Directory, wallet: Wallet, source: ChainManifestSource, registry: str
    ) -> None:
        self._chain = chain
        self._directory = directory
        self._wallet = wallet
        self._source = source
        self._registry = registry

    def appoint(self, guardians: Sequence[str], threshold: int, document: str | Path) -> Guardianship:
        """Split this account's encryption key among guardians and write the document of guardians.

        Args:
            guardians: handles or addresses; their shares are sealed to the keys that they have registered.
            threshold: how many of them together can give the key back, at least 2.
            document: file to write; it is public, and without it nothing can be recovered.

        Raises:
            InputError: guardians or threshold cannot be.
        """
        known = [(self._directory.address(one), self._directory.encryption_key(one)) for one in guardians]
        made = appoint(
            self._wallet,
            self._wallet.encryption_key,
            known,
            threshold,
            chain_id=self._chain.chain_id,
            registry=self._registry,
        )
        Path(document).write_bytes(made.encode())
        return made

    def begin(self, document: str | Path, folder: str | Path) -> str:
        """Start a recovery; returns the fingerprint that guardians compare with the owner.

        Args:
            folder: where the request for the guardians is written, and the secret that opens their answers.
        """
        guardianship = self._document(document)
        asking = Asking(guardianship.digest)
        where = Path(folder)
        where.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(where / SECRET, json.dumps({"document": asking.document.hex(), "seed": asking.seed.hex()}))
        (where / REQUEST).write_bytes(asking.request())
        return fingerprint(asking.request())

    def answer(self, document: str | Path, request: str | Path, compared: str, answer: str | Path) -> None:
        """Help an owner as one of the guardians: writes the answer for them.

        Args:
            compared: the fingerprint as the owner said it, in person or by voice.

        Raises:
            AccessDenied: the fingerprint is not that of the request, or this account is no guardian.
        """
        asked = Path(request).read_bytes()
        given = "".join(filter(str.isdigit, compared))
        if not hmac.compare_digest(given, fingerprint(asked).replace("-", "")):
            raise AccessDenied(
                "the fingerprint is not that of this request", hint="Somebody else may be asking: call the owner"
            )
        guardianship = self._document(document)
        made = help_recover(guardianship, asked, self._wallet.address, self._wallet.encryption_key)
        Path(answer).write_bytes(made)

    def finish(
        self, document: str | Path, folder: str | Path, answers: Sequence[str | Path], name: str, target: str | Path
    ) -> tuple[str, ...]:
        """Recover the key and decrypt an asset's files (``owner/name[@version]``) into ``target``.

        Returns:
            The guardians whose answers were not right.

        Raises:
            AccessDenied: too few right answers, or the recovered key does not open the asset.
        """
        guardianship = self._document(document)
        recovered = recover(guardianship, self._asking(Path(folder)), [Path(one).read_bytes() for one in answers])
        ref = self._source.resolve(*split_version(name))
        vault = open_vault(ref, _Owner(guardianship.account, recovered.seed))
        where = Path(target)
        if where.exists() and any(where.iterdir()):
            raise InputError(f"{str(where)!r} is not empty", hint="Choose a new folder")
        for parts, child in vault.everything():
            path = where.joinpath(*parts)
            if hasattr(child, "node"):
                path.mkdir(parents=True, exist_ok=True)
                continue
            with vault.open("/".join(parts)) as stream, path.open("xb") as out:
                while piece := stream.read(_COPIED):
                    out.write(piece)
        return recovered.liars

    @staticmethod
    def _document(path: str | Path) -> Guardianship:
        try:
            return Guardianship.decode(Path(path).read_bytes())
        except FileNotFoundError:
            raise NotFound(f"there is no document of guardians {str(path)!r}") from None

    @staticmethod
    def _asking(folder: Path) -> Asking:
        try:
            kept = json.loads((folder / SECRET).read_text())
            return Asking(bytes.fromhex(kept["document"]), bytes.fromhex(kept["seed"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NotFound(f"no recovery was begun in {folder}", hint="Run: sahara-lab recovery begin") from error


class _Owner:
    """Credentials with the recovered key: they open the owner's own grants, and ask no key server."""

    def __init__(self, account: str, seed: bytes) -> None:
        self.account = account
        self.encryption_key = seed

    def session(self) -> Any:
        raise AccessDenied(
            "the recovered key does not open this asset", hint="It is not this owner's, or its keys are of another time"
        )

    def __repr__(self) -> str:
        return f"_Owner({self.account})"
