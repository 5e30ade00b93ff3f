// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Verified publishers, reports, and listings that clients should warn of or not show.
/// @notice Nothing here touches ownership, licenses or money: it is a list that clients read. What is paid for stays open
///         to who paid. The DAO decides, after a vote and its delay, or whom it hands these two functions to.
interface IModeration {
    /// @notice How the DAO sees a listing.
    enum Standing {
        Clear,
        Disputed,
        TakenDown
    }

    /// @param standing The last decision.
    /// @param appealed Whether the asset's owner answered it.
    /// @param reports Accounts that reported the asset since that decision.
    struct Listing {
        Standing standing;
        bool appealed;
        uint32 reports;
    }

    /// @notice The DAO vouches for who `publisher` is, or no longer does.
    event PublisherVerified(address indexed publisher, bool verified, string reason);
    /// @notice Somebody says that something is wrong with an asset.
    event Reported(uint256 indexed asset, address indexed reporter, string reason);
    /// @notice The DAO decided about a listing.
    event StandingChanged(uint256 indexed asset, Standing standing, string reason);
    /// @notice The owner answers the decision.
    event Appealed(uint256 indexed asset, address indexed owner, string reason);

    /// @notice The account reported the asset since the last decision.
    error AlreadyReported(uint256 asset, address reporter);
    /// @notice The asset belongs to somebody else.
    error NotAssetOwner(uint256 asset, address caller);
    /// @notice There is no decision to appeal against.
    error NothingToAppeal(uint256 asset);
    /// @notice The owner has answered this decision.
    error AlreadyAppealed(uint256 asset);
    /// @notice The reason is empty or longer than `maximum` bytes.
    error InvalidReason(uint256 length, uint256 maximum);

    /// @notice Says who is known to the DAO; restricted to it.
    function setVerified(address publisher, bool verified, string calldata reason) external;
    /// @notice Decides about a listing; reports and appeal begin anew. Restricted to the DAO.
    function setStanding(uint256 asset, Standing standing, string calldata reason) external;
    /// @notice Reports an asset; once an account until the next decision.
    /// @param reason 1 to 512 bytes.
    function report(uint256 asset, string calldata reason) external;
    /// @notice Answers a decision, as the asset's owner; once for each.
    function appeal(uint256 asset, string calldata reason) external;

    /// @notice Whether the DAO vouches for who an account is.
    function isVerified(address publisher) external view returns (bool);
    /// @notice A listing's standing.
    function listingOf(uint256 asset) external view returns (Listing memory);
}
