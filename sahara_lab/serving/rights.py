"""May an account serve a model: asked before it does, and again while it does."""

from __future__ import annotations

from sahara_lab.chain import Chain
from sahara_lab.licensing.terms import READ, use_mask
from sahara_lab.serving.paying import Model


def refusal(chain: Chain, model: Model) -> str:
    """Why ``model.account`` may not serve it, in words; empty when it may.

    The owner may; others need a license for inference, and may not charge: what is paid goes to the asset.
    """
    registry, licenses = chain.contract("AssetRegistry"), chain.contract("LicenseToken")
    mask = use_mask("inference") | READ
    owner, allowed = chain.batch_call(
        [(registry, "ownerOf", (model.asset,)), (licenses, "hasAccess", (model.account, model.asset, mask))], "pending"
    )
    if model.price and owner != model.account:
        return "only the owner can charge for calls"
    if not allowed:
        return "no license for inference covers it"
    return ""
