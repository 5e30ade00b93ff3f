// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {LibString} from "solady/utils/LibString.sol";

import {IAssetRegistry} from "./interfaces/IAssetRegistry.sol";
import {ILicenseTerms, Uses} from "./interfaces/ILicenseTerms.sol";
import {ILicenseToken} from "./interfaces/ILicenseToken.sol";
import {LicenseIndex} from "./libraries/LicenseIndex.sol";
import {LicenseRecord} from "./libraries/LicenseRecord.sol";
import {SeatList} from "./libraries/SeatList.sol";
import {NonFungible} from "./base/NonFungible.sol";

/// @title Licenses as ERC-721 tokens; soul-bound unless the terms say transferable (ERC-5192).
/// @dev Specified in `ILicenseToken`.
///      Nothing here can be taken from a holder: no revocation, no owner, and terms are content-addressed.
contract LicenseToken is ILicenseToken, NonFungible {
    using LibString for uint256;
    using LicenseIndex for LicenseIndex.Index;
    using LicenseRecord for uint96;
    using SeatList for SeatList.List;

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
    /// @dev Licenses that hold a seat, where seats are limited. One kind of terms has one duration and these licenses are
    ///      not renewed, so they end in the order they were issued.
    mapping(uint256 asset => mapping(uint256 terms => SeatList.List)) private _seats;

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
        if (rights.seats != 0 && !_takeSeat(_seats[asset][number], license, rights)) {
            revert NoSeatsLeft(asset, termsId, rights.seats);
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
    function end(uint256 license) external {
        if (msg.sender != MARKET) revert OnlyMarket(msg.sender);
        _burn(license);
        emit LicenseEnded(license);
    }

    /// @inheritdoc ILicenseToken
    function makeFirm(uint256 license) external {
        if (msg.sender != address(REGISTRY)) revert OnlyRegistry(msg.sender);
        _setExtraData(license, _getExtraData(license).asFirm());
    }

    /// @inheritdoc ILicenseToken
    function promote(uint256 license) external {
        if (!_exists(license)) revert UnknownLicense(license);
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
    function seatsTaken(uint256 asset, bytes32 termsId) external view returns (uint256 taken) {
        (uint256 number, ILicenseTerms.Rights memory rights) = TERMS.rightsOf(termsId);
        SeatList.List storage list = _seats[asset][number];
        taken = list.length;
        for (uint256 at = list.first; at != 0 && _hasEnded(at, rights); at = list.next(at)) {
            --taken;
        }
    }

    /// @inheritdoc ILicenseToken
    function isFirm(uint256 license) external view returns (bool) {
        return _getExtraData(license).isFirm();
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
        uint16 uses = _usesOf(rights);
        _take(from, license, record, uses);
        if (to == address(0)) {
            if (rights.seats != 0) _seats[record.assetOf()][record.termsOf()].remove(license);
            return;
        }
        if (!rights.transferable) revert SoulBound(license);
        _setExtraData(license, record.asFirm());
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

    /// @dev In the list there may be licenses that have ended: two leave when one comes, so that it grows no longer than
    ///      the seats are many.
    /// @return taken Whether there was a seat.
    function _takeSeat(SeatList.List storage list, uint256 license, ILicenseTerms.Rights memory rights)
        private
        returns (bool taken)
    {
        for (uint256 i = 0; i < 2 && list.first != 0 && _hasEnded(list.first, rights); ++i) {
            list.remove(list.first);
        }
        taken = list.length < rights.seats;
        if (taken) list.append(license);
    }

    function _hasEnded(uint256 license, ILicenseTerms.Rights memory rights) private view returns (bool) {
        return _untilOf(_getExtraData(license), rights) <= block.timestamp;
    }

    function _read(uint256 license) private view returns (uint96 record, ILicenseTerms.Rights memory rights) {
        record = _getExtraData(license);
        if (record == 0) revert UnknownLicense(license);
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
