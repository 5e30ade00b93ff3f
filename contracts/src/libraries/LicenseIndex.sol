// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LibBit} from "solady/utils/LibBit.sol";

/// @title The licenses of one account for one asset, so that "may it?" is answered in bounded work.
/// @notice Licenses are grouped by the exact set of uses they allow (at most 128 sets); a group remembers the license
///         that expires last. However many licenses somebody else pours over an account, the answer costs the same.
library LicenseIndex {
    /// @dev One group, usually the only one, lies in the first slot: who has one license pays for one slot.
    /// @param newest Of the licenses the account was given, in the order of their first coming: a chain from the newest
    ///        to the oldest, so that the first license, the usual one, costs no slot of its own.
    /// @param lead The license that stands for the group in the first slot; zero when there is none.
    /// @param leadUntil When `lead` ends, and `leadUses` what its group allows.
    /// @param others Whether any bit of `groups` was ever set.
    /// @param groups Bit `uses` is set when the group of that set of uses has a license in `best`.
    /// @param best Per group: `until << 192 | license`.
    /// @param older What came before a license; nothing before the oldest.
    struct Index {
        uint40 newest;
        uint40 oldest;
        uint40 lead;
        uint40 leadUntil;
        uint8 leadUses;
        bool others;
        uint128 groups;
        mapping(uint256 uses => uint256) best;
        mapping(uint256 license => uint256) older;
    }

    /// @notice Takes in a license that came to the account: into the chain unless it has been there, and into its group.
    function add(Index storage index, uint256 license, uint16 uses, uint40 until) internal {
        uint40 newest = index.newest;
        uint40 number = uint40(license);
        if (newest == 0) {
            index.newest = number;
            index.oldest = number;
            index.lead = number;
            index.leadUntil = until;
            index.leadUses = uint8(uses);
            return;
        }
        if (number != index.oldest && index.older[license] == 0) {
            index.older[license] = newest;
            index.newest = number;
        }
        enter(index, license, uses, until);
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
    function enter(Index storage index, uint256 license, uint16 uses, uint40 until) internal {
        bool led = index.lead != 0;
        if (led ? index.leadUses == uses : !_hasGroup(index, uses)) {
            if (led && until < index.leadUntil) return;
            (index.lead, index.leadUntil, index.leadUses) = (uint40(license), until, uint8(uses));
            return;
        }
        if (until < untilOf(index.best[uses])) return;
        index.best[uses] = uint256(until) << 192 | license;
        index.groups |= uint128(1) << uses;
        if (!index.others) index.others = true;
    }

    /// @notice Takes `license` out of its group.
    /// @return vacant Whether the group now needs another license to stand for it.
    function leave(Index storage index, uint256 license, uint16 uses) internal returns (bool vacant) {
        if (index.lead == license) {
            (index.lead, index.leadUntil, index.leadUses) = (0, 0, 0);
            return true;
        }
        vacant = licenseOf(index.best[uses]) == license;
        if (vacant) {
            delete index.best[uses];
            index.groups &= ~(uint128(1) << uses);
        }
    }

    /// @return license The one that allows every bit of `use`, is valid now and lasts longest; zero when none does.
    function find(Index storage index, uint16 use) internal view returns (uint256 license) {
        uint256 longest = block.timestamp;
        if (index.leadUses & use == use && index.leadUntil > longest) {
            (license, longest) = (index.lead, index.leadUntil);
        }
        if (!index.others) return license;
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

    function _hasGroup(Index storage index, uint16 uses) private view returns (bool) {
        return index.others && index.groups >> uses & 1 == 1;
    }
}
