"""The registries speak ERC-8004: every function and event of its text, with the same types."""

from __future__ import annotations

from typing import Any

import pytest

from sahara_lab.chain.abi import artifact, type_of

FUNCTIONS = {
    "AgentRegistry": """
        register(string,(string,bytes)[]) returns (uint256)
        register(string) returns (uint256)
        register() returns (uint256)
        setAgentURI(uint256,string) returns ()
        getMetadata(uint256,string) view returns (bytes)
        setMetadata(uint256,string,bytes) returns ()
        setAgentWallet(uint256,address,uint256,bytes) returns ()
        getAgentWallet(uint256) view returns (address)
        unsetAgentWallet(uint256) returns ()
        ownerOf(uint256) view returns (address)
        tokenURI(uint256) view returns (string)
    """,
    "ReputationRegistry": """
        getIdentityRegistry() view returns (address)
        giveFeedback(uint256,int128,uint8,string,string,string,string,bytes32) returns ()
        revokeFeedback(uint256,uint64) returns ()
        appendResponse(uint256,address,uint64,string,bytes32) returns ()
        getSummary(uint256,address[],string,string) view returns (uint64,int128,uint8)
        readFeedback(uint256,address,uint64) view returns (int128,uint8,string,string,bool)
        readAllFeedback(uint256,address[],string,string,bool) view \
returns (address[],uint64[],int128[],uint8[],string[],string[],bool[])
        getResponseCount(uint256,address,uint64,address[]) view returns (uint64)
        getClients(uint256) view returns (address[])
        getLastIndex(uint256,address) view returns (uint64)
    """,
    "ValidationRegistry": """
        getIdentityRegistry() view returns (address)
        validationRequest(address,uint256,string,bytes32) returns ()
        validationResponse(bytes32,uint8,string,bytes32,string) returns ()
        getValidationStatus(bytes32) view returns (address,uint256,uint8,bytes32,string,uint256)
        getSummary(uint256,address[],string) view returns (uint64,uint8)
        getAgentValidations(uint256) view returns (bytes32[])
        getValidatorRequests(address) view returns (bytes32[])
    """,
}  # fmt: skip

EVENTS = {
    "AgentRegistry": """
        Registered(uint256 indexed,string,address indexed)
        MetadataSet(uint256 indexed,string indexed,string,bytes)
        URIUpdated(uint256 indexed,string,address indexed)
        Transfer(address indexed,address indexed,uint256 indexed)
    """,
    "ReputationRegistry": """
        NewFeedback(uint256 indexed,address indexed,uint64,int128,uint8,string indexed,string,string,string,\
string,bytes32)
        FeedbackRevoked(uint256 indexed,address indexed,uint64 indexed)
        ResponseAppended(uint256 indexed,address indexed,uint64,address indexed,string,bytes32)
    """,
    "ValidationRegistry": """
        ValidationRequest(address indexed,uint256 indexed,string,bytes32 indexed)
        ValidationResponse(address indexed,uint256 indexed,bytes32 indexed,uint8,string,bytes32,string)
    """,
}


def lines(text: str) -> set[str]:
    return {line.strip() for line in text.strip().splitlines()}


def function_line(entry: dict[str, Any]) -> str:
    taken, given = (",".join(type_of(one) for one in entry[side]) for side in ("inputs", "outputs"))
    view = "view " if entry["stateMutability"] in ("view", "pure") else ""
    return f"{entry['name']}({taken}) {view}returns ({given})"


def event_line(entry: dict[str, Any]) -> str:
    return f"{entry['name']}({','.join(type_of(one) + ' indexed' * one['indexed'] for one in entry['inputs'])})"


@pytest.mark.parametrize("contract", FUNCTIONS)
def test_every_function_of_the_erc_is_there(contract: str) -> None:
    found = {function_line(entry) for entry in artifact(contract)["abi"] if entry["type"] == "function"}
    assert lines(FUNCTIONS[contract]) - found == set()


@pytest.mark.parametrize("contract", EVENTS)
def test_every_event_of_the_erc_is_there(contract: str) -> None:
    found = {event_line(entry) for entry in artifact(contract)["abi"] if entry["type"] == "event"}
    assert lines(EVENTS[contract]) - found == set()
