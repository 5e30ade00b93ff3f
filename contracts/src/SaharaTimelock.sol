// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {Roles} from "./libraries/Roles.sol";

/// @title The DAO's hands: treasury, holder of every class of action, and the delay in which anyone can leave.
/// @notice Only the governor proposes and executes; the timelock administers itself. How long an action waits depends on
///         its class in `SaharaAccess`. Until a sunset a founding guardian may cancel what waits, and nothing else.
contract SaharaTimelock is TimelockController {
    /// @notice No delay, of any class, is longer: a longer one could freeze the DAO for good.
    uint256 public constant MAX_DELAY = 30 days;
    /// @notice The guardian retires after this at the latest.
    uint256 public constant MAX_GUARDIAN_TERM = 730 days;
    /// @notice The delay can never be voted below the one of deployment.
    uint256 public immutable FLOOR;
    address public immutable GOVERNOR;
    IAccessManager public immutable ACCESS;
    /// @notice Who may cancel what waits before `SUNSET`; zero for nobody.
    address public immutable GUARDIAN;
    /// @notice Seconds of block time from which the guardian may nothing.
    uint256 public immutable SUNSET;

    error DelayOutOfBounds(uint256 given, uint256 minimum, uint256 maximum);
    error GuardianTermOutOfBounds(uint256 given, uint256 maximum);
    error GuardianRetired(uint256 sunset);

    /// @param governor Address the governor will have; predicted, since it is deployed after the token.
    /// @param access Address the access manager will have; predicted, since it needs this contract's.
    /// @param guardianTerm Seconds from now on.
    constructor(uint256 minDelay, address governor, IAccessManager access, address guardian, uint256 guardianTerm)
        TimelockController(minDelay, _only(governor), _only(governor), address(0))
    {
        (FLOOR, GOVERNOR, ACCESS) = (minDelay, governor, access);
        _check(minDelay, minDelay);
        if (guardianTerm > MAX_GUARDIAN_TERM) revert GuardianTermOutOfBounds(guardianTerm, MAX_GUARDIAN_TERM);
        (GUARDIAN, SUNSET) = (guardian, block.timestamp + guardianTerm);
        if (guardian != address(0)) _grantRole(CANCELLER_ROLE, guardian);
    }

    /// @inheritdoc TimelockController
    function updateDelay(uint256 newDelay) public override {
        _check(newDelay, FLOOR);
        super.updateDelay(newDelay);
    }

    /// @inheritdoc TimelockController
    function schedule(
        address target,
        uint256 value,
        bytes calldata data,
        bytes32 predecessor,
        bytes32 salt,
        uint256 delay
    ) public override {
        delay = Math.max(delay, delayOf(target, data));
        super.schedule(target, value, data, predecessor, salt, delay);
    }

    /// @inheritdoc TimelockController
    function scheduleBatch(
        address[] calldata targets,
        uint256[] calldata values,
        bytes[] calldata payloads,
        bytes32 predecessor,
        bytes32 salt,
        uint256 delay
    ) public override {
        delay = Math.max(delay, delayFor(targets, payloads));
        super.scheduleBatch(targets, values, payloads, predecessor, salt, delay);
    }

    /// @notice Cancels what waits: the governor, or the guardian before the sunset.
    function cancel(bytes32 id) public override {
        if (msg.sender == GUARDIAN && block.timestamp >= SUNSET) revert GuardianRetired(SUNSET);
        super.cancel(id);
    }

    /// @notice Seconds that a batch waits: as long as the call of it that waits longest.
    function delayFor(address[] calldata targets, bytes[] calldata payloads) public view returns (uint256 delay) {
        delay = getMinDelay();
        for (uint256 i = 0; i < targets.length && i < payloads.length; ++i) {
            delay = Math.max(delay, delayOf(targets[i], payloads[i]));
        }
    }

    /// @notice Seconds that a call waits. Whatever touches roles, votes or this contract waits longest, so that nothing
    ///         can be moved into a class that waits less and be done at once.
    function delayOf(address target, bytes calldata data) public view returns (uint256) {
        uint256 multiple = Roles.LONGEST_WAIT;
        if (target != address(ACCESS) && target != GOVERNOR && target != address(this)) {
            uint64 class = data.length < 4 ? 0 : ACCESS.getTargetFunctionRole(target, bytes4(data[:4]));
            multiple = Roles.waitOf(class);
        }
        return Math.min(multiple * getMinDelay(), MAX_DELAY);
    }

    function _check(uint256 delay, uint256 floor) private pure {
        if (delay < floor || delay > MAX_DELAY) revert DelayOutOfBounds(delay, floor, MAX_DELAY);
    }

    function _only(address account) private pure returns (address[] memory list) {
        list = new address[](1);
        list[0] = account;
    }
}
