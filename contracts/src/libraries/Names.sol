// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Spelling of `owner/name`: what a handle and an asset name may look like.
library Names {
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
        if (length == 0 || length > 64 || !_isAlphanumeric(letters[0])) return false;
        for (uint256 i = 1; i < length; ++i) {
            bytes1 letter = letters[i];
            if (!_isAlphanumeric(letter) && letter != "." && letter != "_" && letter != "-") return false;
        }
        return true;
    }

    function _isAlphanumeric(bytes1 letter) private pure returns (bool) {
        return (letter >= "a" && letter <= "z") || (letter >= "0" && letter <= "9");
    }
}
