// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LibRLP} from "solady/utils/LibRLP.sol";
import {SSTORE2} from "solady/utils/SSTORE2.sol";

import {ILicenseTerms, Uses} from "./interfaces/ILicenseTerms.sol";

/// @title Content-addressed license terms: `termsId = keccak256(abi.encode(terms))`.
/// @dev Specified in `ILicenseTerms`. Terms are contract code; this contract creates nothing else, so the number of terms
///      is the nonce of their creation and gives their address (EIP-161), and their id is the hash of what lies there.
contract LicenseTerms is ILicenseTerms {
    /// @notice Longest duration that is not for ever: one hundred years.
    uint64 public constant MAX_DURATION = 36_525 days;
    uint32 public constant MAX_REFUND_WINDOW = 30 days;
    uint16 public constant MAX_ROYALTY_BPS = 10_000;
    uint256 public constant MAX_TEXT_URI_BYTES = 512;

    /// @dev Where the parts lie in encoded terms: the first word points to the whole tuple.
    uint256 private constant PRICE_AT = 32;
    uint256 private constant RIGHTS_AT = PRICE_AT + 3 * 32;
    uint256 private constant TEXT_AT = RIGHTS_AT + 8 * 32;

    mapping(bytes32 termsId => uint256 number) private _numbers;

    uint256 private _count;

    /// @inheritdoc ILicenseTerms
    function register(Terms calldata terms) external returns (bytes32 termsId) {
        bytes memory encoded = abi.encode(terms);
        termsId = keccak256(encoded);
        if (_numbers[termsId] != 0) return termsId;
        _check(terms);
        uint256 number = ++_count;
        _numbers[termsId] = number;
        address pointer = SSTORE2.write(encoded);
        assert(pointer == _pointerOf(number));
        emit TermsRegistered(termsId, terms);
    }

    /// @inheritdoc ILicenseTerms
    function idOf(Terms calldata terms) external pure returns (bytes32 termsId) {
        return keccak256(abi.encode(terms));
    }

    /// @inheritdoc ILicenseTerms
    function get(bytes32 termsId) external view returns (Terms memory) {
        return abi.decode(SSTORE2.read(_pointerOf(_known(termsId))), (Terms));
    }

    /// @inheritdoc ILicenseTerms
    function priceOf(bytes32 termsId) external view returns (Price memory) {
        return abi.decode(SSTORE2.read(_pointerOf(_known(termsId)), PRICE_AT, RIGHTS_AT), (Price));
    }

    /// @inheritdoc ILicenseTerms
    function rightsOf(bytes32 termsId) external view returns (uint256 number, Rights memory rights) {
        number = _known(termsId);
        rights = rightsAt(number);
    }

    /// @inheritdoc ILicenseTerms
    function rightsAt(uint256 number) public view returns (Rights memory) {
        return abi.decode(SSTORE2.read(_pointerOf(number), RIGHTS_AT, TEXT_AT), (Rights));
    }

    /// @inheritdoc ILicenseTerms
    function idAt(uint256 number) external view returns (bytes32 termsId) {
        return keccak256(SSTORE2.read(_pointerOf(number)));
    }

    function _known(bytes32 termsId) private view returns (uint256 number) {
        number = _numbers[termsId];
        if (number == 0) revert UnknownTerms(termsId);
    }

    function _pointerOf(uint256 number) private view returns (address) {
        return LibRLP.computeAddress(address(this), number);
    }

    function _check(Terms calldata terms) private pure {
        if (terms.uses & ~Uses.ALL != 0) revert InvalidTerms("unknown use");
        if (terms.uses == 0) revert InvalidTerms("no use allowed");
        if (terms.computeOnly && terms.uses & Uses.READ != 0) {
            revert InvalidTerms("compute-only terms cannot allow reading");
        }
        if (terms.royaltyBps > MAX_ROYALTY_BPS) revert InvalidTerms("royalty above 100 %");
        if (terms.duration > MAX_DURATION) revert InvalidTerms("duration above 100 years");
        if (terms.refundWindow != 0) {
            if (terms.price == 0) revert InvalidTerms("refund window without a price");
            if (terms.refundWindow > MAX_REFUND_WINDOW) revert InvalidTerms("refund window above 30 days");
            if (terms.duration != 0 && terms.refundWindow >= terms.duration) {
                revert InvalidTerms("refund window not shorter than the license");
            }
        }
        if (terms.price != 0 && terms.currency == address(0)) revert InvalidTerms("price without a currency");
        if (bytes(terms.textUri).length > MAX_TEXT_URI_BYTES) revert InvalidTerms("text URI above 512 bytes");
    }
}
