// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title What is kept about one license: 96 bits, in the slot of its owner.
/// @dev From the low end: asset 31 bits, number of its terms 30, time 34, firm 1. Everything else follows from the terms, which
///      never change. The time is when the license ends or, where it never does, when it was issued.
///      Firm says that it changed hands, or that a derivative was registered with it.
library LicenseRecord {
    uint256 private constant ASSET_MASK = 0x7fffffff;
    uint256 private constant TERMS_MASK = 0x3fffffff;
    uint256 private constant TIME_MASK = 0x3ffffffff;
    uint256 private constant TERMS_AT = 31;
    uint256 private constant TIME_AT = 61;
    uint96 private constant FIRM = 1 << 95;

    /// @notice A number is larger than its place.
    error OutOfRoom(uint256 asset, uint256 terms, uint256 time);

    function pack(uint256 asset, uint256 terms, uint256 time) internal pure returns (uint96) {
        if (asset > ASSET_MASK || terms > TERMS_MASK || time > TIME_MASK) revert OutOfRoom(asset, terms, time);
        return uint96(asset | terms << TERMS_AT | time << TIME_AT);
    }

    function assetOf(uint96 record) internal pure returns (uint256) {
        return record & ASSET_MASK;
    }

    function termsOf(uint96 record) internal pure returns (uint256) {
        return record >> TERMS_AT & TERMS_MASK;
    }

    function timeOf(uint96 record) internal pure returns (uint40) {
        return uint40(record >> TIME_AT & TIME_MASK);
    }

    function withTime(uint96 record, uint256 time) internal pure returns (uint96) {
        return pack(assetOf(record), termsOf(record), time) | record & FIRM;
    }

    function isFirm(uint96 record) internal pure returns (bool) {
        return record & FIRM != 0;
    }

    function asFirm(uint96 record) internal pure returns (uint96) {
        return record | FIRM;
    }
}
