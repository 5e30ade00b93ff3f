// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Reviews of assets by who holds a license for them.
/// @notice One review an account and asset; one license stands behind one account's reviews only. Whoever wrote a review
///         may write it anew or withdraw it, and nobody else can change it.
interface IReviews {
    /// @notice Somebody who holds `license` said what they think; the words are in this event only.
    event Reviewed(uint256 indexed asset, address indexed author, uint256 indexed license, uint8 stars, string text);
    /// @notice The author took their review back.
    event ReviewWithdrawn(uint256 indexed asset, address indexed author);

    /// @notice The license is held by somebody else.
    error NotLicenseHolder(uint256 license, address caller);
    /// @notice The license's price can still be given back, until `closesAt`.
    error LicenseNotFinal(uint256 license, uint40 closesAt);
    /// @notice Somebody who held the license before wrote a review with it.
    error LicenseSpent(uint256 license, address author);
    /// @notice Owners do not review their own assets.
    error OwnAsset(uint256 asset);
    /// @notice Stars are 1 to 5.
    error StarsOutOfRange(uint8 stars);
    /// @notice The text is longer than `maximum` bytes.
    error TextTooLong(uint256 length, uint256 maximum);
    /// @notice The account has written none.
    error NoReview(uint256 asset, address author);

    /// @notice Reviews the asset that `license` is for; a review of the same author is replaced.
    /// @param license Held by the caller and final: its price can no longer be given back. It may have ended.
    /// @param stars 1 to 5.
    /// @param text At most 1,024 bytes.
    function review(uint256 license, uint8 stars, string calldata text) external;

    /// @notice Takes back the caller's review of `asset`.
    function withdraw(uint256 asset) external;

    /// @return count How many reviews an asset has.
    /// @return stars The sum of their stars.
    function summaryOf(uint256 asset) external view returns (uint256 count, uint256 stars);

    /// @return stars Zero when the account has written none.
    /// @return license The license behind the review.
    function reviewOf(uint256 asset, address author) external view returns (uint8 stars, uint256 license);

    /// @notice Who wrote reviews with a license; zero when nobody did.
    function authorOf(uint256 license) external view returns (address author);
}
