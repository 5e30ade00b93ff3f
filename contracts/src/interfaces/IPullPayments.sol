// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Money that waits for its owner: nothing is ever sent to somebody who did not ask for it.
interface IPullPayments {
    /// @notice `account` took out all it had in that currency.
    event Claimed(address indexed account, IERC20 indexed currency, address receiver, uint256 amount);

    /// @notice `account` has nothing in that currency.
    error NothingToClaim(address account);
    /// @notice The DAO does not accept the currency.
    error CurrencyNotAllowed(IERC20 currency);

    /// @notice Sends all that the caller has in `currency` to `receiver`.
    function claim(IERC20 currency, address receiver) external returns (uint256 amount);
    /// @notice What `account` would get.
    function claimable(address account, IERC20 currency) external view returns (uint256);
}
