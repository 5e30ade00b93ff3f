"""Encrypted files of assets, for one account: open, list, share, verify."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from sahara_lab.chain import Chain, Network, Sender, Wallet
from sahara_lab.identity import Directory
from sahara_lab.licensing.access import install_session, open_chain, split_version
from sahara_lab.licensing.auditing import Audit, audit
from sahara_lab.licensing.cleaning import Cleaning, Unneeded
from sahara_lab.licensing.custody import Custody, Handovers, Migrations, Reencryptions
from sahara_lab.licensing.filesystem import LicensedVaultFileSystem, backend
from sahara_lab.licensing.sharing import Readers, Renewals
from sahara_lab.licensing.terms import seconds
from sahara_lab.profile import Profile
from sahara_lab.units import to_bytes
from sahara_lab.vault import (
    CacheUse,
    Session,
    Vault,
    cache_usage,
    configure_cache,
    export_age,
    forget_access,
    import_age,
    open_vault,
    track_access,
)


class Vaults:
    """The vaults that an account owns or may read."""

    def __init__(
        self,
        profile: Profile,
        account: str,
        network: Network,
        chain: Chain,
        directory: Directory,
        wallet: Wallet,
        sender: Callable[[], Sender],
    ) -> None:
        self._profile = profile
        self._account = account
        self._network = network
        self._chain = chain
        self._directory = directory
        self._sharing = Custody(profile, account, network, chain, directory, wallet, sender)

    @property
    def fs(self) -> LicensedVaultFileSystem:
        """The fsspec file system of this account."""
        return LicensedVaultFileSystem(profile=self._profile.name, account=self._account)

    def vault(self, name: str, use: str = "read") -> Vault:
        """The vault of ``owner/name[@version]``.

        Raises:
            NotFound: no such asset or version.
            AccessDenied: no valid license or grant covers the use.
        """
        plain, version = split_version(name)
        source, credentials = backend(self._profile, self._account)
        return open_vault(source.resolve(plain, version), credentials, use=use)

    def open(self, path: str, mode: str = "rb") -> BinaryIO:
        """Open ``owner/name[@version]/path`` as a file."""
        opened: BinaryIO = self.fs.open(f"vault://{path.removeprefix('vault://')}", mode)
        return opened

    def tree(self, name: str) -> Any:
        """Folders and files of an asset, with sizes in bytes."""
        return self.vault(name).tree()

    def verify(self, name: str, progress: Callable[[int, int], None] | None = None) -> Any:
        """Check every byte of an asset against the root that the chain anchors. Needs no license.

        Args:
            progress: called with bytes done and bytes in total.

        Raises:
            IntegrityError: stored bytes are not what the owner published; names the damaged files to who may read them.
        """
        return self.vault(name).verify(progress)

    def gc(
        self, name: str, *, dry_run: bool = True, grace: str | int = "1 day", old_versions: bool = False
    ) -> Unneeded:
        """What lies in an own asset's storage and no version names: left by cut-off publications and renewed keys.

        Args:
            dry_run: only tell; nothing is removed.
            grace: what is younger may belong to a publication under way, and stays.
            old_versions: also what only versions before the newest need; nobody can read these versions then. After
                ``reencrypt`` this is what ends reading with keys that somebody kept.

        Raises:
            AccessDenied: the asset belongs to someone else.
            IntegrityError: a version's manifest is missing or altered; nothing is removed then.
        """
        source, credentials = backend(self._profile, self._account)
        cleaning = Cleaning(self._profile, self._chain, source, credentials.account)
        return cleaning.gc(name, dry_run=dry_run, grace=seconds(grace), old_versions=old_versions)

    def cache(self, limit: str | int | None = None) -> CacheUse:
        """What this machine keeps of remote vaults, encrypted as they are, so that it is not fetched again.

        Args:
            limit: keep at most so much from now on, like "20 GB"; 0 removes it. Nothing is kept until this is set.

        Raises:
            InputError: not a size, or too small to be of use.
        """
        if limit is not None:
            configure_cache(to_bytes(limit))
        return cache_usage()

    def export(self, path: str, target: str | Path, recipients: Sequence[str]) -> int:
        """Write an asset, a folder or a file of it as one age file, which ``age -d`` opens; returns the files in it.

        What is more than one file becomes a tar archive inside: name the target ``.tar.age``.

        Args:
            recipients: ``age1…`` public keys of those who can open it.

        Raises:
            AccessDenied: no license or grant covers it.
            InputError: the target exists, or a recipient is not one.
        """
        return export_age(self.fs, path.rstrip("/"), Path(target), recipients)

    def import_age(self, source: str | Path, path: str, identities: Sequence[str]) -> int:
        """Write what an age file holds into the draft of an own asset, to be published; returns the files in it.

        Args:
            source: ``NAME.tar.age`` for an archive of files, any other name for one file.
            path: ``owner/name`` or a folder in it; for one file the file's own path.
            identities: ``AGE-SECRET-KEY-1…`` lines.

        Raises:
            IntegrityError: none of the identities opens it, or it is damaged; the draft is as before.
        """
        return import_age(Path(source), self.fs, path, identities)

    def share(self, name: str, to: str, path: str = "", *, not_after: int | str = 0) -> str:
        """Give an account or a group the key of an asset, a folder or a file and nothing beside it, without a license.

        Args:
            to: a handle or an address; ``team:name`` (of this account) or ``team:owner/name``; ``license:Commercial``
                for everybody who holds a license under that offer.
            path: folder or file inside the asset; "" for all of it.
            not_after: when it ends: seconds since the epoch, or from now on like "30 days"; 0 for never. Key servers
                end what is shared with a group; of an account's grant only honest readers heed it.

        Raises:
            AccessDenied: the asset belongs to someone else.
            NotFound: there is no such account, team, offer or path.
        """
        end = int(time.time()) + seconds(not_after) if isinstance(not_after, str) else not_after
        return self._sharing.share(name, to, path, not_after=end)

    def unshare(self, name: str, to: str, path: str | None = None) -> Renewals:
        """Take back what was shared with an account or group, by new keys for each version shared with it.

        They get no new key. No file is encrypted again, so a file's key that somebody kept still opens that file;
        ``reencrypt`` ends that, too.

        Args:
            path: what was shared; everything shared with them when left out.

        Raises:
            AccessDenied: the asset belongs to someone else.
            NotFound: nothing is shared with them.
        """
        return self._sharing.unshare(name, to, path)

    def rotate(self, name: str) -> Renewals:
        """New keys for all versions of an asset (or for ``owner/name@version``); what is shared stays shared.

        Raises:
            AccessDenied: the asset belongs to someone else.
        """
        return self._sharing.rotate(name)

    def reencrypt(self, name: str, progress: Callable[[int, int], None] | None = None) -> Reencryptions:
        """Encrypt every file of an asset's newest version again, as a new version that no kept key opens.

        What is shared stays shared; ``unshare`` first whoever is to lose access. When it is cut off, running it again
        goes on after the last finished file. The old version is not touched.

        Raises:
            AccessDenied: the asset belongs to someone else.
            StorageError: the disk is full; what is done is kept.
        """
        return self._sharing.reencrypt(name, progress)

    def reshare(self, name: str, servers: Sequence[int], threshold: int) -> Migrations:
        """Have other key servers, or another number of them, guard the keys of an asset's versions.

        Versions change one after another; each is readable all the time. When it is cut off, running it again changes
        the rest.

        Args:
            servers: numbers of key servers in the network's registry.

        Raises:
            KeyServersUnavailable: one of them does not answer; nothing was changed.
        """
        return self._sharing.reshare(name, servers, threshold)

    def transfer(self, name: str, to: str) -> Handovers:
        """Give an asset and its keys to another account, who owns it from then on; it cannot be taken back.

        The new owner renews the keys with ``rotate``: until then the seller can still read.

        Raises:
            AccessDenied: the asset belongs to someone else.
            NotFound: the account has published no encryption key.
        """
        return self._sharing.transfer(name, to)

    def who_can_read(self, name: str) -> Readers:
        """Everybody who can get the keys of an asset now: its owner, licensees, and those it is shared with.

        Raises:
            AccessDenied: the asset belongs to someone else.
        """
        return self._sharing.who_can_read(name)

    def audit(self, name: str) -> Audit:
        """Who could read an asset, and when, as its key servers' receipts prove; the owner sees everybody's, others
        their own. Says which servers did not answer, and whose log contradicts what it signed or anchored.

        Raises:
            NotFound: no such asset.
        """
        plain, version = split_version(name)
        source, credentials = backend(self._profile, self._account)
        asset = source.resolve(plain, version).asset
        return audit(plain, asset, credentials, self._network, self._chain, self._directory)

    def session_setup(self) -> Callable[[], None]:
        """What a training worker runs to read as this account for at most 30 minutes; holds a session, no wallet."""
        _, credentials = backend(self._profile, self._account)
        network, _ = open_chain(self._profile)
        return SessionSetup(
            self._profile.name,
            str(self._profile.folder),
            self._account,
            credentials.account,
            credentials.session(),
            network,
        )


class SessionSetup:
    """Installs a reader's session in the process that calls it. Its repr shows no secret.

    Args:
        network: taken along for a process on a machine that has not got ``folder``, so that it knows chain and key
            servers; addresses only.
    """

    def __init__(
        self, profile: str, folder: str, handle: str, address: str, session: Session, network: Network | None = None
    ) -> None:
        self._profile = profile
        self._folder = folder
        self._handle = handle
        self._address = address
        self._session = session
        self._network = None if network is None else replace(network, accounts=(), supervisor_pid=0, extra={})

    def __call__(self) -> None:
        import os

        from sahara_lab.profile import ACCOUNT_VARIABLE, HOME_VARIABLE

        os.environ[ACCOUNT_VARIABLE] = self._handle
        # <home>/profiles/<name>: a worker may have been started with another environment than the caller's.
        os.environ[HOME_VARIABLE] = self._folder.rsplit("/", 2)[0]
        if self._network is not None and not Path(self._folder).exists():
            os.environ[HOME_VARIABLE] = home = tempfile.mkdtemp(prefix="sahara-")
            atexit.register(shutil.rmtree, home, ignore_errors=True)
            self._network.save(Profile(self._profile))
        install_session(self._profile, self._handle, self._address, self._session)
        forget_access()  # a warm worker remembers what the job before opened
        track_access()  # data loaders open files in processes of their own

    def __repr__(self) -> str:
        return f"SessionSetup({self._handle})"
