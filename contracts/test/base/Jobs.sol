// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./Lab.sol";
import {Vm} from "forge-std/Vm.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ComputeEscrow} from "../../src/ComputeEscrow.sol";
import {IComputeEscrow} from "../../src/interfaces/IComputeEscrow.sol";
import {Pools} from "../../src/interfaces/IStaking.sol";

/// @dev A client with a key, Bob with stake as provider, and the DAO as evaluator.
abstract contract Jobs is Lab {
    uint96 internal constant RATE = 3;
    uint96 internal constant BUDGET = 3_000;
    uint96 internal constant STAKE = 500;
    uint16 internal constant HOLDBACK = 1_000;

    Vm.Wallet internal client;
    address internal provider;
    address internal evaluator;

    function setUp() public virtual override {
        super.setUp();
        client = vm.createWallet("client");
        (provider, evaluator) = (bob, address(timelock));
        vm.prank(alice);
        token.transfer(client.addr, 5_000 * TOKEN);
        vm.prank(client.addr);
        token.approve(address(escrow), type(uint256).max);
        vm.startPrank(provider);
        token.approve(address(staking), type(uint256).max);
        staking.stake(Pools.PROVIDER, provider, 1_000 * TOKEN);
        vm.stopPrank();
    }

    function jobTerms() internal view returns (IComputeEscrow.Terms memory) {
        return IComputeEscrow.Terms({
            provider: provider,
            evaluator: evaluator,
            currency: IERC20(address(token)),
            rate: RATE,
            budget: BUDGET,
            stake: STAKE,
            holdbackBps: HOLDBACK,
            expiresAt: uint48(block.timestamp + 10 days),
            spec: "spec"
        });
    }

    function created(IComputeEscrow.Terms memory terms, bytes32 salt) internal returns (uint256 jobId) {
        vm.prank(client.addr);
        return escrow.createJob(terms, salt);
    }

    function funded(IComputeEscrow.Terms memory terms) internal returns (uint256 jobId) {
        jobId = created(terms, "salt");
        vm.prank(client.addr);
        escrow.fund(jobId, terms.budget);
    }

    /// @dev A job that runs.
    function running(IComputeEscrow.Terms memory terms) internal returns (uint256 jobId) {
        jobId = funded(terms);
        vm.prank(terms.provider);
        escrow.accept(jobId);
    }

    function running() internal returns (uint256 jobId) {
        return running(jobTerms());
    }

    function submitted(uint64 used) internal returns (uint256 jobId) {
        jobId = running();
        if (used != 0) settle(jobId, used);
        vm.prank(provider);
        escrow.submit(jobId, "manifest", "checkpoints");
    }

    function disputed(uint64 used) internal returns (uint256 jobId) {
        jobId = submitted(used);
        vm.prank(client.addr);
        escrow.dispute(jobId, "wrong");
    }

    function voucher(uint256 jobId, uint64 used) internal returns (bytes memory) {
        return signed(client, escrow.voucherDigest(jobId, used));
    }

    function signed(Vm.Wallet memory who, bytes32 digest) internal returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(who, digest);
        return abi.encodePacked(r, s, v);
    }

    function settle(uint256 jobId, uint64 used) internal {
        escrow.settle(jobId, used, voucher(jobId, used));
    }

    function has(address account) internal view returns (uint256) {
        return escrow.claimable(account, token);
    }

    function statusOf(uint256 jobId) internal view returns (IComputeEscrow.Status) {
        return escrow.getJob(jobId).status;
    }

    function wrongStatus(uint256 jobId) internal view returns (bytes memory) {
        IComputeEscrow.Job memory job = escrow.getJob(jobId);
        return abi.encodeWithSelector(IComputeEscrow.WrongStatus.selector, jobId, job.status, job.deadline);
    }

    function locked() internal view returns (uint256) {
        return staking.lockedBy(Pools.PROVIDER, provider, address(escrow));
    }
}
