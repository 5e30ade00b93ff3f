// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {SuccessorLedger} from "./helpers/SuccessorLedger.sol";
import {IDirectory} from "../src/interfaces/IDirectory.sol";
import {Uses} from "../src/interfaces/ILicenseTerms.sol";
import {LicenseToken} from "../src/LicenseToken.sol";
import {Market} from "../src/Market.sol";
import {RefundEscrow} from "../src/RefundEscrow.sol";
import {RoyaltyLedger} from "../src/RoyaltyLedger.sol";

/// @dev Modules that the DAO votes in beside others, and what no vote can take from anybody.
contract ReplacementTest is Lab {
    uint256 internal root;
    uint256 internal child;
    uint256 internal license;
    bytes32 internal termsId;
    SuccessorLedger internal secondLedger;
    LicenseToken internal secondLicenses;
    Market internal secondMarket;

    function setUp() public override {
        super.setUp();
        root = publish(alice, "root");
        child = derive(bob, "child", root, 2_000);
        termsId = offer(child, remix(100 * TOKEN, 0));
        license = buy(carol, child, termsId);
        _deploySecond();
    }

    /// @dev Same assets and terms; licenses of the second market are a collection of their own.
    function _deploySecond() private {
        secondLedger = new SuccessorLedger(ledger);
        address predicted = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 2);
        RoyaltyLedger next = RoyaltyLedger(address(secondLedger));
        secondLicenses = new LicenseToken(registry, terms, predicted);
        RefundEscrow refunds_ = new RefundEscrow(secondLicenses, terms, next, parameters, predicted);
        secondMarket = new Market(registry, terms, secondLicenses, next, refunds_, parameters);
    }

    /* ----------------------------------------------------------------- a second market and ledger */

    function test_a_vote_opens_a_second_market_beside_the_first() public {
        _voteIn();
        assertEq(directory.get("Market"), address(secondMarket));
        assertEq(directory.get("RoyaltyLedger"), address(secondLedger));
        assertEq(directory.get("LicenseToken"), address(licenses));
    }

    function test_the_former_ledger_pays_to_the_last_wei() public {
        vm.prank(carol);
        ledger.pay(child, token, 12_345_678_901_234_567_891);
        _voteIn();
        uint256 held = token.balanceOf(address(ledger));
        uint256 before = token.balanceOf(alice) + token.balanceOf(bob);
        ledger.claim(bob, token, list1(child));
        ledger.claim(alice, token, list1(root));
        assertEq(token.balanceOf(address(ledger)), 0);
        assertEq(token.balanceOf(alice) + token.balanceOf(bob), before + held);
        assertGt(held, 0);
    }

    function test_a_license_of_the_first_market_keeps_its_access() public {
        _voteIn();
        assertTrue(licenses.hasAccess(carol, child, Uses.TRAINING));
        assertEq(licenses.ownerOf(license), carol);
        publish(carol, "grandchild", edges(trainedOn(child, license)));
    }

    function test_offers_of_the_first_market_still_sell_until_their_owner_ends_them() public {
        _voteIn();
        address late = _funded("late");
        uint256 bought = buy(late, child, termsId);
        assertTrue(licenses.hasAccess(late, child, Uses.READ));
        assertGt(bought, license);
        vm.prank(bob);
        market.setOffer(child, termsId, false);
        vm.expectRevert();
        buy(late, child, termsId);
    }

    function test_the_second_market_sells_and_its_ledger_owes_the_same_royalties() public {
        _voteIn();
        vm.prank(bob);
        secondMarket.setOffer(child, termsId, true);
        address buyer = _funded("buyer");
        vm.startPrank(buyer);
        token.approve(address(secondMarket), 100 * TOKEN);
        secondMarket.buy(child, termsId, 100 * TOKEN, buyer);
        vm.stopPrank();
        assertTrue(secondLicenses.hasAccess(buyer, child, Uses.READ));
        assertEq(secondLedger.owed(alice, token), 195 * TOKEN / 10, "20 % of what the fee leaves");
        assertEq(secondLedger.owed(bob, token), 78 * TOKEN);
        secondLedger.claim(alice, token);
        secondLedger.claim(bob, token);
        assertEq(token.balanceOf(address(secondLedger)), 0);
    }

    function test_the_second_market_cannot_issue_or_take_in_the_first_collection() public {
        _voteIn();
        vm.startPrank(address(secondMarket));
        vm.expectRevert();
        licenses.issue(mallory, child, termsId);
        vm.expectRevert();
        licenses.renew(license);
        vm.expectRevert();
        ledger.beforeTransfer(child, bob);
        vm.stopPrank();
    }

    /* ----------------------------------------------------------------- a captured quorum */

    function test_what_people_own_is_named_for_good() public {
        bytes32[3] memory names = [bytes32("SaharaToken"), "AssetRegistry", "LicenseToken"];
        vm.startPrank(address(timelock));
        for (uint256 i = 0; i < names.length; ++i) {
            assertTrue(directory.isFixed(names[i]));
            vm.expectRevert(abi.encodeWithSelector(IDirectory.FixedModule.selector, names[i]));
            directory.set(names[i], address(secondMarket));
        }
        assertFalse(directory.isFixed("Market"));
    }

    /// @dev Everything the DAO may call, used for the worst; then what people had is looked at again.
    function test_a_captured_quorum_takes_nothing_from_anybody() public {
        ledger.settle(child, token);
        uint256 claimable = ledger.claimable(bob, token, list1(child));
        uint256 tokens = token.balanceOf(carol);
        vm.startPrank(address(timelock));
        directory.set("Market", address(secondMarket));
        directory.set("RoyaltyLedger", address(secondMarket));
        parameters.setFeeBps(parameters.MAX_FEE_BPS());
        parameters.setMaxRoyaltyBps(0);
        parameters.setCurrency(token, false);
        keyServers.setActive(1, false);
        access.setTargetClosed(address(parameters), true);
        access.grantRole(access.ADMIN_ROLE(), mallory, 0);
        timelock.grantRole(timelock.PROPOSER_ROLE(), mallory);
        _refused(address(token), abi.encodeCall(token.transferFrom, (carol, mallory, 1)));
        _refused(address(registry), abi.encodeCall(registry.transferFrom, (bob, mallory, child)));
        _refused(address(licenses), abi.encodeCall(licenses.transferFrom, (carol, mallory, license)));
        _refused(address(licenses), abi.encodeCall(licenses.issue, (mallory, child, termsId)));
        _refused(address(market), abi.encodeCall(market.grant, (child, termsId, mallory)));
        _refused(address(market), abi.encodeCall(market.setOffer, (child, termsId, false)));
        _refused(address(ledger), abi.encodeCall(ledger.beforeTransfer, (child, mallory)));
        vm.stopPrank();

        assertEq(registry.ownerOf(child), bob);
        assertEq(licenses.ownerOf(license), carol);
        assertTrue(licenses.hasAccess(carol, child, Uses.TRAINING));
        assertEq(token.balanceOf(carol), tokens);
        uint256 before = token.balanceOf(bob);
        ledger.claim(bob, token, list1(child));
        assertEq(token.balanceOf(bob), before + claimable);
        assertGt(claimable, 0);
        (, uint256[] memory shares) = ledger.tableOf(child);
        assertEq(shares[0], 200_000_000, "a frozen royalty stays what it was");
        vm.prank(bob);
        registry.transferFrom(bob, alice, child);
    }

    /// @dev Whatever function of whatever core contract the timelock calls with whatever arguments.
    function testFuzz_no_call_of_the_timelock_moves_what_people_own(uint8 which, bytes4 selector, bytes memory rest)
        public
    {
        address[6] memory targets = [
            address(registry), address(licenses), address(ledger), address(market), address(terms), address(identities)
        ];
        vm.prank(address(timelock));
        (bool done,) = targets[which % 6].call(abi.encodePacked(selector, rest));
        done;
        assertEq(registry.ownerOf(root), alice);
        assertEq(registry.ownerOf(child), bob);
        assertEq(licenses.ownerOf(license), carol);
        assertTrue(licenses.hasAccess(carol, child, Uses.TRAINING));
        assertTrue(market.isOffered(child, termsId));
    }

    /* ----------------------------------------------------------------- verbs */

    function _voteIn() private {
        (address[] memory targets, bytes[] memory calls) = (new address[](2), new bytes[](2));
        (targets[0], targets[1]) = (address(directory), address(directory));
        calls[0] = abi.encodeCall(directory.set, ("Market", address(secondMarket)));
        calls[1] = abi.encodeCall(directory.set, ("RoyaltyLedger", address(secondLedger)));
        vm.prank(alice);
        uint256 id = governor.propose(targets, new uint256[](2), calls, "why");
        skip(VOTING_DELAY + 1);
        vm.prank(alice);
        governor.castVote(id, 1);
        skip(VOTING_PERIOD + 1);
        governor.queue(targets, new uint256[](2), calls, keccak256("why"));
        skip(3 * TIMELOCK_DELAY);
        governor.execute(targets, new uint256[](2), calls, keccak256("why"));
    }

    function _refused(address target, bytes memory call) private {
        (bool done,) = target.call(call);
        assertFalse(done);
    }

    function _funded(string memory name) private returns (address account) {
        account = makeAddr(name);
        vm.prank(alice);
        token.transfer(account, 100 * TOKEN);
        vm.prank(account);
        token.approve(address(market), 100 * TOKEN);
    }
}
