"""A node that lies, stumbles or falls silent, in front of a real one."""

from __future__ import annotations

from typing import Any

import pytest

from sahara_lab.chain import Chain
from sahara_lab.errors import NetworkError
from tests.chain.proxy import Proxy


@pytest.fixture
def chain(world: Any, proxy: Proxy) -> Chain:
    """The world's chain, seen through the proxy."""
    return Chain(proxy.url, world.chain.chain_id, world.chain.addresses)


def test_a_node_of_another_chain_is_refused(chain: Chain, proxy: Proxy) -> None:
    proxy.answers("eth_chainId", lambda params, result: "0x1")
    with pytest.raises(NetworkError, match="serves chain 1, not 31337"):
        chain.check()
    chain.check()


@pytest.mark.parametrize("kind", ["lost", "silent", "garbled"])
def test_an_answer_that_does_not_come_is_a_network_error(chain: Chain, proxy: Proxy, kind: str) -> None:
    proxy.will("eth_chainId", kind)
    with pytest.raises(NetworkError):
        chain.check()
    chain.check()
