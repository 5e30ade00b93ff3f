// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorPreventLateQuorum} from "@openzeppelin/contracts/governance/extensions/GovernorPreventLateQuorum.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {GovernorTimelockControl} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockControl.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {
    GovernorVotesQuorumFraction
} from "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";

import {SaharaTimelock} from "./SaharaTimelock.sol";

/// @title The DAO: proposals and votes of SAHARA holders, carried out by the timelock.
/// @notice Times are seconds of block time. Settings can be voted only inside bounds, so that no vote, captured or
///         mistaken, makes the next one impossible.
contract SaharaGovernor is
    GovernorSettings,
    GovernorCountingSimple,
    GovernorVotes,
    GovernorVotesQuorumFraction,
    GovernorPreventLateQuorum,
    GovernorTimelockControl
{
    uint48 public constant MAX_VOTING_DELAY = 30 days;
    uint32 public constant MIN_VOTING_PERIOD = 1 minutes;
    uint32 public constant MAX_VOTING_PERIOD = 30 days;
    /// @notice Largest stake that may be asked of a proposer: 1 % of the supply.
    uint256 public constant MAX_THRESHOLD_PERCENT = 1;
    uint256 public constant MIN_QUORUM_PERCENT = 1;
    uint256 public constant MAX_QUORUM_PERCENT = 20;

    error SettingOutOfBounds(bytes32 setting, uint256 given, uint256 minimum, uint256 maximum);
    error TimelockIsFixed();
    error WrongWiring(address timelock);

    /// @param votingDelay Seconds between a proposal and the start of its vote.
    /// @param votingPeriod Seconds a vote lasts.
    /// @param lateQuorumExtension Seconds that remain at least once the quorum is reached.
    constructor(
        IVotes token,
        TimelockController timelock,
        uint48 votingDelay,
        uint32 votingPeriod,
        uint48 lateQuorumExtension
    )
        Governor("SaharaGovernor")
        GovernorSettings(votingDelay, votingPeriod, 0)
        GovernorVotes(token)
        GovernorVotesQuorumFraction(4)
        GovernorPreventLateQuorum(lateQuorumExtension)
        GovernorTimelockControl(timelock)
    {
        if (!timelock.hasRole(timelock.PROPOSER_ROLE(), address(this))) {
            revert WrongWiring(address(timelock));
        }
    }

    /// @notice The timelock owns everything, so a governor without it would govern nothing: it cannot be changed.
    function updateTimelock(TimelockController) public pure override {
        revert TimelockIsFixed();
    }

    /* ----------------------------------------------------------------- bounds */

    function _setVotingDelay(uint48 value) internal override {
        _check("votingDelay", value, 0, MAX_VOTING_DELAY);
        super._setVotingDelay(value);
    }

    function _setVotingPeriod(uint32 value) internal override {
        _check("votingPeriod", value, MIN_VOTING_PERIOD, MAX_VOTING_PERIOD);
        super._setVotingPeriod(value);
    }

    function _setProposalThreshold(uint256 value) internal override {
        if (value != 0) {
            uint256 supply = token().getPastTotalSupply(clock() - 1);
            _check("proposalThreshold", value, 0, supply * MAX_THRESHOLD_PERCENT / 100);
        }
        super._setProposalThreshold(value);
    }

    function _updateQuorumNumerator(uint256 value) internal override {
        _check("quorumNumerator", value, MIN_QUORUM_PERCENT, MAX_QUORUM_PERCENT);
        super._updateQuorumNumerator(value);
    }

    function _check(bytes32 setting, uint256 given, uint256 minimum, uint256 maximum) private pure {
        if (given < minimum || given > maximum) revert SettingOutOfBounds(setting, given, minimum, maximum);
    }

    /* ----------------------------------------------------------------- joints of the extensions */

    /// @inheritdoc Governor
    function state(uint256 proposalId) public view override(Governor, GovernorTimelockControl) returns (ProposalState) {
        return super.state(proposalId);
    }

    /// @inheritdoc Governor
    function proposalThreshold() public view override(Governor, GovernorSettings) returns (uint256) {
        return super.proposalThreshold();
    }

    /// @inheritdoc Governor
    function proposalNeedsQueuing(uint256 proposalId)
        public
        view
        override(Governor, GovernorTimelockControl)
        returns (bool)
    {
        return super.proposalNeedsQueuing(proposalId);
    }

    /// @inheritdoc Governor
    function proposalDeadline(uint256 proposalId)
        public
        view
        override(Governor, GovernorPreventLateQuorum)
        returns (uint256)
    {
        return super.proposalDeadline(proposalId);
    }

    function _tallyUpdated(uint256 proposalId) internal override(Governor, GovernorPreventLateQuorum) {
        super._tallyUpdated(proposalId);
    }

    function _queueOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint48) {
        super._queueOperations(proposalId, targets, values, calldatas, descriptionHash);
        // The timelock lets some classes of action wait longer than its shortest delay.
        return uint48(block.timestamp + SaharaTimelock(payable(timelock())).delayFor(targets, calldatas));
    }

    function _executeOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) {
        super._executeOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint256) {
        return super._cancel(targets, values, calldatas, descriptionHash);
    }

    function _executor() internal view override(Governor, GovernorTimelockControl) returns (address) {
        return super._executor();
    }
}
