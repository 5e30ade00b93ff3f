// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Content-addressed license terms: `termsId = keccak256(abi.encode(terms))`.
interface ILicenseTerms {
    /// @param currency ERC-20 token of the price.
    /// @param price Price of one license, in the currency's smallest unit.
    /// @param refundWindow Seconds in which a license bought can be given back for its price; zero for none.
    /// @param duration Seconds a license lasts; zero is for ever.
    /// @param seats Most licenses that may be valid at once; zero is no limit.
    /// @param royaltyBps What a derivative owes of its revenue, in basis points.
    /// @param uses Bit mask of `Uses`.
    /// @param transferable Whether the license token may change hands.
    /// @param attribution Derivatives must name the source (not enforced on chain).
    /// @param reciprocal Derivatives must be offered under the same terms (share-alike; not enforced on chain).
    /// @param computeOnly Data never leaves: no key is released to a reader.
    /// @param textUri Where the legal text is.
    /// @param textHash SHA-256 of the legal text.
    struct Terms {
        address currency;
        uint256 price;
        uint32 refundWindow;
        uint64 duration;
        uint32 seats;
        uint16 royaltyBps;
        uint16 uses;
        bool transferable;
        bool attribution;
        bool reciprocal;
        bool computeOnly;
        string textUri;
        bytes32 textHash;
    }

    /// @notice The first fields of `Terms`, in their order: what a sale looks at.
    struct Price {
        IERC20 currency;
        uint256 amount;
        uint32 refundWindow;
    }

    /// @notice The fields of `Terms` between price and text, in their order: what a license looks at.
    struct Rights {
        uint64 duration;
        uint32 seats;
        uint16 royaltyBps;
        uint16 uses;
        bool transferable;
        bool attribution;
        bool reciprocal;
        bool computeOnly;
    }

    /// @notice Terms that nobody registered before.
    event TermsRegistered(bytes32 indexed termsId, Terms terms);

    /// @notice Nobody registered terms with that id.
    error UnknownTerms(bytes32 termsId);
    /// @notice The terms contradict themselves or exceed a limit.
    error InvalidTerms(string reason);

    /// @notice Stores terms under their content address; storing the same terms twice is no error.
    function register(Terms calldata terms) external returns (bytes32 termsId);
    /// @notice The id that `terms` have or would have.
    function idOf(Terms calldata terms) external pure returns (bytes32 termsId);
    /// @notice The terms behind an id.
    function get(bytes32 termsId) external view returns (Terms memory);
    /// @notice What a license under these terms costs.
    function priceOf(bytes32 termsId) external view returns (Price memory);
    /// @notice What such a license allows; and the number of the terms, counted from 1 as they are registered.
    function rightsOf(bytes32 termsId) external view returns (uint256 number, Rights memory rights);
    /// @notice `rightsOf` by number; reverts for one that was not given out.
    function rightsAt(uint256 number) external view returns (Rights memory);
    /// @notice The id of terms by their number.
    function idAt(uint256 number) external view returns (bytes32 termsId);
}

/// @title The uses a license may allow (names after ERC-7517), one bit each.
library Uses {
    uint16 internal constant INFERENCE = 1;
    uint16 internal constant TRAINING = 2;
    uint16 internal constant GENERATIVE_TRAINING = 4;
    uint16 internal constant REDISTRIBUTION = 8;
    uint16 internal constant COMMERCIAL = 16;
    uint16 internal constant DERIVATIVE = 32;
    /// @dev Reading the bytes: implied by every license that is not compute-only; asked by the vault.
    uint16 internal constant READ = 64;
    uint16 internal constant ALL = 127;
}
