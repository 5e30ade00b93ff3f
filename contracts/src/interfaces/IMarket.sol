// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Offers, quotes and the sale of licenses.
interface IMarket {
    /// @param price What the buyer pays, fee included.
    /// @param fee Protocol fee, part of the price, to the treasury.
    /// @param payees Assets that get the rest, ancestors first, the licensed asset last.
    /// @param accounts Present owners of `payees`.
    /// @param amounts Sums to `price - fee`.
    struct Quote {
        IERC20 currency;
        uint256 price;
        uint256 fee;
        uint256[] payees;
        address[] accounts;
        uint256[] amounts;
    }

    /// @notice An owner offered `asset` under `termsId`, or withdrew it.
    event OfferChanged(uint256 indexed asset, bytes32 indexed termsId, bool active);
    /// @notice A license was paid for; `buyer` paid, the token says who holds it.
    event LicenseSold(
        uint256 indexed license,
        uint256 indexed asset,
        address indexed buyer,
        bytes32 termsId,
        uint256 price,
        uint256 fee
    );

    /// @notice A license was extended; `LicenseRenewed` of the token says until when.
    event RenewalSold(
        uint256 indexed license,
        uint256 indexed asset,
        address indexed buyer,
        bytes32 termsId,
        uint256 price,
        uint256 fee
    );
    /// @notice Somebody asks the owner of `asset` for a license under `termsId`, whether it is offered or not.
    event LicenseRequested(uint256 indexed asset, address indexed account, bytes32 termsId, string note);
    /// @notice The owner of `asset` will not grant what `account` asked for.
    event RequestDeclined(uint256 indexed asset, address indexed account, bytes32 termsId);
    /// @notice The owner gave a license away.
    event LicenseGranted(uint256 indexed license, uint256 indexed asset, address indexed holder, bytes32 termsId);

    /// @notice The present owner does not offer the asset under these terms.
    error NotOffered(uint256 asset, bytes32 termsId);
    /// @notice Dearer than the buyer said.
    error PriceAboveCap(uint256 price, uint256 cap);
    /// @notice Only the asset's owner may do this.
    error NotAssetOwner(uint256 asset, address caller);
    /// @notice Only the license's holder may do this.
    error NotLicenseHolder(uint256 license, address caller);
    /// @notice The license changed hands, or a derivative was registered with it.
    error NotRefundable(uint256 license);
    /// @notice The note of a request is above the limit.
    error NoteTooLong(uint256 length, uint256 maximum);
    /// @notice At deployment: an address that was predicted is another one.
    error WrongWiring(address found, address wanted);

    /// @notice Offers `asset` under registered terms, or withdraws the offer; only the owner may.
    /// @dev An offer ends when the asset changes hands: the new owner makes their own.
    function setOffer(uint256 asset, bytes32 termsId, bool active) external;
    /// @notice Whether the present owner offers `asset` under `termsId`.
    function isOffered(uint256 asset, bytes32 termsId) external view returns (bool);
    /// @notice Terms that the present owner offers `asset` under.
    function offersOf(uint256 asset) external view returns (bytes32[] memory);
    /// @notice Who gets what of a sale, before anybody signs.
    function quote(uint256 asset, bytes32 termsId) external view returns (Quote memory);
    /// @notice Pays and receives a license in one step.
    /// @param maxPrice Reverts when the price is above it.
    /// @param holder Who receives the license (a gift when not the caller).
    function buy(uint256 asset, bytes32 termsId, uint256 maxPrice, address holder) external returns (uint256 license);
    /// @notice Pays for another duration of `license` at the price of its own terms, if the asset's owner still offers
    ///         them; anybody may pay for the holder.
    /// @dev Not for licenses without an end, nor where seats are limited.
    /// @param maxPrice Reverts when the price is above it.
    /// @return expiresAt The new end, counted from the old one, or from now when that has passed.
    function renew(uint256 license, uint256 maxPrice) external returns (uint64 expiresAt);
    /// @notice Gives `license` back within the refund window of its terms: access ends at once, and who paid for it gets all
    ///         of the price again, fee included; only its holder may.
    /// @dev Not after it changed hands, nor when a derivative was registered with it; renewals are final.
    function refund(uint256 license) external;
    /// @notice Asks for a license that is not offered, or not at a price; binds nobody.
    /// @param note What it is for, at most 512 bytes.
    function request(uint256 asset, bytes32 termsId, string calldata note) external;
    /// @notice Says no to a request, for who asked to see; only the owner may. It binds nobody either.
    function decline(uint256 asset, bytes32 termsId, address account) external;
    /// @notice Issues a license without payment, offered or not; only the owner may. Seats count as in a sale.
    function grant(uint256 asset, bytes32 termsId, address holder) external returns (uint256 license);
    /// @notice `buy` with an ERC-2612 permit for the price, so that one transaction does all.
    function buyWithPermit(
        uint256 asset,
        bytes32 termsId,
        uint256 maxPrice,
        address holder,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (uint256 license);
}
