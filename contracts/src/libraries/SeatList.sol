// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Licenses that hold a seat, in the order they end: a list where any can leave at the same cost.
library SeatList {
    /// @param first The one that ends first; zero when the list is empty.
    /// @param links Per license: `previous << 128 | next`.
    struct List {
        uint64 first;
        uint64 last;
        uint64 length;
        mapping(uint256 license => uint256) links;
    }

    /// @notice Adds `license`, which ends no earlier than those in the list.
    function append(List storage list, uint256 license) internal {
        uint64 last = list.last;
        if (last == 0) {
            list.first = uint64(license);
        } else {
            list.links[last] |= license;
            list.links[license] = uint256(last) << 128;
        }
        list.last = uint64(license);
        ++list.length;
    }

    /// @notice Takes `license` out, which is in the list.
    function remove(List storage list, uint256 license) internal {
        uint256 link = list.links[license];
        uint256 previous = link >> 128;
        uint256 following = uint128(link);
        if (previous == 0) list.first = uint64(following);
        else list.links[previous] = list.links[previous] >> 128 << 128 | following;
        if (following == 0) list.last = uint64(previous);
        else list.links[following] = previous << 128 | uint128(list.links[following]);
        delete list.links[license];
        --list.length;
    }

    /// @notice The one that ends next after `license`; zero at the end.
    function next(List storage list, uint256 license) internal view returns (uint256) {
        return uint128(list.links[license]);
    }
}
