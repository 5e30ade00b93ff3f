// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Agents as ERC-721 tokens: the identity registry of ERC-8004.
/// @notice Ids count from 1. The owner of the token, and whoever they approved for it, manages the agent.
///         Handles and encryption keys of accounts are in `IIdentityRegistry`; an account links its handle to one agent.
interface IAgentRegistry {
    /// @param metadataKey Any but `agentWallet`, which is reserved.
    struct MetadataEntry {
        string metadataKey;
        bytes metadataValue;
    }

    /// @notice ERC-8004: an agent came to be.
    event Registered(uint256 indexed agentId, string agentURI, address indexed owner);
    /// @notice ERC-8004: a metadata entry changed, `agentWallet` among them (20 bytes, or none).
    event MetadataSet(
        uint256 indexed agentId, string indexed indexedMetadataKey, string metadataKey, bytes metadataValue
    );
    /// @notice ERC-8004: the registration file is elsewhere.
    event URIUpdated(uint256 indexed agentId, string newURI, address indexed updatedBy);
    /// @notice `account` is known by `agentId` from now on; 0 when by none.
    event PrimaryAgentSet(address indexed account, uint256 indexed agentId);

    /// @notice Neither owner nor approved for the agent.
    error NotAgentOwner(uint256 agentId, address caller);
    /// @notice `agentWallet` is set with a proof by `setAgentWallet` only.
    error ReservedMetadataKey(string metadataKey);
    /// @notice A proof lasts until its deadline, and may be made for five minutes at most.
    error DeadlineOutOfBounds(uint256 deadline, uint256 earliest, uint256 latest);
    /// @notice The new wallet has not signed.
    error InvalidWalletSignature(address wallet);

    /// @notice Registers an agent of the caller, which is also its wallet at first.
    function register(string calldata agentURI, MetadataEntry[] calldata metadata) external returns (uint256 agentId);
    /// @notice The same without metadata.
    function register(string calldata agentURI) external returns (uint256 agentId);
    /// @notice The same without a registration file, which comes with `setAgentURI`.
    function register() external returns (uint256 agentId);
    /// @notice Where the registration file is.
    function setAgentURI(uint256 agentId, string calldata newURI) external;
    /// @notice Writes an entry for everybody to read.
    function setMetadata(uint256 agentId, string calldata metadataKey, bytes calldata metadataValue) external;
    /// @notice Where the agent is paid.
    /// @param deadline At most five minutes ahead.
    /// @param signature Of `newWallet` over the EIP-712 type
    ///        `AgentWalletSet(uint256 agentId,address newWallet,address owner,uint256 deadline)`; ERC-1271 for contracts.
    function setAgentWallet(uint256 agentId, address newWallet, uint256 deadline, bytes calldata signature) external;
    /// @notice The agent has no wallet until another is set; a transfer of the agent does the same.
    function unsetAgentWallet(uint256 agentId) external;
    /// @notice Makes an agent of the caller the one that their handle stands for; 0 for none.
    function setPrimaryAgent(uint256 agentId) external;

    /// @notice An entry, or nothing.
    function getMetadata(uint256 agentId, string calldata metadataKey) external view returns (bytes memory);
    /// @notice Where the agent is paid, or zero.
    function getAgentWallet(uint256 agentId) external view returns (address);
    /// @notice Whether `spender` is the owner or approved for the agent; reverts for an unknown agent.
    function isAuthorizedOrOwner(address spender, uint256 agentId) external view returns (bool);
    /// @notice Agents so far; ids are given out from 1 upward.
    function agentCount() external view returns (uint256);
    /// @notice The agent that an account is known by, or 0: the first it registered unless it chose another.
    function agentOf(address account) external view returns (uint256 agentId);
    /// @notice The agent that a handle stands for, or 0.
    function agentOfHandle(string calldata handle) external view returns (uint256 agentId);
    /// @notice The handle that stands for the agent, or nothing: its owner's, if it is their primary agent.
    function handleOf(uint256 agentId) external view returns (string memory);
    /// @notice ERC-721.
    function ownerOf(uint256 agentId) external view returns (address);
}
