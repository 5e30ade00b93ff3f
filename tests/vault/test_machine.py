"""Any sequence of writes, renames, shares, publications and renewals of keys reads back like a dict of bytes."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sahara_lab.errors import AccessDenied
from sahara_lab.vault import Grantee, Journal, ReleaseClass, Shared, reencrypt, rotate, share

World = Any  # the fixtures of conftest.py

CHUNK = 16_384
NAMES = st.sampled_from(["a", "b", "x/a", "x/b", "x/y/a", "z/a"])
FOLDERS = st.sampled_from(["x", "x/y", "z"])
CONTENTS = st.sampled_from([b"", b"one", b"two", bytes(CHUNK), b"\1" * (5 * CHUNK + 1)])
_numbers = itertools.count()


def machine(world: World, make: Any) -> type[RuleBasedStateMachine]:
    class Vaults(RuleBasedStateMachine):
        """``draft`` is what Alice sees, ``published`` what the newest version holds, ``shared`` Bob's folders of it."""

        @initialize(files=st.dictionaries(NAMES, CONTENTS, min_size=1))
        def begin(self, files: dict[str, bytes]) -> None:
            self.asset = f"machine-{next(_numbers)}"
            self.fs = make()
            self.ref = world.publish(files, self.asset)
            self.draft, self.published, self.shared = dict(files), dict(files), set[str]()

        def path(self, name: str) -> str:
            return f"alice/{self.asset}/{name}"

        @rule(name=NAMES, content=CONTENTS)
        def write(self, name: str, content: bytes) -> None:
            with self.fs.open(self.path(name), "wb") as stream:
                stream.write(content)
            self.draft[name] = content

        @precondition(lambda self: len(self.draft) > 1)
        @rule(data=st.data())
        def remove(self, data: st.DataObject) -> None:
            name = data.draw(st.sampled_from(sorted(self.draft)))
            self.fs.rm_file(self.path(name))
            del self.draft[name]

        @rule(data=st.data(), to=NAMES)
        def rename(self, data: st.DataObject, to: str) -> None:
            name = data.draw(st.sampled_from(sorted(self.draft)))
            if name == to:
                return
            self.fs.mv(self.path(name), self.path(to))
            self.draft[to] = self.draft.pop(name)

        @rule()
        def publish(self) -> None:
            files, changes = self.fs.draft_files(self.path(""))
            self.ref = world.publish(
                files, self.asset, base=world.open(self.ref), location=self.ref.location, epoch=self.ref.epoch + 1
            )
            self.fs.discard_draft(self.path(""), changes)
            self.published, self.shared = dict(self.draft), set()

        @rule(folder=FOLDERS)
        def share(self, folder: str) -> None:
            if any(name.startswith(f"{folder}/") for name in self.published):
                share(world.open(self.ref), folder, world.bob.public, world.bob.account, world.alice.signer)
                self.shared.add(folder)

        @rule(data=st.data())
        def renew(self, data: st.DataObject) -> None:
            """New keys; what is not kept is taken back."""
            kept = {folder for folder in sorted(self.shared) if data.draw(st.booleans())}
            rotated = rotate(
                world.open(self.ref),
                epoch=self.ref.epoch + 1,
                owner=world.alice.signer,
                owner_key=world.alice.public,
                release=[ReleaseClass("read", [server.describe() for server in world.servers], 2)],
                grants=[Grantee(Shared(world.bob.account, folder), world.bob.public) for folder in sorted(kept)],
            )
            self.ref = replace(self.ref, epoch=rotated.epoch, manifest_hash=rotated.manifest_hash)
            world.refs[self.ref.name][-1] = self.ref
            self.shared = kept

        @rule(data=st.data())
        def encrypt_again(self, data: st.DataObject) -> None:
            """New keys for every file, as a version of its own; what is not kept is taken back."""
            kept = {folder for folder in sorted(self.shared) if data.draw(st.booleans())}
            folder = world.folder / f"again-{next(_numbers)}"
            journal = Journal(
                folder / "journal", self.ref.manifest_hash, world.alice.public, world.alice.encryption_key
            )
            packed = reencrypt(
                world.open(self.ref),
                journal,
                (folder / "vault").as_uri(),
                epoch=self.ref.epoch + 1,
                owner=world.alice.signer,
                owner_key=world.alice.public,
                release=[ReleaseClass("read", [server.describe() for server in world.servers], 2)],
                grants=[Grantee(Shared(world.bob.account, path), world.bob.public) for path in sorted(kept)],
            )
            journal.remove()
            self.ref = replace(
                self.ref,
                version=self.ref.version + 1,
                epoch=packed.epoch,
                root=packed.root,
                manifest_hash=packed.manifest_hash,
                location=packed.location,
            )
            world.refs[self.ref.name].append(self.ref)
            self.shared = kept

        @invariant()
        def alice_reads_her_draft_over_what_is_published(self) -> None:
            self.fs.invalidate_cache()
            top = self.path("").rstrip("/")
            found = {path.removeprefix(f"{top}/"): self.fs.cat_file(path) for path in self.fs.find(top)}
            assert found == self.draft

        @invariant()
        def bob_reads_what_is_shared_and_nothing_else(self) -> None:
            vault = world.open(self.ref, world.bob)
            open_ = {name for name in self.published if any(name.startswith(f"{folder}/") for folder in self.shared)}
            assert {name: vault.read(name) for name in open_} == {name: self.published[name] for name in open_}
            for name in sorted(self.published.keys() - open_)[:1]:  # each refusal asks all key servers
                with pytest.raises(AccessDenied):
                    vault.read(name)

    return Vaults


def test_a_vault_is_like_a_dict_of_bytes(world: World, fs: Any) -> None:
    run_state_machine_as_test(
        machine(world, fs), settings=settings(max_examples=8, stateful_step_count=12, deadline=None)
    )
