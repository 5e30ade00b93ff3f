// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Which feedback on agents has a receipt.
/// @notice A receipt is a license that the client holds of an asset that the agent's owner owns. One license stands behind
///         one feedback, so that feedback without a purchase behind it can be told from feedback with one.
interface IFeedbackReceipts {
    /// @param index Of the client's feedback on the agent, from 1.
    struct Backed {
        address client;
        uint64 index;
        uint256 license;
    }

    /// @notice `license`, of `asset`, stands behind feedback from now on.
    event FeedbackBacked(
        uint256 indexed agentId, address indexed client, uint64 index, uint256 indexed license, uint256 asset
    );

    /// @notice The caller does not hold the license.
    error NotLicenseHolder(uint256 license, address caller);
    /// @notice Until then the license can be given back, and would have cost nothing.
    error LicenseNotFinal(uint256 license, uint40 closesAt);
    /// @notice The license is of somebody else's asset.
    error ForeignAsset(uint256 agentId, uint256 asset, address assetOwner);
    /// @notice It stands behind other feedback.
    error LicenseSpent(uint256 license);
    /// @notice The feedback has a receipt.
    error AlreadyBacked(uint256 agentId, address client, uint64 index, uint256 license);
    /// @notice What was revoked needs no receipt.
    error FeedbackIsRevoked(uint256 agentId, address client, uint64 index);

    /// @notice Puts a license of the caller behind their feedback. It may have expired since, and may change hands later.
    function back(uint256 agentId, uint64 index, uint256 license) external;

    /// @notice The license behind feedback, or 0. What was revoked later keeps it and counts no longer.
    function receiptOf(uint256 agentId, address client, uint64 index) external view returns (uint256 license);
    /// @notice Whether a license stands behind some feedback.
    function isSpent(uint256 license) external view returns (bool);
    /// @notice How much feedback on the agent has a receipt, revoked feedback included.
    function count(uint256 agentId) external view returns (uint256);
    /// @notice At most `limit` of it, from `first` on, oldest first.
    function page(uint256 agentId, uint256 first, uint256 limit) external view returns (Backed[] memory);
    /// @notice Mean of feedback with a receipt under `tag1` and, unless empty, `tag2`; what was revoked is left out.
    /// @param first Of the feedback that `page` would give with the same bounds.
    function getSummary(uint256 agentId, string calldata tag1, string calldata tag2, uint256 first, uint256 limit)
        external
        view
        returns (uint64 counted, int128 summaryValue, uint8 summaryValueDecimals);
}
