// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IAgentRegistry} from "./interfaces/IAgentRegistry.sol";
import {IValidationRegistry} from "./interfaces/IValidationRegistry.sol";

/// @title Checks of agents' work by validators: the validation registry of ERC-8004.
/// @dev Specified in `IValidationRegistry`.
contract ValidationRegistry is IValidationRegistry {
    uint256 public constant MAX_TAG_BYTES = 64;

    /// @param answeredAt Zero while the validator has not answered.
    struct Request {
        address validator;
        uint64 answeredAt;
        uint8 response;
        uint256 agentId;
        bytes32 responseHash;
        string tag;
    }

    IAgentRegistry public immutable AGENTS;

    mapping(bytes32 requestHash => Request) private _requests;
    mapping(uint256 agentId => bytes32[]) private _ofAgent;
    mapping(address validator => bytes32[]) private _toValidator;

    constructor(IAgentRegistry agents) {
        AGENTS = agents;
    }

    /// @inheritdoc IValidationRegistry
    function validationRequest(
        address validatorAddress,
        uint256 agentId,
        string calldata requestURI,
        bytes32 requestHash
    ) external {
        if (validatorAddress == address(0)) revert NoValidator();
        if (!AGENTS.isAuthorizedOrOwner(msg.sender, agentId)) revert NotAgentOwner(agentId, msg.sender);
        Request storage request = _requests[requestHash];
        if (request.validator != address(0)) revert RequestExists(requestHash);
        (request.validator, request.agentId) = (validatorAddress, agentId);
        _ofAgent[agentId].push(requestHash);
        _toValidator[validatorAddress].push(requestHash);
        emit ValidationRequest(validatorAddress, agentId, requestURI, requestHash);
    }

    /// @inheritdoc IValidationRegistry
    function validationResponse(
        bytes32 requestHash,
        uint8 response,
        string calldata responseURI,
        bytes32 responseHash,
        string calldata tag
    ) external {
        Request storage request = _get(requestHash);
        if (msg.sender != request.validator) revert NotTheValidator(requestHash, request.validator, msg.sender);
        if (response > 100) revert ResponseOutOfBounds(response);
        if (bytes(tag).length > MAX_TAG_BYTES) revert TagTooLong(bytes(tag).length, MAX_TAG_BYTES);
        (request.response, request.responseHash, request.tag) = (response, responseHash, tag);
        request.answeredAt = uint64(block.timestamp);
        emit ValidationResponse(msg.sender, request.agentId, requestHash, response, responseURI, responseHash, tag);
    }

    /// @inheritdoc IValidationRegistry
    function getIdentityRegistry() external view returns (address identityRegistry) {
        return address(AGENTS);
    }

    /// @inheritdoc IValidationRegistry
    function getValidationStatus(bytes32 requestHash)
        external
        view
        returns (
            address validatorAddress,
            uint256 agentId,
            uint8 response,
            bytes32 responseHash,
            string memory tag,
            uint256 lastUpdate
        )
    {
        Request storage request = _get(requestHash);
        (validatorAddress, agentId, response) = (request.validator, request.agentId, request.response);
        (responseHash, tag, lastUpdate) = (request.responseHash, request.tag, request.answeredAt);
    }

    /// @inheritdoc IValidationRegistry
    function getSummary(uint256 agentId, address[] calldata validatorAddresses, string calldata tag)
        external
        view
        returns (uint64 count, uint8 averageResponse)
    {
        bytes32[] storage hashes = _ofAgent[agentId];
        uint256 total;
        for (uint256 i = 0; i < hashes.length; ++i) {
            Request storage request = _requests[hashes[i]];
            if (request.answeredAt == 0 || !_isAmong(request.validator, validatorAddresses)) continue;
            if (bytes(tag).length != 0 && keccak256(bytes(tag)) != keccak256(bytes(request.tag))) continue;
            total += request.response;
            ++count;
        }
        if (count != 0) averageResponse = uint8(total / count);
    }

    /// @inheritdoc IValidationRegistry
    function getAgentValidations(uint256 agentId) external view returns (bytes32[] memory requestHashes) {
        return _ofAgent[agentId];
    }

    /// @inheritdoc IValidationRegistry
    function getValidatorRequests(address validatorAddress) external view returns (bytes32[] memory requestHashes) {
        return _toValidator[validatorAddress];
    }

    /// @inheritdoc IValidationRegistry
    function agentValidationsPage(uint256 agentId, uint256 first, uint256 limit)
        external
        view
        returns (bytes32[] memory requestHashes)
    {
        return _page(_ofAgent[agentId], first, limit);
    }

    /// @inheritdoc IValidationRegistry
    function validatorRequestsPage(address validatorAddress, uint256 first, uint256 limit)
        external
        view
        returns (bytes32[] memory requestHashes)
    {
        return _page(_toValidator[validatorAddress], first, limit);
    }

    function _get(bytes32 requestHash) private view returns (Request storage request) {
        request = _requests[requestHash];
        if (request.validator == address(0)) revert UnknownRequest(requestHash);
    }

    function _isAmong(address validator, address[] calldata named) private pure returns (bool) {
        for (uint256 i = 0; i < named.length; ++i) {
            if (named[i] == validator) return true;
        }
        return named.length == 0;
    }

    function _page(bytes32[] storage all, uint256 first, uint256 limit) private view returns (bytes32[] memory found) {
        uint256 length = first < all.length ? Math.min(limit, all.length - first) : 0;
        found = new bytes32[](length);
        for (uint256 i = 0; i < length; ++i) {
            found[i] = all[first + i];
        }
    }
}
