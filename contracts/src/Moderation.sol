// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {IAssetRegistry} from "./interfaces/IAssetRegistry.sol";
import {IModeration} from "./interfaces/IModeration.sol";

/// @title Verified publishers, reports, and listings that clients should warn of or not show.
/// @dev Specified in `IModeration`. Its governed functions belong to no class: they are the admin's, the timelock's.
contract Moderation is IModeration, AccessManaged {
    uint256 public constant MAX_REASON_BYTES = 512;

    struct Entry {
        Listing listing;
        uint32 round;
    }

    IAssetRegistry public immutable ASSETS;

    /// @inheritdoc IModeration
    mapping(address publisher => bool) public isVerified;

    mapping(uint256 asset => Entry) private _entries;
    mapping(uint256 asset => mapping(uint32 round => mapping(address reporter => bool))) private _reported;

    /// @param authority The access manager that says who may decide.
    constructor(address authority, IAssetRegistry assets) AccessManaged(authority) {
        ASSETS = assets;
    }

    /// @inheritdoc IModeration
    function setVerified(address publisher, bool verified, string calldata reason) external restricted {
        isVerified[publisher] = verified;
        emit PublisherVerified(publisher, verified, reason);
    }

    /// @inheritdoc IModeration
    function setStanding(uint256 asset, Standing standing, string calldata reason) external restricted {
        ASSETS.ownerOf(asset); // reverts for an unknown asset
        _entries[asset] = Entry(Listing(standing, false, 0), _entries[asset].round + 1);
        emit StandingChanged(asset, standing, reason);
    }

    /// @inheritdoc IModeration
    function report(uint256 asset, string calldata reason) external {
        _checkReason(reason);
        ASSETS.ownerOf(asset); // reverts for an unknown asset
        Entry storage entry = _entries[asset];
        if (_reported[asset][entry.round][msg.sender]) revert AlreadyReported(asset, msg.sender);
        _reported[asset][entry.round][msg.sender] = true;
        ++entry.listing.reports;
        emit Reported(asset, msg.sender, reason);
    }

    /// @inheritdoc IModeration
    function appeal(uint256 asset, string calldata reason) external {
        _checkReason(reason);
        if (ASSETS.ownerOf(asset) != msg.sender) revert NotAssetOwner(asset, msg.sender);
        Listing storage listing = _entries[asset].listing;
        if (listing.standing == Standing.Clear) revert NothingToAppeal(asset);
        if (listing.appealed) revert AlreadyAppealed(asset);
        listing.appealed = true;
        emit Appealed(asset, msg.sender, reason);
    }

    /// @inheritdoc IModeration
    function listingOf(uint256 asset) external view returns (Listing memory) {
        return _entries[asset].listing;
    }

    function _checkReason(string calldata reason) private pure {
        uint256 length = bytes(reason).length;
        if (length == 0 || length > MAX_REASON_BYTES) revert InvalidReason(length, MAX_REASON_BYTES);
    }
}
