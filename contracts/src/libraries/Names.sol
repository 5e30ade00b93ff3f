// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LibString} from "solady/utils/LibString.sol";

/// @title Spelling of `owner/name`: what a handle and an asset name may look like.
library Names {
    using LibString for string;

    /// @dev Bit `c` is set when the character `c` is a-z or 0-9; and then also dot, underscore, hyphen.
    uint128 private constant ALPHANUMERIC = 0x3ff << 48 | 0x3ffffff << 97;
    uint128 private constant IN_NAME = ALPHANUMERIC | 1 << 45 | 1 << 46 | 1 << 95;

    /// @notice 3 to 32 characters of a-z and 0-9 with single inner hyphens.
    function isHandle(string memory text) internal pure returns (bool) {
        bytes memory letters = bytes(text);
        uint256 length = letters.length;
        if (length < 3 || length > 32) return false;
        bool afterHyphen = true;
        for (uint256 i = 0; i < length; ++i) {
            bool hyphen = letters[i] == "-";
            if (hyphen ? afterHyphen : !_isAlphanumeric(letters[i])) return false;
            afterHyphen = hyphen;
        }
        return !afterHyphen;
    }

    /// @notice 1 to 64 characters of a-z, 0-9, dot, underscore and hyphen, the first a letter or digit.
    function isAssetName(string memory text) internal pure returns (bool) {
        bytes memory letters = bytes(text);
        uint256 length = letters.length;
        return length != 0 && length <= 64 && _isAlphanumeric(letters[0]) && text.is7BitASCII(IN_NAME);
    }

    function _isAlphanumeric(bytes1 letter) private pure returns (bool) {
        return letter < 0x80 && ALPHANUMERIC >> uint8(letter) & 1 == 1;
    }
}
