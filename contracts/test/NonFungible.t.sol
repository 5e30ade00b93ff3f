// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ERC721} from "solady/tokens/ERC721.sol";
import {LibString} from "solady/utils/LibString.sol";
import {Base64} from "solady/utils/Base64.sol";
import {IAssetRegistry} from "../src/interfaces/IAssetRegistry.sol";
import {ILicenseTerms} from "../src/interfaces/ILicenseTerms.sol";
import {NonFungible} from "../src/base/NonFungible.sol";

/// @dev What wallets and other people's contracts expect of an ERC-721 token.
contract NonFungibleTest is Lab {
    uint256 internal asset;
    uint256 internal license;

    /// @dev What `onERC721Received` was told.
    address private _operator;
    address private _from;
    uint256 private _id;
    bytes private _data;
    bool private _refusing;

    function setUp() public override {
        super.setUp();
        asset = publish(alice, "digits");
        ILicenseTerms.Terms memory what = remix(0, 0);
        what.transferable = true;
        license = offerAndBuy(alice, asset, what);
    }

    function onERC721Received(address operator, address from, uint256 id, bytes calldata data)
        external
        returns (bytes4)
    {
        (_operator, _from, _id, _data) = (operator, from, id, data);
        return _refusing ? bytes4(0) : this.onERC721Received.selector;
    }

    function test_a_contract_is_asked_before_it_receives() public {
        NonFungible[2] memory tokens = [NonFungible(registry), NonFungible(licenses)];
        for (uint256 i = 0; i < tokens.length; ++i) {
            _refusing = true;
            vm.expectRevert(ERC721.TransferToNonERC721ReceiverImplementer.selector);
            vm.prank(alice);
            tokens[i].safeTransferFrom(alice, address(this), 1);
            _refusing = false;
            vm.prank(alice);
            tokens[i].approve(bob, 1);
            vm.prank(bob);
            tokens[i].safeTransferFrom(alice, address(this), 1, "hello");
            assertEq(tokens[i].ownerOf(1), address(this));
            assertEq(tokens[i].getApproved(1), address(0), "an approval ends with the transfer");
            assertEq(abi.encode(_operator, _from, _id, _data), abi.encode(bob, alice, 1, "hello"));
        }
        vm.expectRevert(ERC721.TransferToNonERC721ReceiverImplementer.selector);
        registry.safeTransferFrom(address(this), address(ledger), asset);
    }

    function test_only_holder_approved_and_operator_transfer() public {
        vm.expectRevert(ERC721.NotOwnerNorApproved.selector);
        vm.prank(mallory);
        registry.transferFrom(alice, mallory, asset);
        vm.expectRevert(ERC721.TransferFromIncorrectOwner.selector);
        vm.prank(mallory);
        registry.transferFrom(mallory, mallory, asset);
        vm.expectRevert(ERC721.TransferToZeroAddress.selector);
        vm.prank(alice);
        registry.transferFrom(alice, address(0), asset);
        vm.expectRevert(ERC721.TokenDoesNotExist.selector);
        registry.transferFrom(alice, bob, 99);
        vm.prank(alice);
        registry.setApprovalForAll(carol, true);
        vm.prank(carol);
        registry.transferFrom(alice, bob, asset);
        assertEq(registry.balanceOf(alice), 0);
        assertEq(registry.balanceOf(bob), 1);
    }

    function test_a_missing_token_is_named() public {
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 99));
        registry.ownerOf(99);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 0));
        licenses.ownerOf(0);
        vm.expectRevert(ERC721.BalanceQueryForZeroAddress.selector);
        licenses.balanceOf(address(0));
    }

    function test_ether_sent_along_comes_back() public {
        vm.deal(alice, 1 ether);
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(NonFungible.NoEther.selector, 5));
        registry.transferFrom{value: 5}(alice, bob, asset);
        vm.expectRevert(abi.encodeWithSelector(NonFungible.NoEther.selector, 5));
        licenses.approve{value: 5}(bob, license);
    }

    function test_the_interfaces_are_announced() public view {
        for (uint256 i = 0; i < 2; ++i) {
            NonFungible token_ = i == 0 ? NonFungible(registry) : NonFungible(licenses);
            assertTrue(token_.supportsInterface(0x01ffc9a7), "ERC-165");
            assertTrue(token_.supportsInterface(0x80ac58cd), "ERC-721");
            assertTrue(token_.supportsInterface(0x5b5e139f), "its metadata");
            assertFalse(token_.supportsInterface(0xffffffff));
        }
        assertEq(registry.name(), "Sahara Asset");
        assertEq(licenses.symbol(), "LICENSE");
    }

    function test_a_token_describes_itself_without_a_server() public {
        vm.prank(bob);
        uint256 odd =
            registry.register("odd", IAssetRegistry.Kind.Model, version('s3://a"b\\c'), new IAssetRegistry.Edge[](0));
        string memory json = _document(registry.tokenURI(odd));
        assertEq(vm.parseJsonString(json, ".name"), "odd");
        assertEq(vm.parseJsonString(json, ".uri"), 's3://a"b\\c', "whatever a stranger wrote stays a string");
        assertEq(vm.parseJsonUint(json, ".kind"), 1);
        assertEq(vm.parseJsonAddress(json, ".creator"), bob);
        assertEq(vm.parseJsonBytes32(json, ".root"), bytes32("root"));
        json = _document(licenses.tokenURI(license));
        assertEq(vm.parseJsonUint(json, ".asset"), asset);
        assertEq(vm.parseJsonUint(json, ".uses"), 127);
        assertEq(vm.parseJsonUint(json, ".expiresAt"), 0);
        assertEq(vm.parseJsonBytes32(json, ".terms"), licenses.get(license).termsId);
    }

    /// @dev Where a card lies follows from the count of contracts the registry created: any order of writes must keep it.
    function testFuzz_cards_and_versions_are_found_whatever_came_between(uint256 dice) public {
        string[6] memory names = ["a", "b", "c", "d", "e", "f"];
        uint256[] memory ids = new uint256[](6);
        for (uint256 i = 0; i < 6; ++i) {
            ids[i] = publish(bob, names[i]);
            for (uint256 more = dice >> 8 * i & 3; more > 0; --more) {
                vm.startPrank(bob);
                registry.publishVersion(ids[i], version(names[more]));
                if (more % 2 == 0) registry.rekeyVersion(ids[i], 1, uint32(more), bytes32(more), names[i]);
                vm.stopPrank();
            }
            if (dice >> 64 + i & 1 == 1) {
                vm.prank(bob);
                registry.transferFrom(bob, carol, ids[i]);
            }
        }
        for (uint256 i = 0; i < 6; ++i) {
            assertEq(registry.nameOf(ids[i]), names[i]);
            assertEq(registry.creatorOf(ids[i]), bob, "who registered it, whoever owns it");
            assertEq(registry.versionCount(ids[i]), (dice >> 8 * i & 3) + 1);
            for (uint32 number = 2; number <= registry.versionCount(ids[i]); ++number) {
                assertEq(registry.versionOf(ids[i], number).uri, names[(dice >> 8 * i & 3) + 2 - number]);
            }
        }
    }

    function _document(string memory uri) private pure returns (string memory) {
        string memory start = "data:application/json;base64,";
        assertTrue(LibString.startsWith(uri, start));
        return string(Base64.decode(LibString.slice(uri, bytes(start).length)));
    }
}
