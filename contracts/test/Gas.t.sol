// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";

/// @dev What people pay for: whole transactions, intrinsic gas and refunds included. The figures are kept in
///      `snapshots/gas.json`; the limits are here.
/// forge-config: default.isolate = true
contract GasTest is Lab {
    uint256 internal root;
    uint256 internal child;
    uint256 internal last;

    function setUp() public override {
        super.setUp();
        root = publish(alice, "root");
        last = root;
        for (uint256 i = 1; i < 17; ++i) {
            last = derive(i % 2 == 0 ? alice : bob, string.concat("a", vm.toString(i)), last, 4_000);
            if (i == 1) child = last;
        }
        // Balances that are not zero at first, as on a chain that is in use.
        vm.prank(bob);
        ledger.pay(root, token, TOKEN);
    }

    function test_registering_and_anchoring_an_asset() public {
        publish(carol, "digits");
        assertLt(_measured("register"), 170_000);
    }

    function test_buying_costs_the_same_however_many_ancestors() public {
        uint256 none = _buying(root, "buy: 0 ancestors");
        uint256 one = _buying(child, "buy: 1 ancestor");
        uint256 many = _buying(last, "buy: 16 ancestors");
        assertLt(many, 200_000);
        assertApproxEqRel(one, none, 0.02e18);
        assertApproxEqRel(many, none, 0.02e18);
    }

    function test_settling_sixteen_payees() public {
        _pay(last);
        ledger.settle(last, token);
        assertLt(_measured("settle: 16 payees, first"), 420_000);
        _pay(last);
        ledger.settle(last, token);
        assertLt(_measured("settle: 16 payees, again"), 120_000);
    }

    function test_claiming() public {
        uint256 sold = publish(keyServer, "sold");
        vm.prank(carol);
        token.transfer(keyServer, 1);
        _pay(sold);
        ledger.settle(sold, token);
        ledger.claim(keyServer, token, list1(sold));
        assertLt(_measured("claim"), 60_000);
        ledger.settle(root, token);
        ledger.claim(alice, token, list1(root));
        assertLt(_measured("claim: SAHARA, to somebody who votes"), 90_000);
    }

    function test_anchoring_receipts() public {
        vm.startPrank(keyServer);
        anchors.anchor(1, 100, "first");
        anchors.anchor(1, 200, "second");
        assertLt(_measured("anchor a receipt log"), 90_000);
    }

    function test_agents_and_what_is_said_of_them() public {
        vm.prank(alice);
        agents.register("ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi");
        assertLt(_measured("register an agent"), 270_000);
        uint256 license = offerAndBuy(bob, root, remix(TOKEN, 0));
        vm.startPrank(bob);
        reputation.giveFeedback(1, 9_000, 2, "starred", "", "", "", 0);
        assertLt(_measured("give feedback, a client's first"), 180_000);
        receipts.back(1, 1, license);
        assertLt(_measured("put a receipt behind feedback"), 200_000);
        vm.stopPrank();
        vm.prank(alice);
        validations.validationRequest(bob, 1, "ipfs://work", "request");
        assertLt(_measured("request a validation"), 200_000);
        vm.prank(bob);
        validations.validationResponse("request", 100, "ipfs://proof", "hash", "hard");
        assertLt(_measured("answer a validation"), 120_000);
    }

    function test_voting() public {
        address[] memory targets = new address[](1);
        bytes[] memory calls = new bytes[](1);
        (targets[0], calls[0]) = (address(parameters), abi.encodeCall(parameters.setFeeBps, (300)));
        vm.prank(alice);
        uint256 proposal = governor.propose(targets, new uint256[](1), calls, "# Raise the fee");
        skip(VOTING_DELAY + 1);
        vm.prank(bob);
        governor.castVote(proposal, 1);
        assertLt(_measured("castVote: the one that reaches the quorum"), 125_000);
        vm.prank(carol);
        governor.castVote(proposal, 1);
        assertLt(_measured("castVote"), 90_000);
    }

    /// @dev A license that sold before, to somebody who has none yet.
    function _buying(uint256 asset, string memory name) private returns (uint256) {
        bytes32 termsId = offer(asset, remix(TOKEN, 0));
        buy(bob, asset, termsId);
        address buyer = makeAddr(name);
        vm.prank(alice);
        token.transfer(buyer, 2 * TOKEN);
        vm.prank(buyer);
        token.approve(address(market), 2 * TOKEN);
        buy(buyer, asset, termsId);
        return _measured(name);
    }

    function _pay(uint256 asset) private {
        vm.prank(carol);
        ledger.pay(asset, token, TOKEN);
    }

    function _measured(string memory name) private returns (uint256) {
        return vm.snapshotGasLastCall("gas", name);
    }
}
