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
        assertEq(terms.idOf(what), 0x8476d6f2ff96d8286e32194091220d05c7c21e2e0d59591c3341255fab42ed85);
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

    function _refused(ILicenseTerms.Terms memory what, string memory reason) private {
        vm.expectRevert(abi.encodeWithSelector(ILicenseTerms.InvalidTerms.selector, reason));
        terms.register(what);
    }
}
