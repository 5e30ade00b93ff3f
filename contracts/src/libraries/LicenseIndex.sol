// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LibBit} from "solady/utils/LibBit.sol";

/// @title The licenses of one account for one asset, so that "may it?" is answered in bounded work.
/// @notice Licenses are grouped by the exact set of uses they allow (at most 128 sets); a group remembers the license
///         that expires last. However many licenses somebody else pours over an account, the answer costs the same.
library LicenseIndex {
    /// @param groups Bit `uses` is set when the group of that set of uses has a license.
    /// @param best Per group: `until << 192 | license`.
    /// @param history Every license the account was given, oldest first.
    struct Index {
        uint128 groups;
        mapping(uint256 uses => uint256) best;
        uint256[] history;
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
