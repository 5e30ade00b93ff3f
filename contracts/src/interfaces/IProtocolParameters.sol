// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Parameters the DAO votes on, each with a hard limit in code.
interface IProtocolParameters {
    event ParameterChanged(bytes32 indexed name, uint256 from, uint256 to);
    event CurrencyAllowed(IERC20 indexed currency, bool allowed);

    error OutOfBounds(bytes32 name, uint256 value, uint256 maximum);
    error TooManyCurrencies(uint256 maximum);
    error InvalidAddress(bytes32 name);

    /// @notice Protocol fee on license sales in basis points; at most 1,000.
    function feeBps() external view returns (uint16);
    /// @notice Cap on the sum of a royalty table in basis points; at most 9,000, 5,000 at first.
    function maxRoyaltyBps() external view returns (uint16);
    function treasury() external view returns (address);
    function isCurrency(IERC20 currency) external view returns (bool);
    /// @notice Every currency that was ever allowed, at most 16, so that what is kept per currency can be walked.
    function currencies() external view returns (IERC20[] memory);
    function setFeeBps(uint16 value) external;
    function setMaxRoyaltyBps(uint16 value) external;
    /// @notice Allows or refuses a currency for new payments; what was paid in it stays claimable.
    /// @dev Only plain tokens: one that takes a cut of transfers or changes balances by itself breaks the ledger's books.
    function setCurrency(IERC20 currency, bool allowed) external;
}
