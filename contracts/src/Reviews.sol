// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAssetRegistry} from "./interfaces/IAssetRegistry.sol";
import {ILicenseToken} from "./interfaces/ILicenseToken.sol";
import {IRefundEscrow} from "./interfaces/IRefundEscrow.sol";
import {IReviews} from "./interfaces/IReviews.sol";

/// @title Reviews of assets by who holds a license for them.
/// @dev Specified in `IReviews`.
contract Reviews is IReviews {
    uint256 public constant MAX_TEXT_BYTES = 1_024;
    uint8 public constant MAX_STARS = 5;

    IAssetRegistry public immutable ASSETS;
    ILicenseToken public immutable LICENSES;
    IRefundEscrow public immutable REFUNDS;

    /// @dev `license << 8 | stars`; zero for none.
    mapping(uint256 asset => mapping(address author => uint256)) private _reviews;
    /// @dev `count << 128 | stars`.
    mapping(uint256 asset => uint256) private _sums;

    /// @inheritdoc IReviews
    mapping(uint256 license => address) public authorOf;

    constructor(IAssetRegistry assets, ILicenseToken licenses, IRefundEscrow refunds) {
        (ASSETS, LICENSES, REFUNDS) = (assets, licenses, refunds);
    }

    /// @inheritdoc IReviews
    function review(uint256 license, uint8 stars, string calldata text) external {
        if (stars == 0 || stars > MAX_STARS) revert StarsOutOfRange(stars);
        if (bytes(text).length > MAX_TEXT_BYTES) revert TextTooLong(bytes(text).length, MAX_TEXT_BYTES);
        uint256 asset = _assetOf(license);
        authorOf[license] = msg.sender;
        _sums[asset] = _without(asset) + (1 << 128) + stars;
        _reviews[asset][msg.sender] = license << 8 | stars;
        emit Reviewed(asset, msg.sender, license, stars, text);
    }

    /// @inheritdoc IReviews
    function withdraw(uint256 asset) external {
        if (_reviews[asset][msg.sender] == 0) revert NoReview(asset, msg.sender);
        _sums[asset] = _without(asset);
        delete _reviews[asset][msg.sender];
        emit ReviewWithdrawn(asset, msg.sender);
    }

    /// @inheritdoc IReviews
    function summaryOf(uint256 asset) external view returns (uint256 count, uint256 stars) {
        uint256 sum = _sums[asset];
        return (sum >> 128, uint128(sum));
    }

    /// @inheritdoc IReviews
    function reviewOf(uint256 asset, address author) external view returns (uint8 stars, uint256 license) {
        uint256 written = _reviews[asset][author];
        return (uint8(written), written >> 8);
    }

    /// @dev The asset that the caller may review with `license`.
    function _assetOf(uint256 license) private view returns (uint256 asset) {
        asset = LICENSES.get(license).asset;
        if (LICENSES.ownerOf(license) != msg.sender) revert NotLicenseHolder(license, msg.sender);
        address author = authorOf[license];
        if (author != address(0) && author != msg.sender) revert LicenseSpent(license, author);
        if (ASSETS.ownerOf(asset) == msg.sender) revert OwnAsset(asset);
        (address payer, uint40 closesAt) = REFUNDS.saleOf(license);
        if (payer != address(0) && block.timestamp < closesAt && !LICENSES.isFirm(license)) {
            revert LicenseNotFinal(license, closesAt);
        }
    }

    /// @dev The sum of an asset's reviews but the caller's.
    function _without(uint256 asset) private view returns (uint256 sum) {
        sum = _sums[asset];
        uint8 present = uint8(_reviews[asset][msg.sender]);
        if (present != 0) sum -= (1 << 128) + present;
    }
}
