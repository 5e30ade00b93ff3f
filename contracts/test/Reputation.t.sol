// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {IFeedbackReceipts} from "../src/interfaces/IFeedbackReceipts.sol";
import {ILicenseTerms} from "../src/interfaces/ILicenseTerms.sol";
import {IReputationRegistry} from "../src/interfaces/IReputationRegistry.sol";

contract ReputationTest is Lab {
    uint256 internal agent;

    function setUp() public override {
        super.setUp();
        vm.prank(alice);
        agent = agents.register();
    }

    /* ----------------------------------------------------------------- feedback */

    function test_feedback_is_kept_and_announced() public {
        vm.expectEmit(address(reputation));
        emit IReputationRegistry.NewFeedback(
            agent, bob, 1, 9_977, 2, "uptime", "uptime", "week", "https://a.example", "ipfs://file", "hash"
        );
        vm.prank(bob);
        reputation.giveFeedback(agent, 9_977, 2, "uptime", "week", "https://a.example", "ipfs://file", "hash");
        (int128 value, uint8 decimals, string memory tag1, string memory tag2, bool revoked) =
            reputation.readFeedback(agent, bob, 1);
        assertEq(value, 9_977);
        assertEq(decimals, 2);
        assertEq(tag1, "uptime");
        assertEq(tag2, "week");
        assertFalse(revoked);
        assertEq(reputation.getLastIndex(agent, bob), 1);
        assertEq(reputation.getClients(agent).length, 1);
        assertEq(reputation.getIdentityRegistry(), address(agents));
    }

    function test_an_agent_does_not_rate_itself() public {
        vm.startPrank(alice);
        agents.approve(bob, agent);
        agents.setApprovalForAll(carol, true);
        vm.stopPrank();
        address[3] memory selves = [alice, bob, carol];
        for (uint256 i = 0; i < selves.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IReputationRegistry.SelfFeedback.selector, agent, selves[i]));
            _rate(selves[i], 100, "starred");
        }
    }

    function test_a_wallet_does_not_rate_its_agent() public {
        (address wallet, uint256 key) = makeAddrAndKey("wallet");
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
        bytes32 body = keccak256(abi.encode(kind, agent, wallet, alice, block.timestamp));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(abi.encodePacked(hex"1901", domain, body)));
        vm.prank(alice);
        agents.setAgentWallet(agent, wallet, block.timestamp, abi.encodePacked(r, s, v));
        vm.expectRevert(abi.encodeWithSelector(IReputationRegistry.SelfFeedback.selector, agent, wallet));
        _rate(wallet, 100, "starred");
    }

    function test_values_tags_and_agents_are_checked() public {
        vm.startPrank(bob);
        vm.expectRevert(abi.encodeWithSelector(IReputationRegistry.ValueOutOfBounds.selector, 1, 19));
        reputation.giveFeedback(agent, 1, 19, "", "", "", "", 0);
        vm.expectRevert(abi.encodeWithSelector(IReputationRegistry.ValueOutOfBounds.selector, 1e38 + 1, 0));
        reputation.giveFeedback(agent, 1e38 + 1, 0, "", "", "", "", 0);
        vm.expectRevert(abi.encodeWithSelector(IReputationRegistry.ValueOutOfBounds.selector, -1e38 - 1, 0));
        reputation.giveFeedback(agent, -1e38 - 1, 0, "", "", "", "", 0);
        vm.expectRevert(abi.encodeWithSelector(IReputationRegistry.TagTooLong.selector, 65, 64));
        reputation.giveFeedback(agent, 1, 0, string(new bytes(65)), "", "", "", 0);
        vm.expectRevert();
        reputation.giveFeedback(agent + 1, 1, 0, "", "", "", "", 0);
    }

    function test_revoked_feedback_stays_readable_and_counts_no_longer() public {
        _rate(bob, 20, "starred");
        _rate(bob, 90, "starred");
        vm.prank(bob);
        reputation.revokeFeedback(agent, 1);
        (,,,, bool revoked) = reputation.readFeedback(agent, bob, 1);
        assertTrue(revoked);
        _summary(_one(bob), "starred", 1, 90, 0);
        (address[] memory clients,,,,,,) = reputation.readAllFeedback(agent, new address[](0), "", "", false);
        assertEq(clients.length, 1);
        (clients,,,,,,) = reputation.readAllFeedback(agent, new address[](0), "", "", true);
        assertEq(clients.length, 2);
        vm.startPrank(bob);
        vm.expectRevert(abi.encodeWithSelector(IReputationRegistry.AlreadyRevoked.selector, agent, bob, 1));
        reputation.revokeFeedback(agent, 1);
        vm.expectRevert(abi.encodeWithSelector(IReputationRegistry.UnknownFeedback.selector, agent, bob, 3));
        reputation.revokeFeedback(agent, 3);
        vm.expectRevert(abi.encodeWithSelector(IReputationRegistry.UnknownFeedback.selector, agent, bob, 0));
        reputation.revokeFeedback(agent, 0);
    }

    /* ----------------------------------------------------------------- summaries */

    function test_a_summary_is_of_named_clients_and_one_measure() public {
        _rate(bob, 80, "starred");
        _rate(carol, 90, "starred");
        _rate(mallory, -100, "starred");
        _rate(bob, 560, "responseTime");
        address[] memory trusted = _two(bob, carol);
        _summary(trusted, "starred", 2, 85, 0);
        _summary(trusted, "responseTime", 1, 560, 0);
        _summary(trusted, "nothing", 0, 0, 0);
        vm.expectRevert(IReputationRegistry.ClientsRequired.selector);
        reputation.getSummary(agent, new address[](0), "starred", "");
        vm.expectPartialRevert(IReputationRegistry.UnlikeMeasures.selector);
        reputation.getSummary(agent, trusted, "", "");
        assertEq(_count(_one(carol), ""), 1, "no tag is needed where there is one measure");
    }

    function test_a_second_tag_narrows_a_summary() public {
        vm.startPrank(bob);
        reputation.giveFeedback(agent, -32, 1, "tradingYield", "month", "", "", 0);
        reputation.giveFeedback(agent, 5, 0, "tradingYield", "year", "", "", 0);
        (uint64 count, int128 value, uint8 decimals) = reputation.getSummary(agent, _one(bob), "tradingYield", "month");
        assertEq(count, 1);
        assertEq(value, -32);
        assertEq(decimals, 1);
    }

    function test_a_mean_of_huge_and_tiny_values_loses_digits_instead_of_failing() public {
        vm.startPrank(bob);
        reputation.giveFeedback(agent, 1e38, 0, "x", "", "", "", 0);
        reputation.giveFeedback(agent, 1, 18, "x", "", "", "", 0);
        _summary(_one(bob), "x", 2, 5e37, 0);
    }

    /// @dev Against the mean of the values written out with 18 digits.
    function testFuzz_a_mean_is_exact_to_the_digits_it_shows(int64[6] memory values, uint8[6] memory digits) public {
        int256 total;
        uint8 most;
        vm.startPrank(bob);
        for (uint256 i = 0; i < values.length; ++i) {
            uint8 decimals = digits[i] % 19;
            most = decimals > most ? decimals : most;
            reputation.giveFeedback(agent, values[i], decimals, "x", "", "", "", 0);
            total += int256(values[i]) * int256(10 ** (18 - decimals));
        }
        (uint64 count, int128 mean, uint8 shown) = reputation.getSummary(agent, _one(bob), "x", "");
        assertEq(count, 6);
        assertEq(shown, most);
        int256 unit = int256(10 ** (18 - shown));
        assertApproxEqAbs(int256(mean) * unit, total / 6, uint256(unit));
    }

    function test_pages_walk_what_strangers_made_long() public {
        for (uint256 i = 1; i <= 30; ++i) {
            _rate(vm.addr(i), int128(int256(i)), "spam");
        }
        assertEq(reputation.clientCount(agent), 30);
        address[] memory page = reputation.clientsPage(agent, 28, 10);
        assertEq(page.length, 2);
        assertEq(page[1], vm.addr(30));
        assertEq(reputation.clientsPage(agent, 30, 10).length, 0);
        _rate(bob, 1, "x");
        _rate(bob, 2, "x");
        IReputationRegistry.Feedback[] memory given = reputation.feedbackPage(agent, bob, 2, type(uint64).max);
        assertEq(given.length, 1);
        assertEq(given[0].value, 2);
        assertEq(reputation.feedbackPage(agent, bob, 3, 1).length, 0);
    }

    function test_all_feedback_can_be_read_with_its_places() public {
        _rate(bob, 1, "x");
        _rate(carol, 2, "y");
        _rate(bob, 3, "x");
        (
            address[] memory clients,
            uint64[] memory indexes,
            int128[] memory values,,
            string[] memory tags,,
            bool[] memory revoked
        ) = reputation.readAllFeedback(agent, new address[](0), "x", "", false);
        assertEq(clients.length, 2);
        assertEq(clients[1], bob);
        assertEq(indexes[1], 2);
        assertEq(values[1], 3);
        assertEq(tags[1], "x");
        assertFalse(revoked[1]);
        (clients,,,,,,) = reputation.readAllFeedback(agent, _one(carol), "", "", false);
        assertEq(clients.length, 1);
    }

    /* ----------------------------------------------------------------- responses */

    function test_responses_are_counted_by_feedback_client_agent_and_responder() public {
        _rate(bob, 1, "x");
        _rate(bob, 2, "x");
        _rate(carol, 3, "x");
        _respond(alice, bob, 1);
        _respond(alice, bob, 2);
        _respond(mallory, bob, 1);
        _respond(alice, carol, 1);
        address[] memory anybody = new address[](0);
        assertEq(reputation.getResponseCount(agent, bob, 1, anybody), 2);
        assertEq(reputation.getResponseCount(agent, bob, 1, _one(alice)), 1);
        assertEq(reputation.getResponseCount(agent, bob, 0, anybody), 3);
        assertEq(reputation.getResponseCount(agent, bob, 0, _one(alice)), 2);
        assertEq(reputation.getResponseCount(agent, address(0), 0, anybody), 4);
        assertEq(reputation.getResponseCount(agent, address(0), 0, _two(alice, mallory)), 4);
        vm.expectRevert(abi.encodeWithSelector(IReputationRegistry.UnknownFeedback.selector, agent, bob, 3));
        _respond(alice, bob, 3);
    }

    /* ----------------------------------------------------------------- receipts */

    function test_a_license_of_the_owners_asset_backs_feedback() public {
        uint256 asset = publish(alice, "model");
        uint256 license = offerAndBuy(bob, asset, remix(TOKEN, 0));
        _rate(bob, 95, "starred");
        vm.expectEmit(address(receipts));
        emit IFeedbackReceipts.FeedbackBacked(agent, bob, 1, license, asset);
        vm.prank(bob);
        receipts.back(agent, 1, license);
        assertEq(receipts.receiptOf(agent, bob, 1), license);
        assertTrue(receipts.isSpent(license));
        assertEq(receipts.count(agent), 1);
        IFeedbackReceipts.Backed[] memory page = receipts.page(agent, 0, 10);
        assertEq(page[0].client, bob);
        assertEq(page[0].index, 1);
        assertEq(page[0].license, license);
    }

    function test_a_license_that_can_be_given_back_backs_nothing() public {
        ILicenseTerms.Terms memory what = remix(TOKEN, 0);
        what.duration = 30 days;
        what.refundWindow = 1 days;
        uint256 license = offerAndBuy(bob, publish(alice, "model"), what);
        uint40 closesAt = uint40(block.timestamp + 1 days);
        _rate(bob, 95, "starred");
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(IFeedbackReceipts.LicenseNotFinal.selector, license, closesAt));
        receipts.back(agent, 1, license);
        skip(1 days);
        vm.prank(bob);
        receipts.back(agent, 1, license);
        assertEq(receipts.receiptOf(agent, bob, 1), license);
    }

    function test_only_feedback_with_a_receipt_is_in_its_summary() public {
        uint256 asset = publish(alice, "model");
        _rate(bob, 90, "starred");
        _rate(mallory, 1, "starred");
        _backWith(bob, asset, 1);
        _backed("starred", 1, 90);
        _rate(carol, 70, "starred");
        _backWith(carol, asset, 1);
        _backed("starred", 2, 80);
        vm.prank(bob);
        reputation.revokeFeedback(agent, 1);
        _backed("starred", 1, 70);
        _backed("uptime", 0, 0);
    }

    function test_one_license_backs_one_feedback_even_when_it_changes_hands() public {
        uint256 asset = publish(alice, "model");
        _rate(bob, 90, "starred");
        _rate(bob, 91, "starred");
        _rate(carol, 92, "starred");
        bytes32 termsId = offer(asset, _transferable());
        uint256 license = buy(bob, asset, termsId);
        vm.startPrank(bob);
        receipts.back(agent, 1, license);
        vm.expectRevert(abi.encodeWithSelector(IFeedbackReceipts.LicenseSpent.selector, license));
        receipts.back(agent, 2, license);
        licenses.transferFrom(bob, carol, license);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(IFeedbackReceipts.LicenseSpent.selector, license));
        vm.prank(carol);
        receipts.back(agent, 1, license);
        uint256 second = buy(bob, asset, termsId);
        vm.expectRevert(abi.encodeWithSelector(IFeedbackReceipts.AlreadyBacked.selector, agent, bob, 1, license));
        vm.prank(bob);
        receipts.back(agent, 1, second);
    }

    function test_a_receipt_is_ones_own_and_of_the_agents_owner() public {
        uint256 license = offerAndBuy(bob, publish(alice, "model"), remix(TOKEN, 0));
        uint256 foreign = publish(carol, "other");
        uint256 elsewhere = offerAndBuy(bob, foreign, remix(TOKEN, 0));
        _rate(bob, 90, "starred");
        _rate(mallory, 90, "starred");
        vm.expectRevert(abi.encodeWithSelector(IFeedbackReceipts.NotLicenseHolder.selector, license, mallory));
        vm.prank(mallory);
        receipts.back(agent, 1, license);
        vm.startPrank(bob);
        vm.expectRevert(abi.encodeWithSelector(IFeedbackReceipts.ForeignAsset.selector, agent, foreign, carol));
        receipts.back(agent, 1, elsewhere);
        vm.expectRevert(abi.encodeWithSelector(IReputationRegistry.UnknownFeedback.selector, agent, bob, 2));
        receipts.back(agent, 2, license);
        reputation.revokeFeedback(agent, 1);
        vm.expectRevert(abi.encodeWithSelector(IFeedbackReceipts.FeedbackIsRevoked.selector, agent, bob, 1));
        receipts.back(agent, 1, license);
    }

    /* ----------------------------------------------------------------- verbs */

    function _rate(address client, int128 value, string memory tag) private {
        vm.prank(client);
        reputation.giveFeedback(agent, value, 0, tag, "", "", "", 0);
    }

    function _respond(address responder, address client, uint64 index) private {
        vm.prank(responder);
        reputation.appendResponse(agent, client, index, "ipfs://answer", 0);
    }

    function _backWith(address client, uint256 asset, uint64 index) private {
        uint256 license = offerAndBuy(client, asset, remix(TOKEN, 0));
        vm.prank(client);
        receipts.back(agent, index, license);
    }

    function _backed(string memory tag, uint64 wantedCount, int128 wanted) private view {
        (uint64 count, int128 value,) = receipts.getSummary(agent, tag, "", 0, 100);
        assertEq(count, wantedCount);
        assertEq(value, wanted);
    }

    function _summary(address[] memory clients, string memory tag, uint64 wantedCount, int128 wanted, uint8 digits)
        private
        view
    {
        (uint64 count, int128 value, uint8 decimals) = reputation.getSummary(agent, clients, tag, "");
        assertEq(count, wantedCount);
        assertEq(value, wanted);
        assertEq(decimals, digits);
    }

    function _count(address[] memory clients, string memory tag) private view returns (uint64 count) {
        (count,,) = reputation.getSummary(agent, clients, tag, "");
    }

    function _transferable() private view returns (ILicenseTerms.Terms memory what) {
        what = remix(TOKEN, 0);
        what.transferable = true;
    }

    function _one(address a) private pure returns (address[] memory list) {
        list = new address[](1);
        list[0] = a;
    }

    function _two(address a, address b) private pure returns (address[] memory list) {
        list = new address[](2);
        (list[0], list[1]) = (a, b);
    }
}
