// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Checks of agents' work by validators: the validation registry of ERC-8004.
/// @notice An agent's list grows only by its own requests. A validator's list grows by anybody's, which only views read.
interface IValidationRegistry {
    /// @notice ERC-8004: an agent asks for a check of its work.
    event ValidationRequest(
        address indexed validatorAddress, uint256 indexed agentId, string requestURI, bytes32 indexed requestHash
    );
    /// @notice ERC-8004: the validator answered, for the first time or again.
    event ValidationResponse(
        address indexed validatorAddress,
        uint256 indexed agentId,
        bytes32 indexed requestHash,
        uint8 response,
        string responseURI,
        bytes32 responseHash,
        string tag
    );

    /// @notice Neither owner nor approved for the agent.
    error NotAgentOwner(uint256 agentId, address caller);
    /// @notice A request needs a validator.
    error NoValidator();
    /// @notice A hash stands for one request.
    error RequestExists(bytes32 requestHash);
    /// @notice Nobody made that request.
    error UnknownRequest(bytes32 requestHash);
    /// @notice Only the validator that was asked answers.
    error NotTheValidator(bytes32 requestHash, address validator, address caller);
    /// @notice A response is 0 to 100.
    error ResponseOutOfBounds(uint8 response);
    /// @notice A tag has at most 64 bytes.
    error TagTooLong(uint256 length, uint256 maximum);

    /// @notice Asks `validatorAddress` to check work of an agent of the caller.
    /// @param requestHash keccak256 of the request; put something random in it, since the first who uses a hash has it.
    function validationRequest(
        address validatorAddress,
        uint256 agentId,
        string calldata requestURI,
        bytes32 requestHash
    ) external;
    /// @notice Answers a request, or answers it anew.
    /// @param response 0 for failed to 100 for passed.
    function validationResponse(
        bytes32 requestHash,
        uint8 response,
        string calldata responseURI,
        bytes32 responseHash,
        string calldata tag
    ) external;

    /// @notice The agents whose work is checked here.
    function getIdentityRegistry() external view returns (address identityRegistry);
    /// @notice A request and its last answer; `lastUpdate` is its time in seconds, 0 while there is none.
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
        );
    /// @notice Mean of the responses of the named validators, or of all, under `tag`, or under any; rounded down.
    ///         Walks all of the agent's requests, as the ERC has it.
    function getSummary(uint256 agentId, address[] calldata validatorAddresses, string calldata tag)
        external
        view
        returns (uint64 count, uint8 averageResponse);
    /// @notice All requests of an agent, as the ERC has it.
    function getAgentValidations(uint256 agentId) external view returns (bytes32[] memory requestHashes);
    /// @notice All requests to a validator; unbounded, as the ERC has it.
    function getValidatorRequests(address validatorAddress) external view returns (bytes32[] memory requestHashes);

    /// @notice At most `limit` of `getAgentValidations`, from `first` on.
    function agentValidationsPage(uint256 agentId, uint256 first, uint256 limit)
        external
        view
        returns (bytes32[] memory requestHashes);
    /// @notice At most `limit` of `getValidatorRequests`, from `first` on.
    function validatorRequestsPage(address validatorAddress, uint256 first, uint256 limit)
        external
        view
        returns (bytes32[] memory requestHashes);
}
