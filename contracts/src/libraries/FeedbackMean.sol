// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IReputationRegistry} from "../interfaces/IReputationRegistry.sol";

/// @title Mean of feedback values of one measure.
library FeedbackMean {
    int256 private constant UNIT = 1e18;

    /// @param total Sum of the values, in parts of 1e18.
    /// @param decimals Digits behind the point of the most precise value.
    /// @param measure `tag1` of all of them.
    struct Sum {
        uint64 count;
        uint8 decimals;
        int256 total;
        string measure;
    }

    /// @notice Adds a value; one of another measure is refused.
    function add(Sum memory sum, int128 value, uint8 decimals, string memory measure) internal pure {
        if (sum.count == 0) {
            sum.measure = measure;
        } else if (keccak256(bytes(sum.measure)) != keccak256(bytes(measure))) {
            revert IReputationRegistry.UnlikeMeasures(sum.measure, measure);
        }
        // 1e38 parts of 1e18, 2**64 times: far below 2**255.
        sum.total += int256(value) * UNIT / int256(10 ** decimals);
        ++sum.count;
        if (decimals > sum.decimals) sum.decimals = decimals;
    }

    /// @return count Of the values.
    /// @return value Their mean, rounded toward zero; zero when there are none.
    /// @return decimals Those of the most precise value, or fewer where the mean would not fit otherwise.
    function mean(Sum memory sum) internal pure returns (uint64 count, int128 value, uint8 decimals) {
        if (sum.count == 0) return (0, 0, 0);
        int256 exact = sum.total / int256(uint256(sum.count));
        (count, decimals) = (sum.count, sum.decimals);
        while (!_fits(exact * int256(10 ** decimals) / UNIT)) --decimals;
        value = int128(exact * int256(10 ** decimals) / UNIT);
    }

    function _fits(int256 value) private pure returns (bool) {
        return value >= type(int128).min && value <= type(int128).max;
    }
}
