// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {ILicenseTerms, Uses} from "../src/interfaces/ILicenseTerms.sol";

contract LicenseTermsTest is Lab {
    function testFuzz_terms_are_found_under_the_hash_of_their_content(
        uint256 price,
        uint64 duration,
        uint32 seats,
        uint16 royaltyBps,
        uint16 uses,
        bool transferable,
        bytes32 textHash
    ) public {
        ILicenseTerms.Terms memory what = remix(price, royaltyBps % 10_001);
        what.duration = duration % terms.MAX_DURATION();
        what.seats = seats;
        what.uses = uint16(bound(uses, 1, Uses.ALL));
        what.transferable = transferable;
        what.textHash = textHash;
        bytes32 id = terms.register(what);
        assertEq(id, keccak256(abi.encode(what)));
        assertEq(id, terms.idOf(what));
        assertEq(keccak256(abi.encode(terms.get(id))), id, "what is read back is what was written");
        assertEq(terms.register(what), id, "twice is no error");
    }

    /// @dev The vector of docs/spec/contracts.md, computed there by another implementation of the ABI.
    function test_the_published_vector() public view {
        ILicenseTerms.Terms memory what = ILicenseTerms.Terms({
            currency: address(1),
            price: 25e18,
            refundWindow: 7 days,
            duration: 2_592_000,
            seats: 3,
            royaltyBps: 1_000,
            uses: 119,
            transferable: false,
            attribution: true,
            reciprocal: false,
            computeOnly: false,
            textUri: "licenses/commercial-remix.md",
            textHash: 0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
        });
        assertEq(terms.idOf(what), 0xa39f2f84c901ec19fba952e3525c0b763ac6dbdc71ab27b5744e03f6139896e4);
    }

    function test_unknown_terms_are_named() public {
        vm.expectRevert(abi.encodeWithSelector(ILicenseTerms.UnknownTerms.selector, bytes32("x")));
        terms.get(bytes32("x"));
    }

    function test_terms_that_contradict_themselves_are_refused() public {
        ILicenseTerms.Terms memory what = remix(1, 0);
        what.uses = 128;
        _refused(what, "unknown use");
        what.uses = 0;
        _refused(what, "no use allowed");
        what = remix(1, 0);
        what.computeOnly = true;
        _refused(what, "compute-only terms cannot allow reading");
        _refused(remix(1, 10_001), "royalty above 100 %");
        what = remix(1, 0);
        what.duration = type(uint64).max;
        _refused(what, "duration above 100 years");
        what = remix(1, 0);
        what.currency = address(0);
        _refused(what, "price without a currency");
        what = remix(1, 0);
        what.textUri = string(new bytes(513));
        _refused(what, "text URI above 512 bytes");
    }

    function test_a_refund_window_is_bounded_and_shorter_than_the_license() public {
        ILicenseTerms.Terms memory what = remix(0, 0);
        what.refundWindow = 1 days;
        _refused(what, "refund window without a price");
        what.price = 1;
        what.refundWindow = 30 days + 1;
        _refused(what, "refund window above 30 days");
        what.refundWindow = 30 days;
        what.duration = 30 days;
        _refused(what, "refund window not shorter than the license");
        what.duration = 30 days + 1;
        terms.register(what);
    }

    function test_price_and_rights_are_what_the_terms_say() public {
        ILicenseTerms.Terms memory what = remix(7, 900);
        (what.refundWindow, what.duration, what.seats, what.reciprocal) = (3 days, 9 days, 5, true);
        bytes32 id = terms.register(what);
        ILicenseTerms.Price memory price = terms.priceOf(id);
        assertEq(abi.encode(price), abi.encode(what.currency, 7, 3 days));
        (uint256 number, ILicenseTerms.Rights memory rights) = terms.rightsOf(id);
        assertEq(abi.encode(rights), abi.encode(9 days, 5, 900, Uses.ALL, false, true, true, false));
        assertEq(abi.encode(terms.rightsAt(number)), abi.encode(rights));
        assertEq(terms.idAt(number), id);
        vm.expectRevert();
        terms.rightsAt(number + 1);
        vm.expectRevert();
        terms.rightsAt(0);
    }

    function _refused(ILicenseTerms.Terms memory what, string memory reason) private {
        vm.expectRevert(abi.encodeWithSelector(ILicenseTerms.InvalidTerms.selector, reason));
        terms.register(what);
    }
}
