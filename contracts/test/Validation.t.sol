// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {IValidationRegistry} from "../src/interfaces/IValidationRegistry.sol";

contract ValidationTest is Lab {
    uint256 internal agent;

    function setUp() public override {
        super.setUp();
        vm.prank(alice);
        agent = agents.register();
    }

    function test_a_validator_answers_a_request() public {
        vm.expectEmit(address(validations));
        emit IValidationRegistry.ValidationRequest(bob, agent, "ipfs://work", "request");
        _ask(bob, "request");
        (address validator, uint256 agentId, uint8 response,,, uint256 lastUpdate) =
            validations.getValidationStatus("request");
        assertEq(validator, bob);
        assertEq(agentId, agent);
        assertEq(response, 0);
        assertEq(lastUpdate, 0, "no answer yet, which a 0 would not tell");

        vm.expectEmit(address(validations));
        emit IValidationRegistry.ValidationResponse(bob, agent, "request", 100, "ipfs://proof", "hash", "hard");
        vm.prank(bob);
        validations.validationResponse("request", 100, "ipfs://proof", "hash", "hard");
        bytes32 responseHash;
        string memory tag;
        (,, response, responseHash, tag, lastUpdate) = validations.getValidationStatus("request");
        assertEq(response, 100);
        assertEq(responseHash, "hash");
        assertEq(tag, "hard");
        assertEq(lastUpdate, block.timestamp);
        assertEq(validations.getIdentityRegistry(), address(agents));
    }

    function test_a_later_answer_replaces_the_earlier() public {
        _ask(bob, "request");
        _answer(bob, "request", 40, "soft");
        _answer(bob, "request", 80, "hard");
        _summary(new address[](0), "", 1, 80);
        _summary(new address[](0), "soft", 0, 0);
    }

    function test_summaries_are_of_answers_by_validator_and_tag() public {
        _ask(bob, "a");
        _ask(bob, "b");
        _ask(carol, "c");
        _ask(carol, "silent");
        _answer(bob, "a", 100, "hard");
        _answer(bob, "b", 51, "soft");
        _answer(carol, "c", 0, "hard");
        _summary(new address[](0), "", 3, 50);
        _summary(_one(bob), "", 2, 75);
        _summary(new address[](0), "hard", 2, 50);
        _summary(_one(mallory), "", 0, 0);
        assertEq(validations.getAgentValidations(agent).length, 4);
        assertEq(validations.getValidatorRequests(bob).length, 2);
        assertEq(validations.agentValidationsPage(agent, 3, 9)[0], "silent");
        assertEq(validations.validatorRequestsPage(carol, 0, 1)[0], "c");
        assertEq(validations.validatorRequestsPage(carol, 2, 1).length, 0);
    }

    function test_only_the_agent_asks_and_only_the_asked_answers() public {
        vm.expectRevert(abi.encodeWithSelector(IValidationRegistry.NotAgentOwner.selector, agent, mallory));
        vm.prank(mallory);
        validations.validationRequest(bob, agent, "", "request");
        _ask(bob, "request");
        vm.expectRevert(
            abi.encodeWithSelector(IValidationRegistry.NotTheValidator.selector, bytes32("request"), bob, alice)
        );
        _answer(alice, "request", 100, "");
        vm.expectRevert(abi.encodeWithSelector(IValidationRegistry.UnknownRequest.selector, bytes32("other")));
        _answer(bob, "other", 100, "");
    }

    function test_requests_and_answers_are_checked() public {
        _ask(bob, "request");
        vm.expectRevert(abi.encodeWithSelector(IValidationRegistry.RequestExists.selector, bytes32("request")));
        _ask(carol, "request");
        vm.expectRevert(IValidationRegistry.NoValidator.selector);
        _ask(address(0), "other");
        vm.expectRevert(abi.encodeWithSelector(IValidationRegistry.ResponseOutOfBounds.selector, 101));
        _answer(bob, "request", 101, "");
        vm.expectRevert(abi.encodeWithSelector(IValidationRegistry.TagTooLong.selector, 65, 64));
        _answer(bob, "request", 1, string(new bytes(65)));
    }

    function test_an_operator_asks_for_the_owner() public {
        vm.prank(alice);
        agents.setApprovalForAll(carol, true);
        vm.prank(carol);
        validations.validationRequest(bob, agent, "", "request");
        assertEq(validations.getAgentValidations(agent).length, 1);
    }

    function _ask(address validator, bytes32 requestHash) private {
        vm.prank(alice);
        validations.validationRequest(validator, agent, "ipfs://work", requestHash);
    }

    function _answer(address validator, bytes32 requestHash, uint8 response, string memory tag) private {
        vm.prank(validator);
        validations.validationResponse(requestHash, response, "", 0, tag);
    }

    function _summary(address[] memory validators, string memory tag, uint64 wantedCount, uint8 wanted) private view {
        (uint64 count, uint8 average) = validations.getSummary(agent, validators, tag);
        assertEq(count, wantedCount);
        assertEq(average, wanted);
    }

    function _one(address a) private pure returns (address[] memory list) {
        list = new address[](1);
        list[0] = a;
    }
}
