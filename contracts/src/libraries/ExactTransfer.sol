// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title Taking in tokens that arrive whole.
library ExactTransfer {
    using SafeERC20 for IERC20;

    /// @notice The currency did not move what it was told to, so the books would promise more than there is.
    error WrongAmountReceived(IERC20 currency, uint256 received, uint256 amount);

    /// @dev Moves `amount` from the caller to this contract, which must be guarded against reentrancy.
    function collect(IERC20 currency, uint256 amount) internal {
        uint256 had = currency.balanceOf(address(this));
        currency.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = currency.balanceOf(address(this)) - had;
        if (received != amount) revert WrongAmountReceived(currency, received, amount);
    }
}
