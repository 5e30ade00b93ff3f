// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LibBit} from "solady/utils/LibBit.sol";

/// @title The licenses of one account for one asset, so that "may it?" is answered in bounded work.
/// @notice Licenses are grouped by the exact set of uses they allow (at most 128 sets); a group remembers the license
///         that expires last. However many licenses somebody else pours over an account, the answer costs the same.
library LicenseIndex {
    /// @param groups Bit `uses` is set when the group of that set of uses has a license.
    /// @param best Per group: `until << 192 | license`.
    /// @param newest Of the licenses the account was given, in the order of their first coming: a chain from the newest
    ///        to the oldest, so that the first license, the usual one, costs no slot of its own.
    /// @param older What came before a license; nothing before the oldest.
    struct Index {
        uint128 groups;
        uint64 newest;
        uint64 oldest;
        mapping(uint256 uses => uint256) best;
        mapping(uint256 license => uint256) older;
    }

    /// @notice Adds `license` to the chain unless it has been there.
    function remember(Index storage index, uint256 license) internal {
        uint64 newest = index.newest;
        if (newest == 0) {
            index.oldest = uint64(license);
        } else {
            if (license == index.oldest || index.older[license] != 0) return;
            index.older[license] = newest;
        }
        index.newest = uint64(license);
    }

    /// @return licenses The whole chain, newest last.
    function history(Index storage index) internal view returns (uint256[] memory licenses) {
        uint256 length;
        for (uint256 at = index.newest; at != 0; at = index.older[at]) {
            ++length;
        }
        licenses = new uint256[](length);
        for (uint256 at = index.newest; at != 0; at = index.older[at]) {
            licenses[--length] = at;
        }
    }

    /// @notice Lets `license` stand for its group unless one that lasts longer does.
    function enter(Index storage index, uint256 license, uint16 uses, uint64 until) internal {
        if (until < untilOf(index.best[uses])) return;
        index.best[uses] = uint256(until) << 192 | license;
        index.groups |= uint128(1) << uses;
    }

    /// @notice Takes `license` out of its group.
    /// @return vacant Whether the group now needs another license to stand for it.
    function leave(Index storage index, uint256 license, uint16 uses) internal returns (bool vacant) {
        vacant = licenseOf(index.best[uses]) == license;
        if (vacant) {
            delete index.best[uses];
            index.groups &= ~(uint128(1) << uses);
        }
    }

    /// @return license The one that allows every bit of `use`, is valid now and lasts longest; zero when none does.
    function find(Index storage index, uint16 use) internal view returns (uint256 license) {
        uint256 longest = block.timestamp;
        for (uint256 left = index.groups; left != 0; left &= left - 1) {
            uint256 uses = LibBit.ffs(left);
            if (uses & use != use) continue;
            uint256 entry = index.best[uses];
            if (untilOf(entry) > longest) {
                longest = untilOf(entry);
                license = licenseOf(entry);
            }
        }
    }

    function untilOf(uint256 entry) internal pure returns (uint64) {
        return uint64(entry >> 192);
    }

    function licenseOf(uint256 entry) internal pure returns (uint256) {
        return uint192(entry);
    }
}
