"""New accounts on the embedded network, made by a person and under a password of their own."""

from __future__ import annotations

from sahara_lab.chain import Chain, Keyring, Sender, Wallet
from sahara_lab.errors import InputError, NameTaken
from sahara_lab.identity import enroll
from sahara_lab.localnet.control import attach
from sahara_lab.localnet.founding import GAS_MONEY
from sahara_lab.profile import Profile

SHORTEST_PASSWORD = 10


def create_account(profile: Profile, handle: str, password: str) -> Wallet:
    """Make a keystore, give it gas money, and register its handle and encryption key.

    It has no tokens yet: another account sends some with ``transfer``.

    Raises:
        InputError: the password is too short.
        NameTaken: somebody has the handle.
        WalletError: the handle is malformed.
    """
    from sahara_lab.vault import public_bytes

    if len(password) < SHORTEST_PASSWORD:
        raise InputError(f"the password needs at least {SHORTEST_PASSWORD} characters")
    network = attach(profile)
    chain = Chain(network.rpc_url, network.chain_id, network.addresses)
    identities = chain.contract("IdentityRegistry")
    if int(identities.call("accountOf", handle), 16):
        raise NameTaken(f"the handle {handle!r} is taken", hint="Choose another one")
    wallet = Keyring(profile).create(handle, password, encryption_public=public_bytes)
    chain.rpc("anvil_setBalance", wallet.address, hex(GAS_MONEY))
    enroll(chain, wallet, Sender(chain, wallet, profile.state / f"journal-{handle}.jsonl"))
    return wallet
