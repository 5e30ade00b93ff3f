// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {IAssetRegistry} from "../src/interfaces/IAssetRegistry.sol";
import {ILicenseTerms, Uses} from "../src/interfaces/ILicenseTerms.sol";
import {ILicenseToken} from "../src/interfaces/ILicenseToken.sol";

/// @dev Random trade, derivation and tampering by people who hold no role, with books of what was promised.
/// forge-config: default.invariant.runs = 8
contract ProtocolInvariantTest is Lab {
    uint256 private constant MOST_ASSETS = 20;

    struct Promise {
        bytes32 rights;
        uint64 expiresAt;
    }

    address[] internal people;
    mapping(uint256 license => Promise) internal promised;

    function setUp() public override {
        super.setUp();
        people = [alice, bob, carol];
        publish(alice, "root");
        bytes4[] memory actions = new bytes4[](6);
        actions[0] = this.trade.selector;
        actions[1] = this.extend.selector;
        actions[2] = this.deriveFrom.selector;
        actions[3] = this.sellAsset.selector;
        actions[4] = this.sellLicense.selector;
        actions[5] = this.tamper.selector;
        targetContract(address(this));
        targetSelector(FuzzSelector({addr: address(this), selectors: actions}));
    }

    /* ----------------------------------------------------------------- actions */

    function trade(uint256 who, uint256 asset, uint16 uses, uint16 royalty, uint8 days_, uint256 price) external {
        ILicenseTerms.Terms memory what = remix(bound(price, 0, TOKEN), uint16(bound(royalty, 0, 10_000)));
        what.uses = uint16(bound(uses, 1, Uses.ALL));
        what.duration = uint64(days_) * 1 days;
        what.transferable = days_ % 2 == 0;
        _note(offerAndBuy(_person(who), _asset(asset), what));
    }

    function extend(uint256 license, uint256 who, uint256 wait) external {
        skip(bound(wait, 0, 100 days));
        if (licenses.licenseCount() == 0) return;
        license = license % licenses.licenseCount() + 1;
        ILicenseToken.License memory held = licenses.get(license);
        vm.prank(_person(who));
        try market.renew(license, TOKEN) returns (uint64 expiresAt) {
            uint256 from = held.expiresAt > block.timestamp ? held.expiresAt : block.timestamp;
            assertEq(expiresAt, from + terms.get(held.termsId).duration, "what was paid for and no more");
            promised[license].expiresAt = expiresAt;
        } catch {}
    }

    function deriveFrom(uint256 who, uint256 first, uint256 second, uint16 share) external {
        if (registry.assetCount() == MOST_ASSETS) return;
        address owner = _person(who);
        (first, second) = (_asset(first), _asset(second));
        if (first > second) (first, second) = (second, first);
        IAssetRegistry.Edge memory a = trainedOn(first, _granted(owner, first, share));
        IAssetRegistry.Edge memory b = trainedOn(second, _granted(owner, second, share / 2));
        string memory name = vm.toString(registry.assetCount());
        vm.prank(owner);
        try registry.register(
            name, IAssetRegistry.Kind.Model, version("x"), first == second ? edges(a) : edges(a, b)
        ) {}
            catch {}
    }

    function sellAsset(uint256 asset, uint256 to) external {
        asset = _asset(asset);
        address owner = registry.ownerOf(asset);
        vm.prank(owner);
        registry.transferFrom(owner, _person(to), asset);
    }

    function sellLicense(uint256 license, uint256 to) external {
        if (licenses.licenseCount() == 0) return;
        license = license % licenses.licenseCount() + 1;
        address holder = licenses.ownerOf(license);
        vm.prank(holder);
        try licenses.transferFrom(holder, _person(to), license) {} catch {}
    }

    function tamper(uint256 who, uint16 value) external {
        bytes[5] memory calls = [
            abi.encodeCall(parameters.setFeeBps, (value)),
            abi.encodeCall(parameters.setMaxRoyaltyBps, (value)),
            abi.encodeCall(parameters.setCurrency, (token, false)),
            abi.encodeCall(parameters.setAuthority, (_person(who))),
            abi.encodeCall(licenses.issue, (_person(who), 1, bytes32(0)))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(_person(who));
            (bool done,) = (i == 4 ? address(licenses) : address(parameters)).call(calls[i]);
            assertFalse(done, "without a role nothing is changed");
        }
    }

    /* ----------------------------------------------------------------- invariants */

    function invariant_a_license_stays_what_it_was_and_lasts_as_long_as_paid() public view {
        for (uint256 license = 1; license <= licenses.licenseCount(); ++license) {
            ILicenseToken.License memory held = licenses.get(license);
            assertEq(_rights(held), promised[license].rights);
            assertEq(held.expiresAt, promised[license].expiresAt);
        }
    }

    function invariant_access_comes_from_a_license_or_ownership_alone() public view {
        for (uint256 i = 0; i < people.length; ++i) {
            for (uint256 asset = 1; asset <= registry.assetCount(); ++asset) {
                bool found = registry.ownerOf(asset) == people[i];
                for (uint256 license = 1; !found && license <= licenses.licenseCount(); ++license) {
                    ILicenseToken.License memory held = licenses.get(license);
                    found = held.asset == asset && licenses.ownerOf(license) == people[i] && held.uses & Uses.READ != 0
                        && (held.expiresAt == 0 || held.expiresAt > block.timestamp);
                }
                if (!found) assertFalse(licenses.hasAccess(people[i], asset, Uses.READ));
            }
        }
    }

    function invariant_only_ancestors_share_in_revenue_and_never_above_the_cap() public view {
        for (uint256 asset = 1; asset <= registry.assetCount(); ++asset) {
            (uint256[] memory payees, uint256[] memory shares) = ledger.tableOf(asset);
            uint256 ancestors = _ancestors(asset);
            uint256 sum;
            for (uint256 i = 0; i < payees.length; ++i) {
                assertTrue(ancestors >> payees[i] & 1 == 1, "a payee is an ancestor");
                assertGt(shares[i], 0);
                if (i != 0) assertGt(payees[i], payees[i - 1], "once each");
                sum += shares[i];
            }
            assertLe(payees.length, 16);
            assertLe(sum, 5_000 * 1e5);
        }
    }

    function invariant_nobody_but_the_timelock_changed_a_parameter() public view {
        assertEq(parameters.feeBps(), 250);
        assertEq(parameters.maxRoyaltyBps(), 5_000);
        assertTrue(parameters.isCurrency(token));
        assertEq(parameters.authority(), address(access));
    }

    function invariant_the_market_keeps_nothing() public view {
        assertEq(token.balanceOf(address(market)), 0);
    }

    /* ----------------------------------------------------------------- inside */

    /// @dev As a set of bits: parents are older, so one walk down finds all.
    function _ancestors(uint256 asset) private view returns (uint256 found) {
        uint256 seen = 1 << asset;
        for (uint256 id = asset; id > 0; --id) {
            if (seen >> id & 1 == 0) continue;
            IAssetRegistry.Edge[] memory parents = registry.parentsOf(id);
            for (uint256 i = 0; i < parents.length; ++i) {
                seen |= 1 << parents[i].parent;
            }
        }
        return seen ^ 1 << asset;
    }

    function _granted(address holder, uint256 asset, uint16 share) private returns (uint256 license) {
        bytes32 termsId = terms.register(remix(0, share % 5_001));
        vm.prank(registry.ownerOf(asset));
        license = market.grant(asset, termsId, holder);
        _note(license);
    }

    function _note(uint256 license) private {
        ILicenseToken.License memory held = licenses.get(license);
        promised[license] = Promise(_rights(held), held.expiresAt);
    }

    function _rights(ILicenseToken.License memory held) private pure returns (bytes32) {
        return keccak256(abi.encode(held.asset, held.termsId, held.issuedAt, held.royaltyBps, held.uses));
    }

    function _person(uint256 seed) private view returns (address) {
        return people[seed % people.length];
    }

    function _asset(uint256 seed) private view returns (uint256) {
        return seed % registry.assetCount() + 1;
    }
}
