// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Royalty tables: which assets share in an asset's revenue, and how much.
/// @dev In memory an entry is `payee << 32 | share`, sorted by payee. As bytes it is 12 bytes: 8 of payee, 4 of share.
library RoyaltyTable {
    /// @notice Shares are parts of this.
    uint256 internal constant SCALE = 1e9;
    /// @notice One basis point in parts of `SCALE`.
    uint256 internal constant BASIS_POINT = 1e5;
    uint256 internal constant MAX_PAYEES = 16;

    uint256 private constant ENTRY_BYTES = 12;

    /// @notice What a child that owes `share` to `parent` pays: to each of the parent's own payees their part of it, and
    ///         the rest, rounding included, to the parent.
    function lineOf(uint256[] memory parentTable, uint256 parent, uint256 share)
        internal
        pure
        returns (uint256[] memory line)
    {
        if (share == 0) return line;
        uint256 length = parentTable.length;
        line = new uint256[](length + 1);
        uint256 kept = share;
        uint256 used;
        for (uint256 i = 0; i < length; ++i) {
            uint256 part = share * shareOf(parentTable[i]) / SCALE;
            if (part == 0) continue;
            kept -= part;
            line[used++] = payeeOf(parentTable[i]) << 32 | part;
        }
        // Every payee of the parent is older than the parent, so the line stays sorted.
        if (kept != 0) line[used++] = parent << 32 | kept;
        _shorten(line, used);
    }

    /// @notice Adds two sorted tables; a payee found in both gets the sum once.
    function merge(uint256[] memory a, uint256[] memory b) internal pure returns (uint256[] memory) {
        return _join(a, b, true);
    }

    /// @notice Joins two sorted tables; a payee found in both gets the larger share.
    function atLeast(uint256[] memory a, uint256[] memory b) internal pure returns (uint256[] memory) {
        return _join(a, b, false);
    }

    /// @notice The table but for the entry of `payee`.
    function without(uint256[] memory table, uint256 payee) internal pure returns (uint256[] memory rest) {
        rest = new uint256[](table.length);
        uint256 used;
        for (uint256 i = 0; i < table.length; ++i) {
            if (payeeOf(table[i]) != payee) rest[used++] = table[i];
        }
        _shorten(rest, used);
    }

    function sumOf(uint256[] memory table) internal pure returns (uint256 sum) {
        for (uint256 i = 0; i < table.length; ++i) {
            sum += shareOf(table[i]);
        }
    }

    /// @notice What the payee of `entry` gets of `amount`, rounded down; `amount` is below 2^128, so nothing overflows.
    function partOf(uint256 amount, uint256 entry) internal pure returns (uint256) {
        unchecked {
            return amount * shareOf(entry) / SCALE;
        }
    }

    /// @notice Where the entries of a packed table begin and end in memory.
    function bounds(bytes memory packed) internal pure returns (uint256 at, uint256 end) {
        assembly ("memory-safe") {
            at := add(packed, 0x20)
            end := add(at, mload(packed))
        }
    }

    /// @notice Where the entry after the one at `at` is.
    function next(uint256 at) internal pure returns (uint256) {
        unchecked {
            return at + ENTRY_BYTES;
        }
    }

    /// @notice The payee of the entry at `at` in memory, and what it gets of `amount`, which is below 2^128.
    function partAt(uint256 at, uint256 amount) internal pure returns (uint256 payee, uint256 part) {
        uint256 entry = _entryAt(at);
        unchecked {
            return (entry >> 32, amount * uint32(entry) / SCALE);
        }
    }

    function payeeOf(uint256 entry) internal pure returns (uint256) {
        return entry >> 32;
    }

    function shareOf(uint256 entry) internal pure returns (uint256) {
        return uint32(entry);
    }

    function pack(uint256[] memory table) internal pure returns (bytes memory packed) {
        uint256 length = table.length;
        packed = new bytes(length * ENTRY_BYTES);
        for (uint256 i = 0; i < length; ++i) {
            // Writes 12 bytes and puts back the 20 behind them as they were.
            uint256 word = table[i] << 160;
            assembly ("memory-safe") {
                let at := add(add(packed, 0x20), mul(i, ENTRY_BYTES))
                mstore(at, or(word, shr(96, shl(96, mload(at)))))
            }
        }
    }

    function unpack(bytes memory packed) internal pure returns (uint256[] memory table) {
        table = new uint256[](packed.length / ENTRY_BYTES);
        (uint256 at, uint256 end) = bounds(packed);
        for (uint256 i = 0; at < end; at = next(at)) {
            table[i++] = _entryAt(at);
        }
    }

    function _entryAt(uint256 at) private pure returns (uint256 entry) {
        assembly ("memory-safe") {
            entry := shr(160, mload(at))
        }
    }

    function _join(uint256[] memory a, uint256[] memory b, bool add) private pure returns (uint256[] memory joined) {
        (uint256 n, uint256 m) = (a.length, b.length);
        if (n == 0) return b;
        if (m == 0) return a;
        joined = new uint256[](n + m);
        uint256 i;
        uint256 j;
        uint256 used;
        while (i < n && j < m) {
            (uint256 left, uint256 right) = (payeeOf(a[i]), payeeOf(b[j]));
            if (left < right) joined[used++] = a[i++];
            else if (right < left) joined[used++] = b[j++];
            // Of entries of one payee the larger one has the larger share.
            else if (add) joined[used++] = a[i++] + shareOf(b[j++]);
            else joined[used++] = Math.max(a[i++], b[j++]);
        }
        while (i < n) joined[used++] = a[i++];
        while (j < m) joined[used++] = b[j++];
        _shorten(joined, used);
    }

    function _shorten(uint256[] memory list, uint256 length) private pure {
        assembly ("memory-safe") {
            mstore(list, length)
        }
    }
}
