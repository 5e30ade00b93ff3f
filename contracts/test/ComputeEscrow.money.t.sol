// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Jobs} from "./base/Jobs.sol";
import {ReentrantToken} from "./helpers/ReentrantToken.sol";
import {SmartWallet} from "./helpers/SmartWallet.sol";
import {TollToken} from "./helpers/TollToken.sol";
import {Vm} from "forge-std/Vm.sol";
import {ComputeEscrow} from "../src/ComputeEscrow.sol";
import {SaharaAccess} from "../src/SaharaAccess.sol";
import {IComputeEscrow} from "../src/interfaces/IComputeEscrow.sol";
import {IPullPayments} from "../src/interfaces/IPullPayments.sol";
import {ExactTransfer} from "../src/libraries/ExactTransfer.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @dev Vouchers, currencies, and sums.
contract ComputeEscrowMoneyTest is Jobs {
    /* ----------------------------------------------------------------- vouchers */

    function test_a_voucher_is_what_the_specification_says() public view {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Sahara ComputeEscrow"),
                keccak256("1"),
                block.chainid,
                address(escrow)
            )
        );
        bytes32 message =
            keccak256(abi.encode(keccak256("UsageVoucher(uint256 jobId,uint64 resourceSeconds)"), 7, uint64(60)));
        assertEq(escrow.voucherDigest(7, 60), keccak256(abi.encodePacked(hex"1901", domain, message)));
    }

    function test_vouchers_only_grow() public {
        uint256 jobId = running();
        settle(jobId, 100);
        bytes memory same = voucher(jobId, 100);
        bytes memory lower = voucher(jobId, 99);
        vm.expectRevert(abi.encodeWithSelector(IComputeEscrow.StaleVoucher.selector, 100, 100));
        escrow.settle(jobId, 100, same);
        vm.expectRevert(abi.encodeWithSelector(IComputeEscrow.StaleVoucher.selector, 100, 99));
        escrow.settle(jobId, 99, lower);
    }

    function test_no_voucher_beyond_the_budget() public {
        uint256 jobId = running();
        bytes memory above = voucher(jobId, 1_001);
        vm.expectRevert(abi.encodeWithSelector(IComputeEscrow.AboveCap.selector, 3_003, BUDGET));
        escrow.settle(jobId, 1_001, above);
        bytes memory most = voucher(jobId, type(uint64).max);
        vm.expectPartialRevert(IComputeEscrow.AboveCap.selector);
        escrow.settle(jobId, type(uint64).max, most);
        settle(jobId, 1_000);
    }

    function test_no_voucher_of_another_job_contract_chain_or_signer() public {
        uint256 jobId = running();
        uint256 other = created(jobTerms(), "another");
        ComputeEscrow twin = _twin(parameters.treasury());
        bytes memory refusal = abi.encodeWithSelector(IComputeEscrow.InvalidSignature.selector, client.addr);
        bytes[5] memory bad;
        bad[0] = voucher(other, 100);
        bad[1] = signed(client, twin.voucherDigest(jobId, 100));
        bad[2] = signed(vm.createWallet("somebody else"), escrow.voucherDigest(jobId, 100));
        vm.chainId(1);
        bad[3] = voucher(jobId, 100);
        vm.chainId(31_337);
        bad[4] = new bytes(65);
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.expectRevert(refusal);
            escrow.settle(jobId, 100, bad[i]);
        }
        settle(jobId, 100);
    }

    function test_a_signature_has_one_form() public {
        uint256 jobId = running();
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(client, escrow.voucherDigest(jobId, 100));
        uint256 order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        bytes memory mirrored = abi.encodePacked(r, bytes32(order - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        vm.expectPartialRevert(IComputeEscrow.InvalidSignature.selector);
        escrow.settle(jobId, 100, mirrored);
    }

    function test_vouchers_count_only_once_the_provider_took_the_job() public {
        uint256 jobId = funded(jobTerms());
        bytes memory early = voucher(jobId, 100);
        vm.expectRevert(wrongStatus(jobId));
        escrow.settle(jobId, 100, early);
    }

    function test_a_client_may_be_a_contract() public {
        Vm.Wallet memory key = vm.createWallet("owner of a wallet");
        SmartWallet wallet = new SmartWallet(key.addr);
        vm.prank(alice);
        token.transfer(address(wallet), BUDGET);
        wallet.execute(address(token), abi.encodeCall(token.approve, (address(escrow), BUDGET)));
        wallet.execute(address(escrow), abi.encodeCall(escrow.createJob, (jobTerms(), "salt")));
        uint256 jobId = escrow.jobIdOf(address(wallet), "salt");
        wallet.execute(address(escrow), abi.encodeCall(escrow.fund, (jobId, BUDGET)));
        vm.prank(provider);
        escrow.accept(jobId);
        escrow.settle(jobId, 100, signed(key, escrow.voucherDigest(jobId, 100)));
        bytes memory foreign = voucher(jobId, 200);
        vm.expectRevert(abi.encodeWithSelector(IComputeEscrow.InvalidSignature.selector, address(wallet)));
        escrow.settle(jobId, 200, foreign);
        bytes memory revoked = signed(key, escrow.voucherDigest(jobId, 200));
        wallet.setOwner(carol);
        vm.expectRevert(abi.encodeWithSelector(IComputeEscrow.InvalidSignature.selector, address(wallet)));
        escrow.settle(jobId, 200, revoked);
    }

    /* ----------------------------------------------------------------- currencies */

    function test_a_currency_that_keeps_a_part_is_refused() public {
        TollToken toll = new TollToken();
        uint256 jobId = _created(toll);
        vm.prank(client.addr);
        vm.expectRevert(abi.encodeWithSelector(ExactTransfer.WrongAmountReceived.selector, toll, 2_970, BUDGET));
        escrow.fund(jobId, BUDGET);
    }

    function test_a_currency_of_nobodys_choice_is_refused() public {
        IComputeEscrow.Terms memory terms = jobTerms();
        terms.currency = new ReentrantToken();
        vm.expectRevert(abi.encodeWithSelector(IPullPayments.CurrencyNotAllowed.selector, terms.currency));
        created(terms, "salt");
        uint256 jobId = created(jobTerms(), "salt");
        vm.prank(address(timelock));
        parameters.setCurrency(token, false);
        vm.prank(client.addr);
        vm.expectRevert(abi.encodeWithSelector(IPullPayments.CurrencyNotAllowed.selector, token));
        escrow.fund(jobId, BUDGET);
    }

    function test_a_currency_that_calls_back_finds_every_door_closed() public {
        ReentrantToken hostile = new ReentrantToken();
        uint256 jobId = _created(hostile);
        bytes[6] memory calls = [
            abi.encodeCall(escrow.fund, (jobId, BUDGET)),
            abi.encodeCall(escrow.claim, (hostile, mallory)),
            abi.encodeCall(escrow.reject, (jobId, "")),
            abi.encodeCall(escrow.complete, (jobId, "")),
            abi.encodeCall(escrow.claimRefund, (jobId)),
            abi.encodeCall(escrow.settle, (jobId, 1, ""))
        ];
        uint256 before = vm.snapshotState();
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.revertToState(before);
            hostile.arm(address(escrow), calls[i]);
            vm.prank(client.addr);
            escrow.fund(jobId, BUDGET);
            assertTrue(hostile.tried());
            assertEq(bytes4(hostile.answer()), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        }
        vm.prank(client.addr);
        escrow.reject(jobId, "");
        hostile.arm(address(escrow), calls[1]);
        vm.prank(client.addr);
        escrow.claim(hostile, client.addr);
        assertTrue(hostile.tried());
        assertFalse(hostile.succeeded());
        assertEq(hostile.balanceOf(address(escrow)), 0);
    }

    /* ----------------------------------------------------------------- sums */

    /// @dev Any terms, any two vouchers, any ending: what came in goes out, to the two and nobody else.
    function testFuzz_what_comes_in_goes_out(
        uint96 rate,
        uint96 seconds_,
        uint16 holdback,
        uint64 first,
        uint64 second,
        uint8 ending
    ) public {
        IComputeEscrow.Terms memory terms = jobTerms();
        terms.rate = uint96(bound(rate, 1, 1e12));
        terms.budget = uint96(terms.rate * bound(seconds_, 1, 1e9) + bound(first, 0, 1e12));
        terms.holdbackBps = uint16(bound(holdback, 0, 10_000));
        uint256 most = terms.budget / terms.rate;
        second = uint64(bound(second, 1, most));
        uint256 had = token.balanceOf(client.addr);
        uint256 providerHad = token.balanceOf(provider);
        uint256 jobId = running(terms);
        first = uint64(bound(first, 0, second - 1));
        if (first != 0) settle(jobId, first);
        settle(jobId, second);
        uint256 earned = uint256(second) * terms.rate;
        uint256 released = earned - earned * terms.holdbackBps / 10_000;
        assertEq(has(provider), released, "however many vouchers it took");
        uint256 toProvider = _end(jobId, ending % 8, released, earned, terms.budget);
        assertEq(has(provider), toProvider);
        if (toProvider != 0) {
            vm.prank(provider);
            escrow.claim(token, provider);
        }
        if (has(client.addr) != 0) {
            vm.prank(client.addr);
            escrow.claim(token, client.addr);
        }
        assertEq(token.balanceOf(address(escrow)), 0, "nothing stays behind");
        assertEq(token.balanceOf(provider), providerHad + toProvider);
        assertEq(token.balanceOf(client.addr), had - toProvider);
        assertEq(locked(), 0);
    }

    /// @dev Ends the job in one of all ways; what the provider has then.
    function _end(uint256 jobId, uint256 ending, uint256 released, uint256 earned, uint256 budget)
        private
        returns (uint256)
    {
        uint256 bond = budget * 500 / 10_000;
        if (ending == 0) {
            skip(10 days);
            escrow.claimRefund(jobId);
            return released;
        }
        if (ending == 1) {
            vm.prank(provider);
            escrow.reject(jobId, "");
            return released;
        }
        vm.prank(provider);
        escrow.submit(jobId, "manifest", "");
        if (ending == 2) {
            vm.prank(client.addr);
            escrow.complete(jobId, "");
            return earned;
        }
        if (ending == 3) {
            skip(DISPUTE_WINDOW);
            escrow.complete(jobId, "");
            return earned;
        }
        if (ending == 4) {
            vm.prank(evaluator);
            escrow.reject(jobId, "");
            return released;
        }
        vm.prank(client.addr);
        escrow.dispute(jobId, "");
        if (ending == 5) {
            vm.prank(evaluator);
            escrow.complete(jobId, "");
            return earned + bond;
        }
        if (ending == 6) {
            vm.prank(evaluator);
            escrow.rejectAndSlash(jobId, "", STAKE, 0);
            return released;
        }
        skip(JUDGMENT_PERIOD);
        escrow.claimRefund(jobId);
        return released + (earned - released) / 2;
    }

    function _created(ReentrantToken currency) private returns (uint256) {
        return _createdIn(address(currency));
    }

    function _created(TollToken currency) private returns (uint256) {
        return _createdIn(address(currency));
    }

    function _createdIn(address currency) private returns (uint256 jobId) {
        IComputeEscrow.Terms memory terms = jobTerms();
        terms.currency = ReentrantToken(currency);
        vm.prank(address(timelock));
        parameters.setCurrency(terms.currency, true);
        terms.currency.transfer(client.addr, 10_000);
        vm.prank(client.addr);
        terms.currency.approve(address(escrow), type(uint256).max);
        return created(terms, "salt");
    }

    function _twin(address dao) private returns (ComputeEscrow) {
        address at = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        SaharaAccess other =
            new SaharaAccess(dao, address(parameters), address(keyServers), address(directory), address(staking), at);
        return new ComputeEscrow(other, staking, parameters, DISPUTE_WINDOW, JUDGMENT_PERIOD, STOP_DELAY);
    }
}
