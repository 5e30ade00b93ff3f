"""The first start of the embedded network: accounts, key servers' keys, contracts."""

from __future__ import annotations

from pathlib import Path

from sahara_lab.chain import Chain, Deployment, Keyring, KeyServerEntry, Rpc, Rules, Sender, Wallet, deploy
from sahara_lab.chain.deployment import send_signed
from sahara_lab.identity import enroll
from sahara_lab.licensing.serverkeys import ServerKeys
from sahara_lab.profile import Profile
from sahara_lab.signing import LocalSigner
from sahara_lab.units import WEI_PER_TOKEN

ACCOUNTS = ("alice", "bob", "carol")
KEY_SERVERS = 3
THRESHOLD = 2
GAS_MONEY = 1_000 * WEI_PER_TOKEN
TOKENS = 10_000 * WEI_PER_TOKEN
TREASURY = 70_000 * WEI_PER_TOKEN
#: A vote here lasts minutes, not weeks: the network is for one machine.
RULES = Rules(
    voting_delay=1,
    voting_period=300,
    late_quorum_extension=60,
    timelock_delay=2,
    fee_bps=250,
    max_royalty_bps=5_000,
    stake_cooldown=600,
    dispute_window=60,
    judgment_period=3_600,
    stop_delay=60,
    channel_close_delay=60,
)


def server_keys(folder: Path, index: int) -> ServerKeys:
    """The keys of server ``index`` (from 1), made at first use, readable by this user only."""
    path = folder / f"keyserver-{index}.key.json"
    if not path.exists():
        ServerKeys.generate().save(path)
    return ServerKeys.load(path)


def open_accounts(profile: Profile) -> list[Wallet]:
    """The embedded network's accounts; those that are missing are made."""
    from sahara_lab.vault import public_bytes

    keyring = Keyring(profile)
    known = set(keyring.names())
    return [
        keyring.open(name) if name in known else keyring.create_local(name, encryption_public=public_bytes)
        for name in ACCOUNTS
    ]


def found(profile: Profile, rpc: Rpc, wallets: list[Wallet], servers: list[KeyServerEntry]) -> Deployment:
    """Deploy the contracts, fund the accounts, register their handles and let them vote.

    The deployer's key exists in this function only: it holds no role when the deployment ends.
    """
    deployer = LocalSigner.generate()
    for address in (deployer.address, *(wallet.address for wallet in wallets), *(server.account for server in servers)):
        rpc("anvil_setBalance", address, hex(GAS_MONEY))
    holders = [(wallet.address, TOKENS) for wallet in wallets]
    deployment = deploy(rpc, deployer, holders, TREASURY, servers, RULES)
    chain = Chain(rpc.url, deployment.chain_id, deployment.addresses)
    for wallet in wallets:
        enroll(chain, wallet, Sender(chain, wallet, profile.state / f"journal-{wallet.handle}.jsonl"))
    return deployment


def move_key_server(rpc: Rpc, addresses: dict[str, str], index: int, keys: ServerKeys, url: str) -> bool:
    """Write a key server's new address on chain, from its own account; whether it had moved."""
    chain = Chain(rpc.url, int(rpc("eth_chainId"), 16), addresses)
    registry = chain.contract("KeyServerRegistry")
    if registry.call("get", index)["url"] == url:
        return False
    data = registry.encode("setUrl", index, url)
    send_signed(rpc, keys.signer, data, chain_id=chain.chain_id, to=registry.address)
    return True
