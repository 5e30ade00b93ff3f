// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {Vm} from "forge-std/Vm.sol";
import {IAssetRegistry} from "../src/interfaces/IAssetRegistry.sol";
import {IProtocolParameters} from "../src/interfaces/IProtocolParameters.sol";
import {IRoyaltyLedger} from "../src/interfaces/IRoyaltyLedger.sol";
import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

contract RoyaltyLedgerTest is Lab {
    function test_each_hop_passes_on_its_share() public {
        uint256 data = publish(alice, "data");
        uint256 net = derive(bob, "net", data, 1_000);
        uint256 tuned = derive(carol, "tuned", net, 2_000);
        (uint256[] memory payees, uint256[] memory shares) = ledger.tableOf(tuned);
        assertEq(payees, list2(data, net));
        // Carol owes Bob 20 %; Bob owes Alice 10 % of that.
        assertEq(shares, list2(20_000_000, 180_000_000));
        (payees, shares) = ledger.split(tuned, 100 * TOKEN);
        assertEq(shares[0], 2 * TOKEN);
        assertEq(shares[1], 18 * TOKEN);
        assertEq(shares[2], 80 * TOKEN);
        assertEq(payees[2], tuned);
    }

    function test_an_ancestor_reached_twice_is_paid_what_both_ways_owe_and_no_more() public {
        uint256 root = publish(alice, "root");
        uint256 left = derive(bob, "left", root, 1_000);
        uint256 right = derive(bob, "right", root, 1_000);
        uint256 a = offerAndBuy(carol, left, remix(0, 2_000));
        uint256 b = offerAndBuy(carol, right, remix(0, 2_000));
        uint256 top = publish(carol, "top", edges(trainedOn(left, a), trainedOn(right, b)));
        (uint256[] memory payees, uint256[] memory amounts) = ledger.split(top, 1_000);
        assertEq(payees.length, 4, "the root has one line");
        assertEq(payees[0], root);
        assertEq(amounts[0], 40, "10 % of 20 %, from each side");
        assertEq(amounts[1], 180);
        assertEq(amounts[2], 180);
        assertEq(amounts[3], 600);
    }

    function test_what_an_own_parent_owes_passes_to_its_child() public {
        uint256 data = publish(alice, "data");
        uint256 net = derive(bob, "net", data, 1_000);
        uint256 tuned = publish(bob, "tuned", edges(trainedOn(net, 0)));
        (uint256[] memory payees, uint256[] memory amounts) = ledger.split(tuned, 1_000);
        assertEq(payees, list2(data, tuned), "nothing for the own parent itself");
        assertEq(amounts, list2(100, 900));
    }

    function test_retraining_an_own_model_on_the_same_data_does_not_owe_twice() public {
        uint256 data = publish(alice, "data");
        uint256 license = offerAndBuy(bob, data, remix(0, 1_000));
        uint256 net = publish(bob, "net", edges(trainedOn(data, license)));
        uint256 more = publish(bob, "more", edges(trainedOn(data, license), trainedOn(net, 0)));
        (uint256[] memory payees, uint256[] memory amounts) = ledger.split(more, 1_000);
        assertEq(payees, list2(data, more));
        assertEq(amounts, list2(100, 900));
        uint256 both = publish(bob, "both", edges(trainedOn(net, 0), trainedOn(more, 0)));
        (, amounts) = ledger.split(both, 1_000);
        assertEq(amounts, list2(100, 900), "own parents that owe the same do not add up");
    }

    function test_the_cap_holds_for_what_is_inherited_too() public {
        uint256 a = publish(alice, "a");
        uint256 b = publish(carol, "b");
        uint256 net = derive(bob, "net", a, 3_000);
        uint256 license = offerAndBuy(bob, b, remix(0, 3_000));
        IRoyaltyLedger.Debt[] memory causes = new IRoyaltyLedger.Debt[](2);
        (causes[0], causes[1]) = (IRoyaltyLedger.Debt(b, 3_000, false), IRoyaltyLedger.Debt(net, 0, true));
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyLedger.StackTooHigh.selector, net + 1, 600_000_000, 500_000_000, causes)
        );
        publish(bob, "both", edges(trainedOn(b, license), trainedOn(net, 0)));
    }

    function testFuzz_nobody_sheds_what_is_owed_by_deriving_from_own_work(uint16[3] memory shares) public {
        uint256 root = publish(alice, "root");
        uint256 left = derive(bob, "left", root, uint16(bound(shares[0], 0, 2_500)));
        uint256 right = derive(carol, "right", left, uint16(bound(shares[1], 0, 2_500)));
        uint256 license = offerAndBuy(carol, root, remix(0, uint16(bound(shares[2], 0, 2_500))));
        uint256 child = publish(carol, "child", edges(trainedOn(root, license), trainedOn(right, 0)));
        (uint256[] memory payees, uint256[] memory above) = ledger.tableOf(right);
        (uint256[] memory below, uint256[] memory owed) = ledger.tableOf(child);
        for (uint256 i = 0; i < payees.length; ++i) {
            bool found;
            for (uint256 j = 0; j < below.length; ++j) {
                if (below[j] != payees[i]) continue;
                found = true;
                assertGe(owed[j], above[i]);
            }
            assertTrue(found);
        }
    }

    function test_more_than_sixteen_payees_are_refused() public {
        uint256 last = publish(alice, "a0");
        for (uint256 i = 1; i < 17; ++i) {
            last = derive(i % 2 == 0 ? alice : bob, string.concat("a", vm.toString(i)), last, 5_000);
        }
        (uint256[] memory payees,) = ledger.tableOf(last);
        assertEq(payees.length, 16);
        uint256 license = offerAndBuy(bob, last, remix(0, 5_000));
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyLedger.TooManyPayees.selector, 17));
        publish(bob, "too-far", edges(trainedOn(last, license)));
    }

    function test_a_lower_cap_binds_new_children_only() public {
        uint256 data = publish(alice, "data");
        uint256 net = derive(bob, "net", data, 5_000);
        vm.prank(address(timelock));
        parameters.setMaxRoyaltyBps(1_000);
        uint256 license = offerAndBuy(carol, data, remix(0, 5_000));
        vm.expectPartialRevert(IRoyaltyLedger.StackTooHigh.selector);
        publish(carol, "late", edges(trainedOn(data, license)));
        (, uint256[] memory shares) = ledger.tableOf(net);
        assertEq(shares[0], 500_000_000, "what was frozen stays");
    }

    /* ----------------------------------------------------------------- money */

    function test_pay_settle_claim() public {
        uint256 data = publish(alice, "data");
        uint256 net = derive(bob, "net", data, 1_000);
        vm.prank(carol);
        ledger.pay(net, token, 1_000);
        assertEq(ledger.unsettled(net, token), 1_000);
        assertEq(ledger.claimable(alice, token, list2(net, data)), 100, "seen before it is settled");
        assertEq(ledger.claimable(alice, token, list1(data)), 0, "what its descendant keeps is not named");
        vm.prank(mallory);
        ledger.settle(net, token);
        assertEq(ledger.balanceOf(data, token), 100);
        assertEq(ledger.balanceOf(net, token), 900);

        uint256 had = token.balanceOf(alice);
        assertEq(ledger.claim(alice, token, list1(data)), 100);
        assertEq(token.balanceOf(alice), had + 100);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyLedger.NothingToClaim.selector, alice));
        ledger.claim(alice, token, list1(data));
    }

    function test_a_claim_settles_what_it_names_whatever_the_order() public {
        uint256 data = publish(alice, "data");
        uint256 net = derive(bob, "net", data, 1_000);
        vm.startPrank(carol);
        ledger.pay(net, token, 1_000);
        ledger.pay(data, token, 50);
        vm.stopPrank();
        uint256[] memory named = new uint256[](4);
        (named[0], named[1], named[2], named[3]) = (data, net, data, net);
        assertEq(ledger.claimable(alice, token, named), 150);
        assertEq(ledger.claim(alice, token, named), 150, "named twice, paid once");
        assertEq(ledger.claim(bob, token, named), 900);
    }

    function test_naming_an_unknown_asset_is_an_error_without_loss() public {
        uint256 data = publish(alice, "data");
        vm.startPrank(carol);
        vm.expectPartialRevert(IERC721Errors.ERC721NonexistentToken.selector);
        ledger.pay(77, token, 1_000);
        ledger.pay(data, token, 1_000);
        vm.stopPrank();
        assertEq(ledger.claimable(alice, token, list2(data, 77)), 1_000);
        assertEq(ledger.claim(alice, token, list2(data, 77)), 1_000, "an asset that holds nothing is passed over");
    }

    function test_a_currency_must_be_allowed() public {
        uint256 data = publish(alice, "data");
        vm.expectRevert(abi.encodeWithSelector(IProtocolParameters.CurrencyNotAllowed.selector, address(0xbeef)));
        ledger.pay(data, IERC20(address(0xbeef)), 1);
    }

    function test_only_the_registry_links_and_moves() public {
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyLedger.OnlyRegistry.selector, mallory));
        vm.prank(mallory);
        ledger.link(1, new IRoyaltyLedger.Debt[](0));
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyLedger.OnlyRegistry.selector, mallory));
        vm.prank(mallory);
        ledger.beforeTransfer(1, mallory);
    }

    function test_what_accrued_before_a_sale_belongs_to_the_seller() public {
        uint256 data = publish(alice, "data");
        uint256 net = derive(bob, "net", data, 1_000);
        vm.startPrank(carol);
        ledger.pay(net, token, 1_000);
        vm.stopPrank();
        vm.prank(bob);
        registry.transferFrom(bob, mallory, net);
        assertEq(ledger.balanceOf(net, token), 0);
        assertEq(ledger.balanceOf(data, token), 100, "the ancestor is credited all the same");
        assertEq(ledger.claimable(bob, token, new uint256[](0)), 900);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyLedger.NothingToClaim.selector, mallory));
        ledger.claim(mallory, token, list1(net));

        vm.prank(carol);
        ledger.pay(net, token, 500);
        assertEq(ledger.claim(mallory, token, list1(net)), 450, "what comes later is the buyer's");
        assertEq(ledger.claim(bob, token, new uint256[](0)), 900);
    }

    function test_a_payee_can_let_go_of_a_child_that_named_it_wrongly() public {
        uint256 data = publish(alice, "data");
        uint256 wrong = publish(bob, "wrong");
        uint256 a = offerAndBuy(carol, data, remix(0, 1_000));
        uint256 b = offerAndBuy(carol, wrong, remix(0, 2_000));
        uint256 net = publish(carol, "net", edges(trainedOn(data, a), trainedOn(wrong, b)));
        vm.startPrank(carol);
        ledger.pay(net, token, 1_000);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyLedger.NotPayee.selector, carol, wrong));
        ledger.waive(net, wrong);
        vm.stopPrank();

        vm.expectEmit(address(ledger));
        emit IRoyaltyLedger.Settled(net, token, 1_000);
        vm.expectEmit(address(ledger));
        emit IRoyaltyLedger.TableFrozen(net, list1(data), list1(100_000_000));
        vm.expectEmit(address(ledger));
        emit IRoyaltyLedger.Waived(net, wrong);
        vm.prank(bob);
        ledger.waive(net, wrong);
        assertEq(ledger.balanceOf(wrong, token), 200, "what came in before is divided as it was owed");
        (uint256[] memory payees, uint256[] memory amounts) = ledger.split(net, 1_000);
        assertEq(payees, list2(data, net));
        assertEq(amounts, list2(100, 900), "and the others get what they got");

        vm.expectRevert(abi.encodeWithSelector(IRoyaltyLedger.NothingOwed.selector, net, wrong));
        vm.prank(bob);
        ledger.waive(net, wrong);
    }

    function test_a_share_that_was_given_up_is_not_inherited() public {
        uint256 data = publish(alice, "data");
        uint256 net = derive(bob, "net", data, 1_000);
        uint256 before = derive(carol, "before", net, 5_000);
        vm.prank(alice);
        ledger.waive(net, data);
        uint256 later = derive(carol, "later", net, 5_000);
        (uint256[] memory payees,) = ledger.tableOf(before);
        assertEq(payees, list2(data, net), "what was derived before owes what it owed");
        (payees,) = ledger.tableOf(later);
        assertEq(payees, list1(net));
        (payees,) = ledger.tableOf(net);
        assertEq(payees.length, 0);
    }

    function test_what_a_collection_is_owed_is_not_its_owners_to_give_up() public {
        vm.prank(alice);
        uint256 pool =
            registry.register("pool", IAssetRegistry.Kind.Collection, version("x"), new IAssetRegistry.Edge[](0));
        uint256 net = derive(bob, "net", pool, 1_000);
        vm.prank(alice);
        collections.setWeights(pool, new uint256[](0), new uint64[](0));
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyLedger.NotPayee.selector, alice, pool));
        vm.prank(alice);
        ledger.waive(net, pool);
    }

    function test_a_shared_asset_stays_shared_when_a_payee_lets_go_of_it() public {
        uint256 data = publish(alice, "data");
        IAssetRegistry.Edge[] memory parents = edges(trainedOn(data, offerAndBuy(bob, data, remix(0, 1_000))));
        vm.startPrank(bob);
        uint256 pool = registry.register("pool", IAssetRegistry.Kind.Collection, version("x"), parents);
        collections.setWeights(pool, new uint256[](0), new uint64[](0));
        vm.stopPrank();
        vm.prank(alice);
        ledger.waive(pool, data);
        assertTrue(ledger.isShared(pool));
    }

    /// @dev Whoever lets go of whatever, the others' shares stay and nothing that came in before changes hands.
    function testFuzz_letting_go_takes_nothing_from_others(uint128 amount, uint16 first, uint16 second) public {
        amount = uint128(bound(amount, 0, 1_000 * TOKEN));
        uint256 data = publish(alice, "data");
        uint256 net = derive(bob, "net", data, uint16(bound(first, 1, 5_000)));
        uint256 tuned = derive(carol, "tuned", net, uint16(bound(second, 1, 5_000)));
        vm.prank(carol);
        ledger.pay(tuned, token, amount);
        (, uint256[] memory owed) = ledger.split(tuned, amount);
        vm.prank(bob);
        ledger.waive(tuned, net);
        assertEq(ledger.balanceOf(data, token), owed[0]);
        assertEq(ledger.balanceOf(net, token), owed[1]);
        assertEq(ledger.balanceOf(tuned, token), owed[2]);
        (uint256[] memory payees, uint256[] memory amounts) = ledger.split(tuned, amount);
        assertEq(payees, list2(data, tuned));
        assertEq(amounts, list2(owed[0], amount - owed[0]));
    }

    function test_paying_costs_the_same_however_many_ancestors() public {
        uint256 lone = publish(alice, "lone");
        uint256 last = lone;
        for (uint256 i = 1; i < 16; ++i) {
            last = derive(i % 2 == 0 ? alice : bob, string.concat("a", vm.toString(i)), last, 5_000);
        }
        uint256 one = _gasOfPaying(lone);
        uint256 many = _gasOfPaying(last);
        assertApproxEqAbs(one, many, 5_000);
    }

    function _gasOfPaying(uint256 asset) private returns (uint256 used) {
        vm.startPrank(carol);
        ledger.pay(asset, token, 1);
        uint256 before = gasleft();
        ledger.pay(asset, token, 1);
        used = before - gasleft();
        vm.stopPrank();
    }

    /* ----------------------------------------------------------------- properties */

    function testFuzz_a_split_never_makes_or_loses_money(uint256 amount, uint16 first, uint16 second) public {
        uint256 data = publish(alice, "data");
        uint256 net = derive(bob, "net", data, uint16(bound(first, 0, 5_000)));
        uint256 tuned = derive(carol, "tuned", net, uint16(bound(second, 0, 5_000)));
        amount = bound(amount, 0, type(uint128).max);
        (, uint256[] memory amounts) = ledger.split(tuned, amount);
        uint256 sum;
        for (uint256 i = 0; i < amounts.length; ++i) {
            sum += amounts[i];
        }
        assertEq(sum, amount);
    }

    /// @dev An indexer sees no event per payee: the frozen table and the amount settled must tell every credit.
    function testFuzz_a_settlement_credits_what_the_announced_table_says(uint128 amount, uint16 first, uint16 second)
        public
    {
        amount = uint128(bound(amount, 0, 1_000 * TOKEN));
        uint256 data = publish(alice, "data");
        uint256 net = derive(bob, "net", data, uint16(bound(first, 0, 5_000)));
        vm.recordLogs();
        uint256 tuned = derive(carol, "tuned", net, uint16(bound(second, 0, 5_000)));
        vm.prank(carol);
        ledger.pay(tuned, token, amount);
        ledger.settle(tuned, token);
        uint256[] memory payees;
        uint256[] memory shares;
        uint256 settled;
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter != address(ledger)) continue;
            if (logs[i].topics[0] == IRoyaltyLedger.TableFrozen.selector) {
                (payees, shares) = abi.decode(logs[i].data, (uint256[], uint256[]));
            } else if (logs[i].topics[0] == IRoyaltyLedger.Settled.selector) {
                settled = abi.decode(logs[i].data, (uint256));
            }
        }
        assertEq(settled, amount);
        for (uint256 i = 0; i < payees.length; ++i) {
            uint256 part = settled * shares[i] / 1e9;
            assertEq(ledger.balanceOf(payees[i], token), part);
            amount -= uint128(part);
        }
        assertEq(ledger.balanceOf(tuned, token), amount, "and the rest is its own");
    }

    /// @dev Ten assets, each derived from a random choice of older ones: diamonds of every kind. What the frozen tables
    ///      give out must be what paying hop after hop would, up to the tables' resolution of one part in 1e9 per hop.
    function testFuzz_a_table_equals_paying_hop_after_hop(uint256 seed) public {
        uint256 count = 10;
        for (uint256 id = 1; id <= count; ++id) {
            _publishRandom(id, uint256(keccak256(abi.encode(seed, id))));
        }
        uint256 amount = 1_000_000 * TOKEN;
        uint256[] memory expected = _hopAfterHop(count, amount);
        (uint256[] memory payees, uint256[] memory amounts) = ledger.split(count, amount);
        uint256 tolerance = amount / 1e9 * 64;
        uint256 seen;
        for (uint256 i = 0; i < payees.length; ++i) {
            assertApproxEqAbs(amounts[i], expected[payees[i]], tolerance);
            seen += expected[payees[i]];
        }
        assertApproxEqAbs(seen, amount, tolerance, "nobody is left out");
    }

    function _publishRandom(uint256 id, uint256 dice) private {
        address owner = address(uint160(0x1000 + id));
        IAssetRegistry.Edge[] memory parents = new IAssetRegistry.Edge[](id - 1);
        uint256 used;
        uint256 left = 5_000;
        for (uint256 parent = 1; parent < id; ++parent) {
            if ((dice >> parent) % 2 == 0) continue;
            uint16 share = uint16((dice >> (16 + 13 * parent)) % (left / 2 + 1));
            left -= share;
            parents[used++] = trainedOn(parent, offerAndBuy(owner, parent, remix(0, share)));
        }
        assembly ("memory-safe") {
            mstore(parents, used)
        }
        assertEq(publish(owner, "asset", parents), id);
    }

    /// @dev What each asset keeps when `amount` is paid to `asset` and everyone pays their parents out of what they get.
    function _hopAfterHop(uint256 asset, uint256 amount) private view returns (uint256[] memory keeps) {
        keeps = new uint256[](asset + 1);
        keeps[asset] = amount;
        // Parents are older: walking down, everything that comes to an asset has come when it is its turn.
        for (uint256 id = asset; id > 0; --id) {
            IAssetRegistry.Edge[] memory parents = registry.parentsOf(id);
            uint256 revenue = keeps[id];
            for (uint256 i = 0; i < parents.length; ++i) {
                uint256 due = revenue * licenses.get(parents[i].license).royaltyBps / 10_000;
                keeps[id] -= due;
                keeps[parents[i].parent] += due;
            }
        }
    }
}
