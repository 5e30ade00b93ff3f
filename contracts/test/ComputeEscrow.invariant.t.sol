// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Jobs} from "./base/Jobs.sol";
import {Test} from "forge-std/Test.sol";
import {Vm} from "forge-std/Vm.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ComputeEscrow} from "../src/ComputeEscrow.sol";
import {Staking} from "../src/Staking.sol";
import {IComputeEscrow} from "../src/interfaces/IComputeEscrow.sol";
import {Pools} from "../src/interfaces/IStaking.sol";

/// @dev Anybody tries anything on any job, in any order; what is refused is refused.
contract EscrowHandler is Test {
    ComputeEscrow private immutable ESCROW;
    Staking private immutable STAKING;
    IERC20 private immutable CURRENCY;
    address private immutable DAO;
    Vm.Wallet[] private _clients;
    address[] public providers;
    uint256[] public jobs;

    uint256 public paidIn;
    uint256 public paidOut;
    mapping(bytes32 step => uint256) public done;

    constructor(
        ComputeEscrow escrow,
        Staking staking,
        IERC20 currency,
        address dao,
        Vm.Wallet[] memory clients,
        address[] memory providers_
    ) {
        (ESCROW, STAKING, CURRENCY, DAO, providers) = (escrow, staking, currency, dao, providers_);
        for (uint256 i = 0; i < clients.length; ++i) {
            _clients.push(clients[i]);
        }
    }

    function create(uint256 who, uint256 to, uint96 rate, uint96 budget, uint96 stake, uint16 holdback, uint48 time)
        external
    {
        if (jobs.length == 8) return;
        IComputeEscrow.Terms memory terms;
        terms.provider = providers[to % providers.length];
        (terms.evaluator, terms.currency) = (DAO, CURRENCY);
        terms.rate = uint96(bound(rate, 1, 1e15));
        terms.budget = uint96(bound(budget, terms.rate, 1e18));
        terms.stake = uint96(bound(stake, 0, 400e18));
        terms.holdbackBps = uint16(bound(holdback, 0, 10_000));
        terms.expiresAt = uint48(block.timestamp + bound(time, 1 hours, 90 days));
        address client = _clients[who % _clients.length].addr;
        vm.startPrank(client);
        uint256 jobId = ESCROW.createJob(terms, bytes32(jobs.length));
        jobs.push(jobId);
        ESCROW.fund(jobId, terms.budget);
        vm.stopPrank();
        paidIn += terms.budget;
        // Most are taken, so that the calls that follow find jobs that run.
        if (stake % 4 == 0) return;
        vm.prank(terms.provider);
        try ESCROW.accept(jobId) {
            ++done["accepted"];
        } catch {}
    }

    function settle(uint256 which, uint64 used) external {
        if (jobs.length == 0) return;
        uint256 jobId = jobs[which % jobs.length];
        IComputeEscrow.Job memory job = ESCROW.getJob(jobId);
        used = uint64(bound(used, 0, job.budget / job.rate + 1));
        bytes32 digest = ESCROW.voucherDigest(jobId, used);
        for (uint256 i = 0; i < _clients.length; ++i) {
            if (_clients[i].addr != job.client) continue;
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(_clients[i], digest);
            try ESCROW.settle(jobId, used, abi.encodePacked(r, s, v)) {
                ++done["settled"];
            } catch {}
        }
    }

    /// @dev The two do what they would: the provider submits, and the client may dispute it.
    function progress(uint256 which, bool disputes) external {
        if (jobs.length == 0) return;
        uint256 jobId = jobs[which % jobs.length];
        IComputeEscrow.Job memory job = ESCROW.getJob(jobId);
        if (!job.accepted || block.timestamp >= job.deadline) return;
        if (job.status == IComputeEscrow.Status.Funded) {
            vm.prank(job.provider);
            ESCROW.submit(jobId, "manifest", "root");
        } else if (job.status == IComputeEscrow.Status.Submitted && disputes) {
            vm.prank(job.client);
            ESCROW.dispute(jobId, "");
            paidIn += ESCROW.getJob(jobId).bond;
            ++done["disputed"];
        }
    }

    /// @dev One of the job's own, or a stranger, takes a step.
    function step(uint256 which, uint8 who, uint8 what, uint96 amount, uint48 patience) external {
        if (jobs.length == 0) return;
        skip(bound(patience, 0, 4 hours));
        uint256 jobId = jobs[which % jobs.length];
        IComputeEscrow.Job memory job = ESCROW.getJob(jobId);
        address[5] memory actors = [job.client, job.provider, DAO, job.client, address(0xbad)];
        bytes[8] memory calls = [
            abi.encodeCall(ESCROW.submit, (jobId, "manifest", "root")),
            abi.encodeCall(ESCROW.dispute, (jobId, "")),
            abi.encodeCall(ESCROW.complete, (jobId, "")),
            abi.encodeCall(ESCROW.reject, (jobId, "")),
            abi.encodeCall(ESCROW.rejectAndSlash, (jobId, "", bound(amount, 0, job.stake), 0)),
            abi.encodeCall(ESCROW.claimRefund, (jobId)),
            abi.encodeCall(ESCROW.stop, (jobId)),
            abi.encodeCall(ESCROW.accept, (jobId))
        ];
        uint256 had = CURRENCY.balanceOf(address(ESCROW));
        vm.prank(actors[who % 5]);
        (bool moved,) = address(ESCROW).call(calls[what % 8]);
        if (!moved) return;
        paidIn += CURRENCY.balanceOf(address(ESCROW)) - had; // the bond of a dispute
        ++done[bytes32(uint256(ESCROW.getJob(jobId).status))];
    }

    function claim(uint256 who) external {
        uint256 people = _clients.length + providers.length;
        who = who % people;
        address account = who < _clients.length ? _clients[who].addr : providers[who - _clients.length];
        uint256 amount = ESCROW.claimable(account, CURRENCY);
        if (amount == 0) return;
        vm.prank(account);
        ESCROW.claim(CURRENCY, account);
        paidOut += amount;
    }

    /// @dev Providers try to get away with what stands behind their jobs.
    function leave(uint256 who, uint104 shares, uint48 patience) external {
        address provider = providers[who % providers.length];
        vm.startPrank(provider);
        try STAKING.unstake(Pools.PROVIDER, provider, shares % 300e18) {} catch {}
        skip(bound(patience, 0, 10 days));
        try STAKING.withdraw(Pools.PROVIDER, provider) {
            ++done["left"];
        } catch {}
        vm.stopPrank();
    }

    function count() external view returns (uint256) {
        return jobs.length;
    }
}

contract ComputeEscrowInvariantTest is Jobs {
    EscrowHandler internal handler;
    address[] internal clients;
    address[] internal providers;

    function setUp() public override {
        super.setUp();
        Vm.Wallet[] memory wallets = new Vm.Wallet[](2);
        (wallets[0], wallets[1]) = (client, vm.createWallet("second client"));
        clients = [client.addr, wallets[1].addr];
        providers = [bob, carol];
        vm.prank(alice);
        token.transfer(wallets[1].addr, 1_000 * TOKEN);
        vm.prank(wallets[1].addr);
        token.approve(address(escrow), type(uint256).max);
        vm.startPrank(carol);
        token.approve(address(staking), type(uint256).max);
        staking.stake(Pools.PROVIDER, carol, 500 * TOKEN);
        vm.stopPrank();
        handler = new EscrowHandler(escrow, staking, token, address(timelock), wallets, providers);
        targetContract(address(handler));
    }

    /// @dev One campaign for all three: each would play the same games again.
    function invariant_books_balance_and_stake_covers_and_budgets_hold() public view {
        _the_escrow_holds_what_it_owes();
        _stake_covers_every_job_that_it_stands_behind();
        _nobody_is_paid_more_than_the_budget();
    }

    function _the_escrow_holds_what_it_owes() private view {
        uint256 owed;
        for (uint256 i = 0; i < handler.count(); ++i) {
            owed += _heldBy(escrow.getJob(handler.jobs(i)));
        }
        for (uint256 i = 0; i < 2; ++i) {
            owed += has(clients[i]) + has(providers[i]);
        }
        assertEq(token.balanceOf(address(escrow)), owed);
        assertEq(handler.paidIn(), handler.paidOut() + owed);
    }

    function _stake_covers_every_job_that_it_stands_behind() private view {
        for (uint256 i = 0; i < providers.length; ++i) {
            uint256 behind;
            for (uint256 j = 0; j < handler.count(); ++j) {
                IComputeEscrow.Job memory job = escrow.getJob(handler.jobs(j));
                bool open = job.accepted && job.status <= IComputeEscrow.Status.Disputed;
                if (open && job.provider == providers[i]) behind += job.stake;
            }
            assertEq(staking.lockedBy(Pools.PROVIDER, providers[i], address(escrow)), behind);
            assertLe(behind, staking.poolOf(Pools.PROVIDER, providers[i]).assets);
        }
    }

    function _nobody_is_paid_more_than_the_budget() private view {
        for (uint256 i = 0; i < handler.count(); ++i) {
            IComputeEscrow.Job memory job = escrow.getJob(handler.jobs(i));
            assertLe(uint256(job.resourceSeconds) * job.rate, job.budget);
        }
    }

    /// @dev Whatever happened: once enough time has passed, one side alone gets everything moving.
    function afterInvariant() public {
        uint256 reached = vm.snapshotState();
        _endsAlone(clients[0]);
        vm.revertToState(reached);
        _endsAlone(providers[0]);
        vm.revertToState(reached);
        _endsAlone(mallory);
    }

    function _endsAlone(address honest) private {
        skip(90 days);
        vm.startPrank(honest);
        for (uint256 i = 0; i < handler.count(); ++i) {
            uint256 jobId = handler.jobs(i);
            IComputeEscrow.Status status = statusOf(jobId);
            if (status == IComputeEscrow.Status.Submitted) escrow.complete(jobId, "");
            if (status == IComputeEscrow.Status.Funded || status == IComputeEscrow.Status.Disputed) {
                escrow.claimRefund(jobId);
            }
            assertGt(uint8(statusOf(jobId)), uint8(IComputeEscrow.Status.Disputed), "every job has ended");
        }
        vm.stopPrank();
        for (uint256 i = 0; i < 2; ++i) {
            assertEq(staking.lockedBy(Pools.PROVIDER, providers[i], address(escrow)), 0, "all stake is free");
            _claimAll(clients[i]);
            _claimAll(providers[i]);
        }
        assertEq(token.balanceOf(address(escrow)), 0, "and nothing stays behind");
    }

    function _claimAll(address account) private {
        if (has(account) == 0) return;
        vm.prank(account);
        escrow.claim(token, account);
    }

    function _heldBy(IComputeEscrow.Job memory job) private pure returns (uint256) {
        if (job.status < IComputeEscrow.Status.Funded || job.status > IComputeEscrow.Status.Disputed) return 0;
        uint256 earned = uint256(job.resourceSeconds) * job.rate;
        return job.budget + job.bond - (earned - earned * job.holdbackBps / 10_000);
    }
}
