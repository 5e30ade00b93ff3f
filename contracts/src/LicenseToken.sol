// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";

import {IAssetRegistry} from "./interfaces/IAssetRegistry.sol";
import {ILicenseTerms, Uses} from "./interfaces/ILicenseTerms.sol";
import {ILicenseToken} from "./interfaces/ILicenseToken.sol";
import {LicenseIndex} from "./libraries/LicenseIndex.sol";

/// @title Licenses as ERC-721 tokens; soul-bound unless the terms say transferable (ERC-5192).
/// @dev Specified in `ILicenseToken`.
///      Nothing here can be taken back: no burn, no revocation, no owner, and terms are content-addressed.
contract LicenseToken is ILicenseToken, ERC721 {
    using Checkpoints for Checkpoints.Trace208;
    using LicenseIndex for LicenseIndex.Index;

    /// @dev ERC-5192.
    bytes4 private constant LOCKED_INTERFACE = 0xb45a3c0e;
    /// @dev How far back a seller's older licenses are searched for one to stand in for the sold one.
    uint256 private constant LOOK_BACK = 32;
    /// @dev How far ahead renewals may reach: the longest duration that terms may have.
    uint256 private constant FARTHEST = 36_525 days;
    uint48 private constant NEVER = type(uint48).max;

    /// @param terms Short for a `termsId`, so that an entry is one slot.
    struct Entry {
        uint64 asset;
        uint40 issuedAt;
        uint48 until;
        uint16 royaltyBps;
        uint16 uses;
        uint32 terms;
        bool transferable;
    }

    IAssetRegistry public immutable REGISTRY;
    ILicenseTerms public immutable TERMS;
    address public immutable MARKET;

    /// @notice Licenses issued so far; ids are given out from 1 upward.
    uint256 public licenseCount;

    mapping(uint256 license => Entry) private _entries;
    bytes32[] private _terms;
    /// @dev Position in `_terms`, counted from 1.
    mapping(bytes32 termsId => uint256) private _termsNumbers;
    mapping(address account => mapping(uint256 asset => LicenseIndex.Index)) private _indexes;
    /// @dev Number of licenses issued that expire until a given time, where seats are limited. One kind of terms has one
    ///      duration and these licenses are not renewed, so times ascend.
    mapping(uint256 asset => mapping(bytes32 termsId => Checkpoints.Trace208)) private _issued;

    /// @param market Address the market will have; predicted, since it needs this contract's.
    constructor(IAssetRegistry registry, ILicenseTerms terms, address market) ERC721("Sahara License", "LICENSE") {
        REGISTRY = registry;
        TERMS = terms;
        MARKET = market;
    }

    /* ----------------------------------------------------------------- changes */

    /// @inheritdoc ILicenseToken
    function issue(address holder, uint256 asset, bytes32 termsId) external returns (uint256 license) {
        if (msg.sender != MARKET) revert OnlyMarket(msg.sender);
        ILicenseTerms.Terms memory terms = TERMS.get(termsId);
        uint48 until = terms.duration == 0 ? NEVER : uint48(block.timestamp + terms.duration);
        uint16 uses = terms.computeOnly ? terms.uses & ~Uses.READ : terms.uses | Uses.READ;

        license = ++licenseCount;
        _entries[license] = Entry({
            asset: uint64(asset),
            issuedAt: uint40(block.timestamp),
            until: until,
            royaltyBps: terms.royaltyBps,
            uses: uses,
            terms: _numberOf(termsId),
            transferable: terms.transferable
        });
        if (terms.seats != 0) {
            Checkpoints.Trace208 storage issued = _issued[asset][termsId];
            issued.push(until, issued.latest() + 1);
        }
        _mint(holder, license);

        emit LicenseIssued(license, asset, holder, termsId, _expiry(until), terms.royaltyBps, uses);
        if (terms.transferable) emit Unlocked(license);
        else emit Locked(license);
    }

    /// @inheritdoc ILicenseToken
    function renew(uint256 license) external returns (uint64 expiresAt) {
        if (msg.sender != MARKET) revert OnlyMarket(msg.sender);
        Entry storage entry = _entry(license);
        if (entry.until == NEVER) revert NeverExpires(license);
        ILicenseTerms.Terms memory terms = TERMS.get(_termsOf(entry));
        // Whoever waits for a seat gets it when a license ends.
        if (terms.seats != 0) revert SeatNotRenewable(license, terms.seats);
        uint256 until = Math.max(entry.until, block.timestamp) + terms.duration;
        uint256 latest = block.timestamp + FARTHEST;
        if (until > latest) revert RenewedTooFar(license, until, latest);
        expiresAt = uint64(until);
        entry.until = uint48(until);
        _indexes[_ownerOf(license)][entry.asset].enter(license, entry.uses, expiresAt);
        emit LicenseRenewed(license, expiresAt);
    }

    /// @inheritdoc ILicenseToken
    function promote(uint256 license) external {
        Entry storage entry = _entry(license);
        _indexes[_ownerOf(license)][entry.asset].enter(license, entry.uses, entry.until);
    }

    /* ----------------------------------------------------------------- views */

    /// @inheritdoc ILicenseToken
    function get(uint256 license) external view returns (License memory) {
        Entry storage entry = _entry(license);
        return License({
            asset: entry.asset,
            termsId: _termsOf(entry),
            issuedAt: entry.issuedAt,
            expiresAt: _expiry(entry.until),
            royaltyBps: entry.royaltyBps,
            uses: entry.uses
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
    function seatsTaken(uint256 asset, bytes32 termsId) external view returns (uint256) {
        Checkpoints.Trace208 storage issued = _issued[asset][termsId];
        return issued.latest() - issued.upperLookup(uint48(block.timestamp));
    }

    /// @inheritdoc ILicenseToken
    function locked(uint256 license) external view returns (bool) {
        return !_entry(license).transferable;
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override(ERC721, IERC165) returns (bool) {
        return interfaceId == LOCKED_INTERFACE || super.supportsInterface(interfaceId);
    }

    /* ----------------------------------------------------------------- inside */

    function _update(address to, uint256 license, address auth) internal override returns (address from) {
        from = super._update(to, license, auth);
        Entry storage entry = _entries[license];
        if (from == to) return from;
        if (from != address(0)) {
            if (!entry.transferable) revert SoulBound(license);
            _takeFrom(from, license, entry);
        }
        LicenseIndex.Index storage index = _indexes[to][entry.asset];
        index.remember(license);
        index.enter(license, entry.uses, entry.until);
    }

    function _takeFrom(address seller, uint256 license, Entry storage entry) private {
        LicenseIndex.Index storage index = _indexes[seller][entry.asset];
        if (!index.leave(license, entry.uses)) return;
        uint256 other = index.newest;
        for (uint256 i = 0; i < LOOK_BACK && other != 0; ++i) {
            Entry storage candidate = _entries[other];
            if (candidate.uses == entry.uses && _ownerOf(other) == seller) {
                index.enter(other, candidate.uses, candidate.until);
            }
            other = index.older[other];
        }
    }

    function _numberOf(bytes32 termsId) private returns (uint32) {
        uint256 number = _termsNumbers[termsId];
        if (number == 0) {
            _terms.push(termsId);
            number = _terms.length;
            _termsNumbers[termsId] = number;
        }
        return uint32(number);
    }

    function _termsOf(Entry storage entry) private view returns (bytes32) {
        return _terms[entry.terms - 1];
    }

    function _entry(uint256 license) private view returns (Entry storage) {
        if (_ownerOf(license) == address(0)) revert UnknownLicense(license);
        return _entries[license];
    }

    function _expiry(uint64 until) private pure returns (uint64) {
        return until == NEVER ? 0 : until;
    }
}
