// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ERC721} from "solady/tokens/ERC721.sol";
import {Base64} from "solady/utils/Base64.sol";

/// @title An ERC-721 token whose owner's slot has room for 96 bits more.
/// @dev Says which token is missing, takes no ether, and describes tokens in documents of its own making.
abstract contract NonFungible is ERC721, IERC721Errors {
    string private _name;
    string private _symbol;

    /// @notice ERC-721 lets transfers carry ether; nobody could take it out again.
    error NoEther(uint256 value);

    constructor(string memory name_, string memory symbol_) {
        (_name, _symbol) = (name_, symbol_);
    }

    /// @notice What the tokens are called.
    function name() public view override returns (string memory) {
        return _name;
    }

    /// @notice Short for their name.
    function symbol() public view override returns (string memory) {
        return _symbol;
    }

    /// @notice Who holds the token.
    function ownerOf(uint256 id) public view virtual override returns (address owner) {
        owner = _ownerOf(id);
        if (owner == address(0)) revert ERC721NonexistentToken(id);
    }

    /// @notice Lets `account` transfer the token; by its holder or an operator of theirs.
    function approve(address account, uint256 id) public payable override {
        _refuseEther();
        super.approve(account, id);
    }

    function _beforeTokenTransfer(address, address, uint256) internal virtual override {
        _refuseEther();
    }

    /// @dev A document as a URI that needs no server (RFC 2397).
    function _inline(string memory json) internal pure returns (string memory) {
        return string.concat("data:application/json;base64,", Base64.encode(bytes(json)));
    }

    function _refuseEther() private view {
        if (msg.value != 0) revert NoEther(msg.value);
    }
}
