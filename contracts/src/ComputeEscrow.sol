// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {IComputeEscrow} from "./interfaces/IComputeEscrow.sol";
import {IProtocolParameters} from "./interfaces/IProtocolParameters.sol";
import {IStaking, Pools} from "./interfaces/IStaking.sol";
import {PullPayments} from "./PullPayments.sol";
import {ExactTransfer} from "./libraries/ExactTransfer.sol";
import {Roles} from "./libraries/Roles.sol";

/// @title Escrow of compute jobs, in the shape of ERC-8183: client, provider, evaluator.
/// @dev Specified in `IComputeEscrow`.
contract ComputeEscrow is IComputeEscrow, PullPayments, EIP712 {
    using ExactTransfer for IERC20;

    uint256 private constant BPS = 10_000;
    /// @notice A dispute's bond, in basis points of the budget.
    uint256 public constant BOND_BPS = 500;
    /// @notice The longest time to submit, so that stake is never locked for longer.
    uint48 public constant MAX_DURATION = 90 days;
    bytes32 private constant VOUCHER = keccak256("UsageVoucher(uint256 jobId,uint64 resourceSeconds)");

    IAccessManager public immutable ACCESS;
    IStaking public immutable STAKING;
    /// @notice Seconds in which the client can dispute what was submitted.
    uint48 public immutable DISPUTE_WINDOW;
    /// @notice Seconds in which the evaluator can judge a dispute.
    uint48 public immutable JUDGMENT_PERIOD;
    /// @notice Seconds that the provider has to submit once the client wants to stop.
    uint48 public immutable STOP_DELAY;

    mapping(uint256 jobId => Job) private _jobs;

    /// @param access Says who may slash and who may judge; it must have given this contract the slasher's role.
    constructor(
        IAccessManager access,
        IStaking staking,
        IProtocolParameters parameters,
        uint48 disputeWindow,
        uint48 judgmentPeriod,
        uint48 stopDelay
    ) PullPayments(parameters) EIP712("Sahara ComputeEscrow", "1") {
        (bool slasher,) = access.canCall(address(this), address(staking), IStaking.slash.selector);
        if (!slasher) revert NoSlasherRole(address(this));
        (ACCESS, STAKING) = (access, staking);
        (DISPUTE_WINDOW, JUDGMENT_PERIOD, STOP_DELAY) = (disputeWindow, judgmentPeriod, stopDelay);
    }

    /* ----------------------------------------------------------------- before the work */

    /// @inheritdoc IComputeEscrow
    function createJob(Terms calldata terms, bytes32 salt) external returns (uint256 jobId) {
        _check(terms);
        jobId = jobIdOf(msg.sender, salt);
        Job storage job = _jobs[jobId];
        if (job.status != Status.None) revert JobExists(jobId);
        (job.client, job.status) = (msg.sender, Status.Open);
        (job.holdbackBps, job.deadline) = (terms.holdbackBps, terms.expiresAt);
        (job.provider, job.stake) = (terms.provider, terms.stake);
        job.evaluator = terms.evaluator;
        job.currency = terms.currency;
        (job.rate, job.budget) = (terms.rate, terms.budget);
        emit JobCreated(jobId, msg.sender, terms.provider, terms);
    }

    /// @inheritdoc IComputeEscrow
    function fund(uint256 jobId, uint256 expectedBudget) external nonReentrant {
        Job storage job = _before(jobId, Status.Open);
        _only(jobId, job.client);
        if (job.budget != expectedBudget) revert BudgetMismatch(job.budget, expectedBudget);
        _requireAllowed(job.currency);
        job.status = Status.Funded;
        emit JobFunded(jobId, msg.sender, expectedBudget);
        job.currency.collect(expectedBudget);
    }

    /// @inheritdoc IComputeEscrow
    function accept(uint256 jobId) external nonReentrant {
        Job storage job = _before(jobId, Status.Funded);
        _only(jobId, job.provider);
        if (job.accepted) revert WrongStatus(jobId, job.status, job.deadline);
        job.accepted = true;
        emit JobAccepted(jobId, msg.sender, job.stake);
        if (job.stake != 0) {
            _requireAppointed(job.evaluator);
            STAKING.lock(Pools.PROVIDER, job.provider, job.stake, bytes32(jobId));
        }
    }

    /* ----------------------------------------------------------------- the work */

    /// @inheritdoc IComputeEscrow
    function settle(uint256 jobId, uint64 resourceSeconds, bytes calldata signature) external nonReentrant {
        Job storage job = _jobs[jobId];
        if (!job.accepted || job.status > Status.Disputed) revert WrongStatus(jobId, job.status, job.deadline);
        if (resourceSeconds <= job.resourceSeconds) revert StaleVoucher(job.resourceSeconds, resourceSeconds);
        uint256 earned = uint256(resourceSeconds) * job.rate;
        if (earned > job.budget) revert AboveCap(earned, job.budget);
        if (!SignatureChecker.isValidSignatureNowCalldata(job.client, voucherDigest(jobId, resourceSeconds), signature))
        {
            revert InvalidSignature(job.client);
        }
        uint256 before = _releasedOf(job);
        job.resourceSeconds = resourceSeconds;
        uint256 released = _releasedOf(job);
        emit UsageSettled(jobId, resourceSeconds, earned, released);
        _credit(job.provider, job.currency, released - before);
    }

    /// @inheritdoc IComputeEscrow
    function stop(uint256 jobId) external {
        Job storage job = _before(jobId, Status.Funded);
        _only(jobId, job.client);
        uint48 deadline = uint48(block.timestamp) + STOP_DELAY;
        if (deadline < job.deadline) job.deadline = deadline;
        emit JobStopping(jobId, job.deadline);
    }

    /// @inheritdoc IComputeEscrow
    function submit(uint256 jobId, bytes32 deliverable, bytes32 checkpointRoot) external {
        Job storage job = _before(jobId, Status.Funded);
        _only(jobId, job.provider);
        if (!job.accepted) revert WrongStatus(jobId, job.status, job.deadline);
        uint48 deadline = uint48(block.timestamp) + DISPUTE_WINDOW;
        (job.status, job.deadline, job.deliverable) = (Status.Submitted, deadline, deliverable);
        emit JobSubmitted(jobId, msg.sender, deliverable, checkpointRoot, deadline);
    }

    /* ----------------------------------------------------------------- the end */

    /// @inheritdoc IComputeEscrow
    function dispute(uint256 jobId, bytes32 reason) external nonReentrant {
        Job storage job = _before(jobId, Status.Submitted);
        _only(jobId, job.client);
        uint96 bond = uint96(job.budget * BOND_BPS / BPS);
        uint48 deadline = uint48(block.timestamp) + JUDGMENT_PERIOD;
        (job.status, job.deadline, job.bond) = (Status.Disputed, deadline, bond);
        emit JobDisputed(jobId, msg.sender, reason, bond, deadline);
        job.currency.collect(bond);
    }

    /// @inheritdoc IComputeEscrow
    function complete(uint256 jobId, bytes32 reason) external nonReentrant {
        Job storage job = _jobs[jobId];
        bool submitted = job.status == Status.Submitted;
        if (!submitted && job.status != Status.Disputed) revert WrongStatus(jobId, job.status, job.deadline);
        bool inTime = block.timestamp < job.deadline;
        bool may = msg.sender == job.client || (inTime ? msg.sender == job.evaluator : submitted);
        if (!may) revert NotYours(jobId, msg.sender);
        emit JobCompleted(jobId, msg.sender, reason);
        _finish(jobId, job, Status.Completed, _heldOf(job) + job.bond);
        _unlock(jobId, job, job.stake);
    }

    /// @inheritdoc IComputeEscrow
    function reject(uint256 jobId, bytes32 reason) external nonReentrant {
        Job storage job = _jobs[jobId];
        if (!_mayReject(job)) revert NotYours(jobId, msg.sender);
        emit JobRejected(jobId, msg.sender, reason, 0);
        _finish(jobId, job, Status.Rejected, 0);
        _unlock(jobId, job, job.stake);
    }

    /// @inheritdoc IComputeEscrow
    function rejectAndSlash(uint256 jobId, bytes32 reason, uint256 slashed, uint256 compensation)
        external
        nonReentrant
    {
        Job storage job = _jobs[jobId];
        if (!job.accepted || !_mayJudge(job)) revert NotYours(jobId, msg.sender);
        if (slashed > job.stake) revert SlashTooHigh(slashed, job.stake);
        _requireAppointed(msg.sender);
        emit JobRejected(jobId, msg.sender, reason, slashed);
        _finish(jobId, job, Status.Rejected, 0);
        _unlock(jobId, job, job.stake - slashed);
        STAKING.slash(Pools.PROVIDER, job.provider, slashed, job.client, compensation, bytes32(jobId));
    }

    /// @inheritdoc IComputeEscrow
    function claimRefund(uint256 jobId) external nonReentrant {
        Job storage job = _jobs[jobId];
        bool disputed = job.status == Status.Disputed;
        if ((!disputed && job.status != Status.Funded) || block.timestamp < job.deadline) {
            revert WrongStatus(jobId, job.status, job.deadline);
        }
        emit JobExpired(jobId);
        _finish(jobId, job, Status.Expired, disputed ? _heldOf(job) / 2 : 0);
        _unlock(jobId, job, job.stake);
    }

    /* ----------------------------------------------------------------- views */

    /// @inheritdoc IComputeEscrow
    function jobIdOf(address client, bytes32 salt) public pure returns (uint256) {
        return uint256(keccak256(abi.encode(client, salt)));
    }

    /// @inheritdoc IComputeEscrow
    function getJob(uint256 jobId) external view returns (Job memory) {
        return _jobs[jobId];
    }

    /// @inheritdoc IComputeEscrow
    function voucherDigest(uint256 jobId, uint64 resourceSeconds) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(VOUCHER, jobId, resourceSeconds)));
    }

    /* ----------------------------------------------------------------- inside */

    /// @dev The books of a job are closed once: what it holds is divided between the two, and its status is an end.
    function _finish(uint256 jobId, Job storage job, Status status, uint256 toProvider) private {
        uint256 toClient = job.status == Status.Open ? 0 : job.budget + job.bond - _releasedOf(job) - toProvider;
        job.status = status;
        _credit(job.provider, job.currency, toProvider);
        _credit(job.client, job.currency, toClient);
        if (toProvider != 0) emit PaymentReleased(jobId, job.provider, toProvider);
        if (toClient != 0) emit Refunded(jobId, job.client, toClient);
    }

    function _unlock(uint256 jobId, Job storage job, uint256 amount) private {
        if (job.accepted && amount != 0) STAKING.unlock(Pools.PROVIDER, job.provider, amount, bytes32(jobId));
    }

    function _check(Terms calldata terms) private view {
        if (terms.provider == address(0)) revert InvalidTerms("no provider");
        if (terms.evaluator == address(0)) revert InvalidTerms("no evaluator");
        if (terms.evaluator == terms.provider) revert InvalidTerms("the provider is the evaluator");
        if (terms.rate == 0 || terms.budget < terms.rate) revert InvalidTerms("the budget buys no second");
        if (terms.holdbackBps > BPS) revert InvalidTerms("more than all is held back");
        if (terms.expiresAt <= block.timestamp) revert InvalidTerms("it has expired");
        if (terms.expiresAt > block.timestamp + MAX_DURATION) revert InvalidTerms("it takes more than 90 days");
        if (terms.stake != 0) _requireAppointed(terms.evaluator);
        _requireAllowed(terms.currency);
    }

    /// @dev A job in `status` whose deadline has not come.
    function _before(uint256 jobId, Status status) private view returns (Job storage job) {
        job = _jobs[jobId];
        if (job.status != status || block.timestamp >= job.deadline) {
            revert WrongStatus(jobId, job.status, job.deadline);
        }
    }

    function _only(uint256 jobId, address account) private view {
        if (msg.sender != account) revert NotYours(jobId, msg.sender);
    }

    function _mayReject(Job storage job) private view returns (bool) {
        if (job.status == Status.Open) return msg.sender == job.client;
        if (job.status == Status.Funded) {
            if (msg.sender == job.provider) return true;
            if (!job.accepted) return msg.sender == job.client;
        }
        return _mayJudge(job);
    }

    function _mayJudge(Job storage job) private view returns (bool) {
        bool open = job.status >= Status.Funded && job.status <= Status.Disputed;
        return open && block.timestamp < job.deadline && msg.sender == job.evaluator;
    }

    function _requireAppointed(address evaluator) private view {
        (bool appointed,) = ACCESS.hasRole(Roles.EVALUATOR, evaluator);
        if (!appointed) revert NotAppointed(evaluator);
    }

    /// @dev What the provider may have of what it earned, whatever becomes of the job.
    function _releasedOf(Job storage job) private view returns (uint256) {
        uint256 earned = uint256(job.resourceSeconds) * job.rate;
        return earned - earned * job.holdbackBps / BPS;
    }

    function _heldOf(Job storage job) private view returns (uint256) {
        return uint256(job.resourceSeconds) * job.rate - _releasedOf(job);
    }
}
