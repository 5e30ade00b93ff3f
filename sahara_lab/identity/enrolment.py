"""Becoming known on a network: a handle, an encryption key, and votes of one's own."""

from __future__ import annotations

from sahara_lab.chain import Call, Chain, Sender, Wallet
from sahara_lab.errors import SaharaError


def enroll(chain: Chain, wallet: Wallet, sender: Sender) -> None:
    """Register a wallet's handle and encryption key and let it vote; what is done already is not done again.

    Raises:
        ChainError: somebody else has the handle, or the account cannot pay for gas.
    """
    identities, token = chain.contract("IdentityRegistry"), chain.contract("SaharaToken")
    account, delegate = chain.batch_call(
        [(identities, "accountOf", (wallet.handle,)), (token, "delegates", (wallet.address,))]
    )
    calls = []
    if account != wallet.address:
        calls.append(Call(identities, "register", (wallet.handle, wallet.encryption_public_key)))
    if delegate != wallet.address:
        calls.append(Call(token, "delegate", (wallet.address,)))
    for outcome in sender.send_many(calls):
        if isinstance(outcome, SaharaError):
            raise outcome
