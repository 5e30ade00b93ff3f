// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Feedback on agents: the reputation registry of ERC-8004.
/// @notice Anybody may give feedback, so that only feedback of clients one has reason to believe says something:
///         `IFeedbackReceipts` tells which feedback has a receipt.
///         Views with a page's bounds beside those of the ERC do bounded work however much strangers wrote.
interface IReputationRegistry {
    /// @param value With `decimals` digits behind the point; what it measures is `tag1`.
    struct Feedback {
        int128 value;
        uint8 decimals;
        bool revoked;
        string tag1;
        string tag2;
    }

    /// @notice ERC-8004: `feedbackIndex` counts a client's feedback on the agent from 1.
    event NewFeedback(
        uint256 indexed agentId,
        address indexed clientAddress,
        uint64 feedbackIndex,
        int128 value,
        uint8 valueDecimals,
        string indexed indexedTag1,
        string tag1,
        string tag2,
        string endpoint,
        string feedbackURI,
        bytes32 feedbackHash
    );
    /// @notice ERC-8004: the client took feedback back.
    event FeedbackRevoked(uint256 indexed agentId, address indexed clientAddress, uint64 indexed feedbackIndex);
    /// @notice ERC-8004: somebody answered feedback.
    event ResponseAppended(
        uint256 indexed agentId,
        address indexed clientAddress,
        uint64 feedbackIndex,
        address indexed responder,
        string responseURI,
        bytes32 responseHash
    );

    /// @notice Owner, approved and wallet of an agent do not rate it.
    error SelfFeedback(uint256 agentId, address caller);
    /// @notice At most 18 digits behind the point, and 1e38 in size.
    error ValueOutOfBounds(int128 value, uint8 decimals);
    /// @notice A tag has at most 64 bytes.
    error TagTooLong(uint256 length, uint256 maximum);
    /// @notice There is no such feedback.
    error UnknownFeedback(uint256 agentId, address client, uint64 index);
    /// @notice It was revoked before.
    error AlreadyRevoked(uint256 agentId, address client, uint64 index);
    /// @notice A summary is of clients that one names: without them it would be whatever strangers want.
    error ClientsRequired();
    /// @notice Values of different measures have no average: ask for one tag.
    error UnlikeMeasures(string tag, string other);

    /// @notice Rates an agent of somebody else. Only value, decimals and tags are kept; the rest is in the event.
    function giveFeedback(
        uint256 agentId,
        int128 value,
        uint8 valueDecimals,
        string calldata tag1,
        string calldata tag2,
        string calldata endpoint,
        string calldata feedbackURI,
        bytes32 feedbackHash
    ) external;
    /// @notice Takes feedback of the caller back; it stays readable and counts no longer.
    function revokeFeedback(uint256 agentId, uint64 feedbackIndex) external;
    /// @notice Answers feedback; open to anyone.
    function appendResponse(
        uint256 agentId,
        address clientAddress,
        uint64 feedbackIndex,
        string calldata responseURI,
        bytes32 responseHash
    ) external;

    /// @notice The agents that are rated here.
    function getIdentityRegistry() external view returns (address identityRegistry);
    /// @notice Mean of what the named clients said and did not revoke, an empty tag matching every tag.
    ///         Reverts where that would mix measures, that is values with different `tag1`.
    function getSummary(uint256 agentId, address[] calldata clientAddresses, string calldata tag1, string calldata tag2)
        external
        view
        returns (uint64 count, int128 summaryValue, uint8 summaryValueDecimals);
    /// @notice One client's feedback by its index, from 1.
    function readFeedback(uint256 agentId, address clientAddress, uint64 feedbackIndex)
        external
        view
        returns (int128 value, uint8 valueDecimals, string memory tag1, string memory tag2, bool isRevoked);
    /// @notice All feedback of the named clients, or of all where none is named; unbounded then, as the ERC has it.
    function readAllFeedback(
        uint256 agentId,
        address[] calldata clientAddresses,
        string calldata tag1,
        string calldata tag2,
        bool includeRevoked
    )
        external
        view
        returns (
            address[] memory clients,
            uint64[] memory feedbackIndexes,
            int128[] memory values,
            uint8[] memory valueDecimals,
            string[] memory tag1s,
            string[] memory tag2s,
            bool[] memory revokedStatuses
        );
    /// @notice Responses by `responders`, or by all where none is named, to one feedback, to all of a client (index 0),
    ///         or to all of the agent (client zero).
    function getResponseCount(
        uint256 agentId,
        address clientAddress,
        uint64 feedbackIndex,
        address[] calldata responders
    ) external view returns (uint64 count);
    /// @notice Everybody who gave feedback; unbounded, as the ERC has it.
    function getClients(uint256 agentId) external view returns (address[] memory);
    /// @notice How much feedback a client gave.
    function getLastIndex(uint256 agentId, address clientAddress) external view returns (uint64);

    /// @notice How many gave feedback.
    function clientCount(uint256 agentId) external view returns (uint256);
    /// @notice At most `limit` of `getClients`, from `first` on.
    function clientsPage(uint256 agentId, uint256 first, uint256 limit) external view returns (address[] memory);
    /// @notice At most `limit` of a client's feedback, revoked or not, from index `first` (1 or more) on.
    function feedbackPage(uint256 agentId, address client, uint64 first, uint64 limit)
        external
        view
        returns (Feedback[] memory);
}
