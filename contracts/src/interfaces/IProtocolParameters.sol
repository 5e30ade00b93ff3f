// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Parameters the DAO votes on, each with a hard limit in code.
interface IProtocolParameters {
    /// @notice A vote moved a parameter.
    event ParameterChanged(bytes32 indexed name, uint256 from, uint256 to);
    /// @notice A currency is accepted from now on, or no more.
    event CurrencyAllowed(IERC20 indexed currency, bool allowed);

    /// @notice The DAO does not accept the currency.
    error CurrencyNotAllowed(IERC20 currency);
    /// @notice Above the limit in code.
    error OutOfBounds(bytes32 name, uint256 value, uint256 maximum);
    /// @notice As many as can ever be listed are.
    error TooManyCurrencies(uint256 maximum);
    /// @notice `name` is no usable address.
    error InvalidAddress(bytes32 name);

    /// @notice Protocol fee on license sales in basis points; at most 1,000.
    function feeBps() external view returns (uint16);
    /// @notice The fee on a sale at `price`, rounded down; reverts where the currency is not allowed.
    function feeOn(IERC20 currency, uint256 price) external view returns (uint256);
    /// @notice Cap on the sum of a royalty table in basis points; at most 9,000, 5,000 at first.
    function maxRoyaltyBps() external view returns (uint16);
    /// @notice Where protocol fees go, for good.
    function treasury() external view returns (address);
    /// @notice Whether new payments may be made in `currency`.
    function isCurrency(IERC20 currency) external view returns (bool);
    /// @notice Whether `currency` is or was allowed: what was paid in it before still finds its way.
    function wasCurrency(IERC20 currency) external view returns (bool);
    /// @notice Every currency that was ever allowed, at most 16, so that what is kept per currency can be walked.
    function currencies() external view returns (IERC20[] memory);
    /// @notice Sets the protocol fee; only the DAO may.
    function setFeeBps(uint16 value) external;
    /// @notice Sets the cap for tables frozen from now on; only the DAO may.
    function setMaxRoyaltyBps(uint16 value) external;
    /// @notice Allows or refuses a currency for new payments; what was paid in it stays claimable.
    /// @dev Only plain tokens: one that takes a cut of transfers or changes balances by itself breaks the ledger's books.
    function setCurrency(IERC20 currency, bool allowed) external;
}
