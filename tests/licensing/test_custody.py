"""Keys that move: other key servers, files encrypted again, another owner, and guardians, on the real network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

from sahara_lab import License
from sahara_lab.cli import main
from sahara_lab.errors import AccessDenied, ChainError, InputError, KeyServersUnavailable, NotFound
from sahara_lab.licensing.filesystem import LicensedVaultFileSystem

pytestmark = pytest.mark.network


@pytest.fixture
def asset(alice, table_folder, fresh):  # type: ignore[no-untyped-def]
    return alice.market.publish(table_folder, name=fresh("moved"), license=License.commercial("2"))


def rows(asset: Any, account: str, version: str = "") -> int:
    fs = LicensedVaultFileSystem(account=account, skip_instance_cache=True)
    return len(pd.read_parquet(f"{asset.name}{version}/part.parquet", filesystem=fs))


def sahara(*arguments: str) -> str:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    return done.output


# -- key servers ------------------------------------------------------------------------------------------------------


def test_threshold_and_servers_change_and_stay_what_they_are(asset, alice, bob, table_folder) -> None:  # type: ignore[no-untyped-def]
    bob.market.license(asset.name, max_price="2")
    assert rows(asset, "bob") == 1000
    [migration] = alice.vault.reshare(asset.name, [3, 1], 2)
    assert (migration.before, migration.after, migration.changed) == (((1, 2, 3), 2), ((3, 1), 2), True)
    assert rows(asset, "bob") == rows(asset, "alice") == 1000
    [release] = alice.vault.vault(asset.name).manifest.release
    assert ([share.server for share in release.shares], release.threshold) == ([3, 1], 2)
    [again] = alice.vault.reshare(asset.name, [3, 1], 2)
    assert (again.changed, again.epoch) == (False, migration.epoch)
    alice.vault.rotate(asset.name)  # keeps the servers that the owner chose
    [release] = alice.vault.vault(asset.name).manifest.release
    assert [share.server for share in release.shares] == [3, 1]
    assert rows(asset, "bob") == 1000


@pytest.mark.parametrize(("servers", "threshold"), [([1, 1], 2), ([1, 2], 3), ([1, 2], 0)])
def test_servers_that_cannot_be_are_refused(asset, alice, servers, threshold) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError):
        alice.vault.reshare(asset.name, servers, threshold)


def test_nothing_changes_when_a_server_is_not_there(asset, alice, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotFound, match="no key server 9"):
        alice.vault.reshare(asset.name, [1, 9], 2)
    before = alice.vault.vault(asset.name).ref.epoch
    monkeypatch.setattr("sahara_lab.licensing.custody.exchange", lambda url: (200, {"server": 7}))
    with pytest.raises(KeyServersUnavailable, match="nothing was changed"):
        alice.vault.reshare(asset.name, [1, 2], 2)
    assert alice.vault.vault(asset.name).ref.epoch == before


def test_a_change_of_servers_cut_off_between_versions_leaves_all_readable(asset, alice, table_folder) -> None:  # type: ignore[no-untyped-def]
    alice.market.publish(table_folder, name=asset.name.partition("/")[2], update=True)
    custody = alice.vault._sharing
    honest, count = custody._renew, 0

    def renew(*given: Any, **options: Any) -> Any:
        nonlocal count
        count += 1
        if count == 2:
            raise KeyboardInterrupt
        return honest(*given, **options)

    custody._renew = renew
    try:
        with pytest.raises(KeyboardInterrupt):
            alice.vault.reshare(asset.name, [1, 2], 2)
    finally:
        custody._renew = honest
    assert rows(asset, "alice", "@1") == rows(asset, "alice", "@2") == 1000
    first, second = alice.vault.reshare(asset.name, [1, 2], 2)
    assert (first.changed, second.changed) == (False, True)


@pytest.mark.parametrize("step", ["before the chain knows", "after the chain knows"])
def test_a_renewal_cut_off_anywhere_leaves_a_readable_vault(asset, alice, carol, step, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    alice.vault.share(asset.name, "carol")
    with monkeypatch.context() as patch:
        if step == "before the chain knows":
            patch.setattr(type(alice.sender), "send", lambda *given, **options: _interrupt())
        else:
            patch.setattr("sahara_lab.vault.storage.Storage.remove_all", lambda *given: _interrupt())
        with pytest.raises(KeyboardInterrupt):
            alice.vault.rotate(asset.name)
    assert rows(asset, "alice") == rows(asset, "carol") == 1000
    alice.vault.unshare(asset.name, "carol")
    assert rows(asset, "alice") == 1000
    with pytest.raises(AccessDenied):
        rows(asset, "carol")


def _interrupt() -> None:
    raise KeyboardInterrupt


def test_a_new_version_uses_no_key_epoch_that_was_given_up(asset, alice, table_folder) -> None:  # type: ignore[no-untyped-def]
    """Otherwise key servers would release keys of the given-up epoch again, to whom it was sealed for."""
    [renewal] = alice.vault.rotate(asset.name)
    alice.market.publish(table_folder, name=asset.name.partition("/")[2], update=True)
    assert alice.vault.vault(asset.name).ref.epoch > renewal.epoch > 1


# -- encrypting again -------------------------------------------------------------------------------------------------


def test_files_are_encrypted_again_as_a_new_version(asset, alice, bob, carol) -> None:  # type: ignore[no-untyped-def]
    bob.market.license(asset.name, max_price="2")
    alice.vault.share(asset.name, "carol")
    seen: list[tuple[int, int]] = []
    [made] = alice.vault.reencrypt(asset.name, lambda done, total: seen.append((done, total)))
    assert (made.before, made.after) == (f"{asset.name}@1", f"{asset.name}@2")
    assert set(made.readers) == {"alice", "bob", "carol"}
    assert seen[-1][0] == seen[-1][1] == made.size
    for account in ("alice", "bob", "carol"):
        assert rows(asset, account) == 1000
    assert alice.market.get(asset.name).version == 2
    old, new = alice.vault.vault(f"{asset.name}@1"), alice.vault.vault(asset.name)
    assert {child.key for _, child in old.everything()}.isdisjoint(child.key for _, child in new.everything())
    assert not list(alice.profile.state.glob("reencrypt-*.journal"))


def test_encrypting_again_goes_on_after_it_was_cut_off(asset, alice, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    with monkeypatch.context() as patch:
        patch.setattr(type(alice.sender), "send", lambda *given, **options: _interrupt())
        with pytest.raises(KeyboardInterrupt):
            alice.vault.reencrypt(asset.name)
    assert rows(asset, "alice") == 1000
    assert alice.vault.vault(asset.name).ref.version == 1
    [made] = alice.vault.reencrypt(asset.name)
    assert made.after == f"{asset.name}@2"
    alice.vault.verify(asset.name)


# -- another owner ----------------------------------------------------------------------------------------------------


def test_the_new_owner_reads_renews_and_the_seller_is_out(asset, alice, bob) -> None:  # type: ignore[no-untyped-def]
    [handover] = alice.vault.transfer(asset.name, "bob")
    assert (handover.owner, handover.seller) == ("bob", "alice")
    assert rows(asset, "bob") == 1000
    with pytest.raises(AccessDenied, match="only the owner"):
        alice.vault.transfer(asset.name, "carol")
    bob.vault.rotate(asset.name)
    assert rows(asset, "bob") == 1000
    with pytest.raises(AccessDenied):
        rows(asset, "alice")
    bob.vault.transfer(asset.name, "carol")
    assert rows(asset, "carol") == 1000


def test_a_transfer_cut_off_leaves_one_owner_who_can_read(asset, alice, bob, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    with monkeypatch.context() as patch:
        patch.setattr(type(alice.sender), "send", lambda *given, **options: _interrupt())
        with pytest.raises(KeyboardInterrupt):
            alice.vault.transfer(asset.name, "bob")
    assert rows(asset, "alice") == 1000
    assert "bob" in [reader.account for reader in alice.vault.who_can_read(asset.name)]  # and says so
    alice.vault.transfer(asset.name, "bob")
    assert rows(asset, "bob") == 1000


def test_an_asset_is_given_to_somebody_else_who_has_a_key(asset, alice) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError):
        alice.vault.transfer(asset.name, "alice")
    with pytest.raises((NotFound, ChainError)):
        alice.vault.transfer(asset.name, "0x" + "12" * 20)


# -- guardians --------------------------------------------------------------------------------------------------------


def test_two_of_three_guardians_give_the_vaults_back(asset, alice, tmp_path: Path, fresh) -> None:  # type: ignore[no-untyped-def]
    from sahara_lab.localnet import create_account

    wallet = create_account(alice.profile, fresh("dora"), "a long password")
    document, folder = tmp_path / "guardians.json", tmp_path / "recovery"
    said = sahara("recovery", "appoint", "bob", "carol", wallet.handle, "--threshold", "2", "--document", str(document))
    assert "2 of 3 guardians" in said

    fingerprint = sahara("-a", "bob", "recovery", "begin", str(document), str(folder)).splitlines()[-1]
    request = str(folder / "request.json")
    for guardian in ("bob", "carol"):
        answer = str(tmp_path / f"{guardian}.answer")
        sahara("-a", guardian, "recovery", "answer", str(document), request, answer, "--fingerprint", fingerprint)
    answers = [str(tmp_path / "bob.answer"), str(tmp_path / "carol.answer")]
    into = tmp_path / "files"
    finishing = ["-a", "bob", "recovery", "finish", str(document), str(folder), *answers]
    assert "decrypted" in sahara(*finishing, "--asset", asset.name, "--into", str(into))
    assert len(pd.read_parquet(into / "part.parquet")) == 1000

    alone = CliRunner().invoke(main, [*finishing[:-1], "--asset", asset.name, "--into", str(tmp_path / "other")])
    assert alone.exit_code == 1
    assert "1 right answers, 2 are needed" in alone.output


def test_a_guardian_who_was_told_another_fingerprint_gives_nothing(alice, bob, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    document, folder = tmp_path / "guardians.json", tmp_path / "recovery"
    alice.recovery.appoint(["bob", "carol"], 2, document)
    alice.recovery.begin(document, folder)
    with pytest.raises(AccessDenied, match="not that of this request"):
        bob.recovery.answer(document, folder / "request.json", "00000-00000-00000-00000", tmp_path / "answer")
    assert not (tmp_path / "answer").exists()
    with pytest.raises(AccessDenied):
        alice.recovery.finish(document, folder, [], "alice/nothing", tmp_path / "files")
