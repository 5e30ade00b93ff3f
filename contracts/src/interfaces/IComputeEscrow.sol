// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Escrow of compute jobs, in the shape of ERC-8183: client, provider, evaluator.
/// @notice A job is paid by the resource second. The client signs cumulative usage vouchers (EIP-712) while it runs; the
///         provider redeems the highest whenever it likes. Part of what is earned may be held back until the job is
///         complete, and stake of the provider may stand behind it. Each state ends by time alone, and then every wei
///         belongs to somebody who can claim it.
/// @dev Invariant per currency: claimed + claimable + what open jobs hold = paid in.
interface IComputeEscrow {
    /// @notice Disputed is a state of its own here; the others are those of ERC-8183.
    enum Status {
        None,
        Open,
        Funded,
        Submitted,
        Disputed,
        Completed,
        Rejected,
        Expired
    }

    /// @param provider Who does the work.
    /// @param evaluator Judges the work. With `stake`, one that the DAO appointed.
    /// @param currency What is paid in.
    /// @param rate Price of a resource second.
    /// @param budget The most that the job can cost; what the client deposits.
    /// @param stake SAHARA of the provider's pool that stands behind the job.
    /// @param holdbackBps Part of what is earned that is held back until the job is complete. 10,000 and a voucher for
    ///        the whole budget make it a job at a fixed price, all of it judged.
    /// @param expiresAt Until when the provider can submit.
    /// @param spec Hash of the description of the job.
    struct Terms {
        address provider;
        address evaluator;
        IERC20 currency;
        uint96 rate;
        uint96 budget;
        uint96 stake;
        uint16 holdbackBps;
        uint48 expiresAt;
        bytes32 spec;
    }

    /// @param accepted The provider took the job, and its stake is locked.
    /// @param deadline When the present state ends: submission, dispute window or judgment.
    /// @param bond What the client put up with a dispute.
    /// @param resourceSeconds By the highest voucher that was redeemed.
    /// @param deliverable Hash of the signed run manifest.
    struct Job {
        address client;
        Status status;
        bool accepted;
        uint16 holdbackBps;
        uint48 deadline;
        address provider;
        uint96 stake;
        address evaluator;
        uint96 bond;
        IERC20 currency;
        uint96 rate;
        uint96 budget;
        uint64 resourceSeconds;
        bytes32 deliverable;
    }

    /// @notice A client described a job.
    event JobCreated(uint256 indexed jobId, address indexed client, address indexed provider, Terms terms);
    /// @notice The budget is in the escrow.
    event JobFunded(uint256 indexed jobId, address indexed client, uint256 amount);
    /// @notice The provider took the job, with `stake` behind it.
    event JobAccepted(uint256 indexed jobId, address indexed provider, uint256 stake);
    /// @notice A voucher was redeemed: `earned` in all, `released` of it to the provider.
    event UsageSettled(uint256 indexed jobId, uint64 resourceSeconds, uint256 earned, uint256 released);
    /// @notice The client wants to end the job; the provider can submit until `deadline`.
    event JobStopping(uint256 indexed jobId, uint256 deadline);
    /// @notice The work is done.
    /// @param checkpointRoot RFC 6962 tree hash over the hashes of the job's checkpoints.
    /// @param deadline Until when the client can dispute it.
    event JobSubmitted(
        uint256 indexed jobId, address indexed provider, bytes32 deliverable, bytes32 checkpointRoot, uint256 deadline
    );
    /// @notice The client disputes the work; the evaluator has until `deadline`.
    event JobDisputed(uint256 indexed jobId, address indexed client, bytes32 reason, uint256 bond, uint256 deadline);
    /// @notice The job is complete, by the word of `by`: evaluator, client, or anyone after the dispute window.
    event JobCompleted(uint256 indexed jobId, address indexed by, bytes32 reason);
    /// @notice The job ended without being complete, by the word of `by`; `slashed` is of the provider's stake.
    event JobRejected(uint256 indexed jobId, address indexed by, bytes32 reason, uint256 slashed);
    /// @notice Time ended the job.
    event JobExpired(uint256 indexed jobId);
    /// @notice The end of the job gave `amount` to the provider, beyond what was released before.
    event PaymentReleased(uint256 indexed jobId, address indexed provider, uint256 amount);
    /// @notice The end of the job gave `amount` back to the client.
    event Refunded(uint256 indexed jobId, address indexed client, uint256 amount);

    /// @notice Something in the terms cannot be.
    error InvalidTerms(string reason);
    /// @notice The client used that salt before, for this very job.
    error JobExists(uint256 jobId);
    /// @notice The job is not in a state in which this can be done, or the time for it is not now.
    error WrongStatus(uint256 jobId, Status status, uint256 deadline);
    /// @notice That is for somebody else to do.
    error NotYours(uint256 jobId, address caller);
    /// @notice The client expected another budget.
    error BudgetMismatch(uint256 budget, uint256 expected);
    /// @notice A voucher for as much was redeemed before.
    error StaleVoucher(uint256 settled, uint256 given);
    /// @notice The voucher is for more than the job can cost.
    error AboveCap(uint256 amount, uint256 cap);
    /// @notice The client did not sign this.
    error InvalidSignature(address signer);
    /// @notice The DAO did not appoint the evaluator, who therefore has no say over stake.
    error NotAppointed(address evaluator);
    /// @notice More than stands behind the job.
    error SlashTooHigh(uint256 amount, uint256 stake);
    /// @notice The escrow has not got the role that lets it lock stake.
    error NoSlasherRole(address escrow);

    /// @notice Describes a job. Its id follows from the caller and `salt`, so that sending it twice creates it once.
    function createJob(Terms calldata terms, bytes32 salt) external returns (uint256 jobId);
    /// @notice Deposits the budget; only the client.
    function fund(uint256 jobId, uint256 expectedBudget) external;
    /// @notice Takes the job and locks the stake; only the provider.
    function accept(uint256 jobId) external;
    /// @notice Redeems a voucher: `resourceSeconds` in all, signed by the client. Anyone may hand it in.
    function settle(uint256 jobId, uint64 resourceSeconds, bytes calldata signature) external;
    /// @notice Shortens the time to submit to the stop delay; only the client.
    function stop(uint256 jobId) external;
    /// @notice Says that the work is done; only the provider.
    function submit(uint256 jobId, bytes32 deliverable, bytes32 checkpointRoot) external;
    /// @notice Puts up the bond and asks the evaluator to judge; only the client, in the dispute window.
    function dispute(uint256 jobId, bytes32 reason) external;
    /// @notice Ends the job in favor of the provider: the evaluator, the client, or anyone once the dispute window has
    ///         passed in silence. The provider gets what was held back, and the bond of a dispute.
    function complete(uint256 jobId, bytes32 reason) external;
    /// @notice Ends the job in favor of the client: the client before the provider took it, the provider before it
    ///         submitted, the evaluator in its time. The client gets back what was not released, and its bond.
    function reject(uint256 jobId, bytes32 reason) external;
    /// @notice `reject` by an appointed evaluator, who also takes `slashed` of the stake: `compensation` of it goes to the
    ///         client, the rest to the treasury.
    function rejectAndSlash(uint256 jobId, bytes32 reason, uint256 slashed, uint256 compensation) external;
    /// @notice Ends a job by time. Nothing was submitted: the client gets back what was not released. The evaluator kept
    ///         silent in a dispute: the bond goes back, and what was held back is divided evenly. Anyone may.
    function claimRefund(uint256 jobId) external;

    /// @notice The id of the job that `client` creates with `salt`.
    function jobIdOf(address client, bytes32 salt) external view returns (uint256);
    /// @notice Everything known of a job; `Status.None` for an unknown one.
    function getJob(uint256 jobId) external view returns (Job memory);
    /// @notice What the client signs: EIP-712 `UsageVoucher(uint256 jobId,uint64 resourceSeconds)`.
    function voucherDigest(uint256 jobId, uint64 resourceSeconds) external view returns (bytes32);
}
