// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {LibString} from "solady/utils/LibString.sol";

import {IAssetRegistry} from "./interfaces/IAssetRegistry.sol";
import {ILicenseTerms, Uses} from "./interfaces/ILicenseTerms.sol";
import {ILicenseToken} from "./interfaces/ILicenseToken.sol";
import {LicenseIndex} from "./libraries/LicenseIndex.sol";
import {LicenseRecord} from "./libraries/LicenseRecord.sol";
import {NonFungible} from "./base/NonFungible.sol";

/// @title Licenses as ERC-721 tokens; soul-bound unless the terms say transferable (ERC-5192).
/// @dev Specified in `ILicenseToken`.
///      Nothing here can be taken back: no burn, no revocation, no owner, and terms are content-addressed.
contract LicenseToken is ILicenseToken, NonFungible {
    using Checkpoints for Checkpoints.Trace208;
    using LibString for uint256;
    using LicenseIndex for LicenseIndex.Index;
    using LicenseRecord for uint96;

    /// @dev ERC-5192.
    bytes4 private constant LOCKED_INTERFACE = 0xb45a3c0e;
    /// @dev How far back a seller's older licenses are searched for one to stand in for the sold one.
    uint256 private constant LOOK_BACK = 32;
    /// @dev How far ahead renewals may reach: the longest duration that terms may have.
    uint256 private constant FARTHEST = 36_525 days;
    uint40 private constant NEVER = type(uint40).max;

    IAssetRegistry public immutable REGISTRY;
    ILicenseTerms public immutable TERMS;
    address public immutable MARKET;

    /// @notice Licenses issued so far; ids are given out from 1 upward.
    uint256 public licenseCount;

    /// @dev For licenses that were renewed; of others it follows from the end and the duration.
    mapping(uint256 license => uint64) private _issuedAt;
    mapping(address account => mapping(uint256 asset => LicenseIndex.Index)) private _indexes;
    /// @dev Number of licenses issued that expire until a given time, where seats are limited. One kind of terms has one
    ///      duration and these licenses are not renewed, so times ascend.
    mapping(uint256 asset => mapping(bytes32 termsId => Checkpoints.Trace208)) private _issued;

    /// @param market Address the market will have; predicted, since it needs this contract's.
    constructor(IAssetRegistry registry, ILicenseTerms terms, address market) NonFungible("Sahara License", "LICENSE") {
        REGISTRY = registry;
        TERMS = terms;
        MARKET = market;
    }

    /* ----------------------------------------------------------------- changes */

    /// @inheritdoc ILicenseToken
    function issue(address holder, uint256 asset, bytes32 termsId) external returns (uint256 license) {
        if (msg.sender != MARKET) revert OnlyMarket(msg.sender);
        (uint256 number, ILicenseTerms.Rights memory rights) = TERMS.rightsOf(termsId);
        uint256 time = block.timestamp + rights.duration;
        uint40 until = rights.duration == 0 ? NEVER : uint40(time);
        uint16 uses = _usesOf(rights);

        license = ++licenseCount;
        if (rights.seats != 0) {
            if (seatsTaken(asset, termsId) >= rights.seats) revert NoSeatsLeft(asset, termsId, rights.seats);
            Checkpoints.Trace208 storage issued = _issued[asset][termsId];
            issued.push(until, issued.latest() + 1);
        }
        _mintAndSetExtraDataUnchecked(holder, license, LicenseRecord.pack(asset, number, time));
        _indexes[holder][asset].add(license, uses, until);

        emit LicenseIssued(license, asset, holder, termsId, _expiry(until), rights.royaltyBps, uses);
        if (rights.transferable) emit Unlocked(license);
        else emit Locked(license);
    }

    /// @inheritdoc ILicenseToken
    function renew(uint256 license) external returns (uint64 expiresAt) {
        if (msg.sender != MARKET) revert OnlyMarket(msg.sender);
        (uint96 record, ILicenseTerms.Rights memory rights) = _read(license);
        if (rights.duration == 0) revert NeverExpires(license);
        // Whoever waits for a seat gets it when a license ends.
        if (rights.seats != 0) revert SeatNotRenewable(license, rights.seats);
        uint256 until = Math.max(record.timeOf(), block.timestamp) + rights.duration;
        uint256 latest = block.timestamp + FARTHEST;
        if (until > latest) revert RenewedTooFar(license, until, latest);
        if (_issuedAt[license] == 0) _issuedAt[license] = record.timeOf() - rights.duration;
        _setExtraData(license, record.withTime(until));
        expiresAt = uint64(until);
        _indexes[_ownerOf(license)][record.assetOf()].enter(license, _usesOf(rights), uint40(until));
        emit LicenseRenewed(license, expiresAt);
    }

    /// @inheritdoc ILicenseToken
    function promote(uint256 license) external {
        (uint96 record, ILicenseTerms.Rights memory rights) = _read(license);
        _indexes[_ownerOf(license)][record.assetOf()].enter(license, _usesOf(rights), _untilOf(record, rights));
    }

    /* ----------------------------------------------------------------- views */

    /// @inheritdoc ILicenseToken
    function get(uint256 license) public view returns (License memory) {
        (uint96 record, ILicenseTerms.Rights memory rights) = _read(license);
        uint64 issuedAt = _issuedAt[license];
        return License({
            asset: record.assetOf(),
            termsId: TERMS.idAt(record.termsOf()),
            issuedAt: issuedAt == 0 ? record.timeOf() - rights.duration : issuedAt,
            expiresAt: _expiry(_untilOf(record, rights)),
            royaltyBps: rights.royaltyBps,
            uses: _usesOf(rights)
        });
    }

    /// @inheritdoc ILicenseToken
    function hasAccess(address account, uint256 asset, uint16 use) external view returns (bool) {
        if (asset == 0 || asset > REGISTRY.assetCount()) return false;
        return REGISTRY.ownerOf(asset) == account || _indexes[account][asset].find(use) != 0;
    }

    /// @inheritdoc ILicenseToken
    function licenseFor(address account, uint256 asset, uint16 use) external view returns (uint256 license) {
        return _indexes[account][asset].find(use);
    }

    /// @inheritdoc ILicenseToken
    function licensesOf(address account, uint256 asset) external view returns (uint256[] memory) {
        return _indexes[account][asset].history();
    }

    /// @inheritdoc ILicenseToken
    function seatsTaken(uint256 asset, bytes32 termsId) public view returns (uint256) {
        Checkpoints.Trace208 storage issued = _issued[asset][termsId];
        return issued.latest() - issued.upperLookup(uint48(block.timestamp));
    }

    /// @inheritdoc ILicenseToken
    function locked(uint256 license) external view returns (bool) {
        (, ILicenseTerms.Rights memory rights) = _read(license);
        return !rights.transferable;
    }

    /// @inheritdoc ILicenseToken
    function ownerOf(uint256 license) public view override(NonFungible, ILicenseToken) returns (address) {
        return super.ownerOf(license);
    }

    /// @notice What the license says, as a JSON document in a `data:` URI.
    function tokenURI(uint256 license) public view override returns (string memory) {
        License memory held = get(license);
        return _inline(
            string.concat(
                '{"name":"Sahara license ',
                license.toString(),
                '","asset":',
                held.asset.toString(),
                ',"terms":"',
                uint256(held.termsId).toHexString(32),
                '","uses":',
                uint256(held.uses).toString(),
                ',"royaltyBps":',
                uint256(held.royaltyBps).toString(),
                ',"issuedAt":',
                uint256(held.issuedAt).toString(),
                ',"expiresAt":',
                uint256(held.expiresAt).toString(),
                "}"
            )
        );
    }

    /// @notice ERC-165: ERC-721 with metadata, ERC-5192.
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == LOCKED_INTERFACE || super.supportsInterface(interfaceId);
    }

    /* ----------------------------------------------------------------- inside */

    function _afterTokenTransfer(address from, address to, uint256 license) internal override {
        if (from == address(0) || from == to) return;
        (uint96 record, ILicenseTerms.Rights memory rights) = _read(license);
        if (!rights.transferable) revert SoulBound(license);
        uint16 uses = _usesOf(rights);
        _take(from, license, record, uses);
        _indexes[to][record.assetOf()].add(license, uses, _untilOf(record, rights));
    }

    /// @dev Another license of the same uses, if one of the last has them, stands in for the one that goes.
    function _take(address holder, uint256 license, uint96 record, uint16 uses) private {
        LicenseIndex.Index storage index = _indexes[holder][record.assetOf()];
        if (!index.leave(license, uses)) return;
        uint256 other = index.newest;
        for (uint256 i = 0; i < LOOK_BACK && other != 0; ++i) {
            if (_ownerOf(other) == holder) {
                (uint96 candidate, ILicenseTerms.Rights memory rights) = _read(other);
                if (_usesOf(rights) == uses) index.enter(other, uses, _untilOf(candidate, rights));
            }
            other = index.older[other];
        }
    }

    function _read(uint256 license) private view returns (uint96 record, ILicenseTerms.Rights memory rights) {
        if (_ownerOf(license) == address(0)) revert UnknownLicense(license);
        record = _getExtraData(license);
        rights = TERMS.rightsAt(record.termsOf());
    }

    function _usesOf(ILicenseTerms.Rights memory rights) private pure returns (uint16) {
        return rights.computeOnly ? rights.uses & ~Uses.READ : rights.uses | Uses.READ;
    }

    function _untilOf(uint96 record, ILicenseTerms.Rights memory rights) private pure returns (uint40) {
        return rights.duration == 0 ? NEVER : record.timeOf();
    }

    function _expiry(uint40 until) private pure returns (uint64) {
        return until == NEVER ? 0 : until;
    }
}
