// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {Lab} from "./base/Lab.sol";
import {IAgentRegistry} from "../src/interfaces/IAgentRegistry.sol";

/// @dev A wallet that is a contract and takes what its owner signed for its own signature.
contract ContractWallet is IERC1271 {
    address private immutable _OWNER;

    constructor(address owner) {
        _OWNER = owner;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        return ECDSA.recover(hash, signature) == _OWNER ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

contract AgentsTest is Lab {
    function test_an_agent_is_registered_with_its_file_and_metadata() public {
        IAgentRegistry.MetadataEntry[] memory entries = new IAgentRegistry.MetadataEntry[](1);
        entries[0] = IAgentRegistry.MetadataEntry("agentName", "penguins");
        vm.expectEmit(address(agents));
        emit IAgentRegistry.Registered(1, "ipfs://card", alice);
        vm.expectEmit(address(agents));
        emit IAgentRegistry.MetadataSet(1, "agentWallet", "agentWallet", abi.encodePacked(alice));
        vm.prank(alice);
        assertEq(agents.register("ipfs://card", entries), 1);
        assertEq(agents.ownerOf(1), alice);
        assertEq(agents.tokenURI(1), "ipfs://card");
        assertEq(agents.getMetadata(1, "agentName"), "penguins");
        assertEq(agents.getMetadata(1, "agentWallet"), abi.encodePacked(alice));
        assertEq(agents.getAgentWallet(1), alice);
        assertEq(agents.agentCount(), 1);
    }

    function test_owner_and_approved_manage_an_agent_and_nobody_else() public {
        uint256 agent = _register(alice);
        vm.prank(alice);
        agents.approve(bob, agent);
        vm.startPrank(bob);
        agents.setAgentURI(agent, "https://moved.example");
        agents.setMetadata(agent, "motto", "hello");
        vm.stopPrank();
        assertEq(agents.tokenURI(agent), "https://moved.example");

        bytes memory refusal = abi.encodeWithSelector(IAgentRegistry.NotAgentOwner.selector, agent, mallory);
        vm.startPrank(mallory);
        vm.expectRevert(refusal);
        agents.setAgentURI(agent, "x");
        vm.expectRevert(refusal);
        agents.setMetadata(agent, "motto", "x");
        vm.expectRevert(refusal);
        agents.unsetAgentWallet(agent);
        vm.expectRevert(refusal);
        agents.setAgentWallet(agent, mallory, block.timestamp, "");
        vm.expectRevert(refusal);
        agents.setPrimaryAgent(agent);
    }

    function test_the_wallet_is_no_ordinary_metadata() public {
        IAgentRegistry.MetadataEntry[] memory entries = new IAgentRegistry.MetadataEntry[](1);
        entries[0] = IAgentRegistry.MetadataEntry("agentWallet", abi.encodePacked(bob));
        bytes memory refusal = abi.encodeWithSelector(IAgentRegistry.ReservedMetadataKey.selector, "agentWallet");
        vm.startPrank(alice);
        vm.expectRevert(refusal);
        agents.register("", entries);
        uint256 agent = agents.register();
        vm.expectRevert(refusal);
        agents.setMetadata(agent, "agentWallet", abi.encodePacked(bob));
    }

    function test_a_new_wallet_signs_that_it_is_one() public {
        uint256 agent = _register(alice);
        (address wallet, uint256 key) = makeAddrAndKey("wallet");
        uint256 deadline = block.timestamp + 5 minutes;
        vm.startPrank(alice);
        agents.setAgentWallet(agent, wallet, deadline, _proof(key, agent, wallet, alice, deadline));
        assertEq(agents.getAgentWallet(agent), wallet);
        agents.unsetAgentWallet(agent);
        assertEq(agents.getAgentWallet(agent), address(0));
        assertEq(agents.getMetadata(agent, "agentWallet"), "");
    }

    function test_a_wallet_may_be_a_contract() public {
        uint256 agent = _register(alice);
        (address signer, uint256 key) = makeAddrAndKey("signer");
        address wallet = address(new ContractWallet(signer));
        vm.prank(alice);
        agents.setAgentWallet(agent, wallet, block.timestamp, _proof(key, agent, wallet, alice, block.timestamp));
        assertEq(agents.getAgentWallet(agent), wallet);
    }

    function test_a_proof_is_of_one_wallet_agent_owner_and_time() public {
        uint256 agent = _register(alice);
        uint256 other = _register(alice);
        (address wallet, uint256 key) = makeAddrAndKey("wallet");
        uint256 deadline = block.timestamp + 1 minutes;
        bytes memory proof = _proof(key, agent, wallet, alice, deadline);
        bytes memory refusal = abi.encodeWithSelector(IAgentRegistry.InvalidWalletSignature.selector, wallet);
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.InvalidWalletSignature.selector, bob));
        agents.setAgentWallet(agent, bob, deadline, proof);
        vm.expectRevert(refusal);
        agents.setAgentWallet(other, wallet, deadline, proof);
        vm.expectRevert(refusal);
        agents.setAgentWallet(agent, wallet, deadline + 1, proof);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.InvalidWalletSignature.selector, address(0)));
        agents.setAgentWallet(agent, address(0), deadline, proof);

        uint256 late = block.timestamp + 5 minutes + 1;
        bytes memory early = _proof(key, agent, wallet, alice, late);
        vm.expectPartialRevert(IAgentRegistry.DeadlineOutOfBounds.selector);
        agents.setAgentWallet(agent, wallet, late, early);
        skip(61);
        vm.expectPartialRevert(IAgentRegistry.DeadlineOutOfBounds.selector);
        agents.setAgentWallet(agent, wallet, deadline, proof);
        agents.transferFrom(alice, bob, agent);
        vm.stopPrank();

        proof = _proof(key, agent, wallet, alice, block.timestamp);
        vm.expectRevert(refusal);
        vm.prank(bob);
        agents.setAgentWallet(agent, wallet, block.timestamp, proof);
    }

    function test_a_transfer_takes_the_wallet_away_and_leaves_the_rest() public {
        uint256 agent = _register(alice);
        vm.startPrank(alice);
        agents.setMetadata(agent, "motto", "hello");
        vm.expectEmit(address(agents));
        emit IAgentRegistry.MetadataSet(agent, "agentWallet", "agentWallet", "");
        agents.transferFrom(alice, bob, agent);
        assertEq(agents.getAgentWallet(agent), address(0));
        assertEq(agents.getMetadata(agent, "motto"), "hello");
    }

    function test_a_handle_stands_for_one_agent_of_its_holder() public {
        vm.prank(alice);
        identities.register("alice", new bytes(1216));
        uint256 first = _register(alice);
        uint256 second = _register(alice);
        assertEq(agents.agentOfHandle("alice"), first);
        assertEq(agents.handleOf(first), "alice");
        assertEq(agents.handleOf(second), "");

        vm.prank(alice);
        agents.setPrimaryAgent(second);
        assertEq(agents.agentOfHandle("alice"), second);
        assertEq(agents.handleOf(first), "");
        assertEq(agents.handleOf(second), "alice");

        vm.prank(alice);
        agents.transferFrom(alice, bob, second);
        assertEq(agents.agentOfHandle("alice"), 0, "an agent does not take its seller's name along");
        assertEq(agents.handleOf(second), "");
        assertEq(agents.agentOf(bob), 0, "nor does it name its buyer, who was not asked");
        assertEq(agents.agentOfHandle("nobody"), 0);
    }

    function test_nobody_can_be_named_by_an_agent_that_was_sent_to_them() public {
        uint256 mine = _register(alice);
        uint256 gift = _register(mallory);
        vm.prank(mallory);
        agents.transferFrom(mallory, alice, gift);
        assertEq(agents.agentOf(alice), mine);
        vm.prank(alice);
        agents.setPrimaryAgent(0);
        assertEq(agents.agentOf(alice), 0);
    }

    function test_an_unknown_agent_has_nothing() public {
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 7));
        agents.tokenURI(7);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 7));
        agents.setMetadata(7, "motto", "hello");
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 7));
        agents.isAuthorizedOrOwner(alice, 7);
    }

    function _register(address owner) private returns (uint256) {
        vm.prank(owner);
        return agents.register();
    }

    /// @dev Domain and type as the registries of ERC-8004 have them.
    function _proof(uint256 key, uint256 agent, address wallet, address owner, uint256 deadline)
        private
        view
        returns (bytes memory)
    {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("ERC8004IdentityRegistry"),
                keccak256("1"),
                block.chainid,
                address(agents)
            )
        );
        bytes32 kind = keccak256("AgentWalletSet(uint256 agentId,address newWallet,address owner,uint256 deadline)");
        bytes32 body = keccak256(abi.encode(kind, agent, wallet, owner, deadline));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(abi.encodePacked(hex"1901", domain, body)));
        return abi.encodePacked(r, s, v);
    }
}
