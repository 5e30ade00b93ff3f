"""Paying with a wallet of the browser: an injected provider (EIP-6963, EIP-1193) whose keys are in this process."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from sahara_lab import License
from tests.e2e.conftest import open_lab

pytestmark = [pytest.mark.e2e, pytest.mark.network]

#: What a wallet's extension puts into every page, in short.
INJECTED = """(() => {
  const listeners = {};
  const provider = {
    request: async asked => {
      const answer = await window.deviceRequest(JSON.stringify(asked));
      if (answer.error) throw answer.error;
      if (answer.event) (listeners[answer.event] ?? []).forEach(listener => listener(answer.value));
      return answer.result;
    },
    on: (event, listener) => (listeners[event] ??= []).push(listener),
    removeListener: (event, listener) => (listeners[event] = (listeners[event] ?? []).filter(one => one !== listener)),
  };
  const announce = () => window.dispatchEvent(new CustomEvent('eip6963:announceProvider', {
    detail: Object.freeze({ info: { uuid: 'f00d', name: 'Test Wallet', icon: '', rdns: 'test' }, provider }),
  }));
  window.addEventListener('eip6963:requestProvider', announce);
  announce();
})()"""


class Device:
    """The wallet behind the provider. ``refuse``: methods that the person declines; ``asked``: what it was asked."""

    def __init__(self, lab: Any) -> None:
        self._rpc = lab.chain.rpc
        self._account = Account.create()
        self.address: str = self._account.address
        self.chain = "0x1"
        self.refuse: set[str] = set()
        self.asked: list[str] = []
        self._rpc("anvil_setBalance", self.address, hex(10**18))

    def request(self, text: str) -> dict[str, Any]:
        asked = json.loads(text)
        method, params = asked["method"], asked.get("params") or []
        self.asked.append(method)
        if method in self.refuse:
            return {"error": {"code": 4001, "message": "User rejected the request."}}
        if method == "wallet_switchEthereumChain" and self.chain == "0x1":
            return {"error": {"code": 4902, "message": "Unrecognized chain"}}
        if method == "wallet_addEthereumChain":
            self.chain = params[0]["chainId"]
            return {"result": None, "event": "chainChanged", "value": self.chain}
        if method == "eth_requestAccounts":
            return {"result": [self.address.lower()]}
        if method == "eth_chainId":
            return {"result": self.chain}
        if method == "eth_signTypedData_v4":
            signed = self._account.sign_typed_data(full_message=_numbers(json.loads(params[1])))
            return {"result": "0x" + bytes(signed.signature).hex()}
        if method == "eth_sendTransaction":
            return {"result": self._send(params[0])}
        return {"error": {"code": 4200, "message": f"{method} is not supported"}}

    def _send(self, transaction: dict[str, str]) -> str:
        block = self._rpc("eth_getBlockByNumber", "latest", False)
        filled = {
            "to": transaction["to"],
            "data": transaction["data"],
            "value": 0,
            "gas": int(self._rpc("eth_estimateGas", transaction), 16),
            "type": 2,
            "chainId": int(self.chain, 16),
            "nonce": int(self._rpc("eth_getTransactionCount", self.address, "pending"), 16),
            "maxFeePerGas": 2 * int(block["baseFeePerGas"], 16) + 10**9,
            "maxPriorityFeePerGas": 10**9,
        }
        raw = bytes(self._account.sign_transaction(filled).raw_transaction)
        return str(self._rpc("eth_sendRawTransaction", "0x" + raw.hex()))


def _numbers(typed: dict[str, Any]) -> dict[str, Any]:
    """Typed data whose integers came as text, as wallets read it."""
    kinds = {field["name"]: field["type"] for field in typed["types"][typed["primaryType"]]}
    message = {name: int(value) if kinds[name] == "uint256" else value for name, value in typed["message"].items()}
    return {**typed, "message": message}


@pytest.fixture
def device(alice: Any) -> Device:
    made = Device(alice)
    alice.wallet.transfer(made.address, "30")
    return made


@pytest.fixture
def offered(alice: Any, tmp_path: Path) -> str:
    (tmp_path / "palms.csv").write_text("height\n9\n")
    name = f"palms-{secrets.token_hex(3)}"
    return str(alice.market.publish(tmp_path, name=name, license=License.commercial("12")).name)


@pytest.fixture
def lab(new_page: Any, jupyter: str, device: Device) -> Any:
    """JupyterLab in a browser with the wallet."""
    page = new_page()
    page.expose_function("deviceRequest", device.request)
    page.add_init_script(INJECTED)
    open_lab(page, jupyter)
    yield page
    page.context.close()


def ask_price(page: Any, name: str) -> None:
    page.evaluate("name => void jupyterapp.commands.execute('sahara-lab:license-asset', { name })", name)
    page.locator(".jp-Sahara-quote").wait_for()


def test_a_wallet_is_connected_brought_to_the_network_and_pays(
    lab: Any, device: Device, offered: str, bob: Any, shot_of: Callable[[Any, str], None]
) -> None:
    before = bob.wallet.balance().tokens
    lab.get_by_role("button", name="Connect Test Wallet").click()
    lab.get_by_role("group", name="Connected wallet").get_by_text("Test Wallet").wait_for()
    lab.get_by_role("button", name="Switch network").click()
    lab.get_by_role("button", name="Switch network").wait_for(state="detached")
    ask_price(lab, offered)
    assert "30 SAHARA" in lab.locator(".jp-Sahara-quote").inner_text()
    shot_of(lab, "wallet")
    lab.get_by_role("button", name="Pay with Test Wallet").click()
    lab.get_by_role("region", name="Open it").wait_for()
    assert [grant.asset for grant in bob.market.licenses()].count(offered) == 1
    assert bob.wallet.balance().tokens == before
    assert bob.chain.contract("SaharaToken").call("balanceOf", device.address) == 18 * 10**18
    assert device.asked.count("eth_sendTransaction") == 1


@pytest.mark.parametrize("step", ["eth_signTypedData_v4", "eth_sendTransaction"])
def test_what_is_declined_in_the_wallet_is_not_paid_and_said(
    lab: Any, device: Device, offered: str, bob: Any, step: str
) -> None:
    device.refuse = {step}
    lab.get_by_role("button", name="Connect Test Wallet").click()
    ask_price(lab, offered)
    lab.get_by_role("button", name="Pay with Test Wallet").click()
    lab.locator(".Toastify__toast", has_text="You declined in the wallet. Nothing was paid.").wait_for()
    assert offered not in [grant.asset for grant in bob.market.licenses()]
    assert bob.chain.contract("SaharaToken").call("balanceOf", device.address) == 30 * 10**18


def test_a_connection_that_is_declined_is_said(lab: Any, device: Device) -> None:
    device.refuse = {"eth_requestAccounts"}
    lab.get_by_role("button", name="Connect Test Wallet").click()
    lab.locator(".Toastify__toast", has_text="You declined in the wallet").wait_for()
    lab.get_by_role("button", name="Connect Test Wallet").wait_for()


def test_without_a_wallet_nothing_is_offered(page: Any) -> None:
    assert page.locator(".jp-Sahara-wallet").count() == 0
