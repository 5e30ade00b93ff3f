// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {SSTORE2} from "solady/utils/SSTORE2.sol";

import {ILicenseTerms, Uses} from "./interfaces/ILicenseTerms.sol";

/// @title Content-addressed license terms: `termsId = keccak256(abi.encode(terms))`.
/// @dev Specified in `ILicenseTerms`.
contract LicenseTerms is ILicenseTerms {
    /// @notice Longest duration that is not for ever: one hundred years.
    uint64 public constant MAX_DURATION = 36_525 days;
    uint16 public constant MAX_ROYALTY_BPS = 10_000;
    uint256 public constant MAX_TEXT_URI_BYTES = 512;

    mapping(bytes32 termsId => address pointer) private _terms;

    /// @inheritdoc ILicenseTerms
    function register(Terms calldata terms) external returns (bytes32 termsId) {
        bytes memory encoded = abi.encode(terms);
        termsId = keccak256(encoded);
        if (_terms[termsId] != address(0)) return termsId;
        _check(terms);
        _terms[termsId] = SSTORE2.write(encoded);
        emit TermsRegistered(termsId, terms);
    }

    /// @inheritdoc ILicenseTerms
    function idOf(Terms calldata terms) external pure returns (bytes32 termsId) {
        return keccak256(abi.encode(terms));
    }

    /// @inheritdoc ILicenseTerms
    function get(bytes32 termsId) external view returns (Terms memory) {
        address pointer = _terms[termsId];
        if (pointer == address(0)) revert UnknownTerms(termsId);
        return abi.decode(SSTORE2.read(pointer), (Terms));
    }

    function _check(Terms calldata terms) private pure {
        if (terms.uses & ~Uses.ALL != 0) revert InvalidTerms("unknown use");
        if (terms.uses == 0) revert InvalidTerms("no use allowed");
        if (terms.computeOnly && terms.uses & Uses.READ != 0) {
            revert InvalidTerms("compute-only terms cannot allow reading");
        }
        if (terms.royaltyBps > MAX_ROYALTY_BPS) revert InvalidTerms("royalty above 100 %");
        if (terms.duration > MAX_DURATION) revert InvalidTerms("duration above 100 years");
        if (terms.price != 0 && terms.currency == address(0)) revert InvalidTerms("price without a currency");
        if (bytes(terms.textUri).length > MAX_TEXT_URI_BYTES) revert InvalidTerms("text URI above 512 bytes");
    }
}
