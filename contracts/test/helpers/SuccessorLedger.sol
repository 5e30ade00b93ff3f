// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IAssetRegistry} from "../../src/interfaces/IAssetRegistry.sol";
import {IProtocolParameters} from "../../src/interfaces/IProtocolParameters.sol";
import {IRevenueSource} from "../../src/interfaces/IRevenueSource.sol";
import {RoyaltyLedger} from "../../src/RoyaltyLedger.sol";

/// @dev A ledger that comes after another: it reads the tables that the first one froze, takes none of its money, and
///      credits owners at once, since the registry tells only the first ledger of transfers.
contract SuccessorLedger {
    using SafeERC20 for IERC20;

    RoyaltyLedger public immutable FORMER;
    IAssetRegistry public immutable REGISTRY;
    IProtocolParameters public immutable PARAMETERS;

    mapping(address account => mapping(IERC20 currency => uint256)) public owed;

    constructor(RoyaltyLedger former) {
        (FORMER, REGISTRY, PARAMETERS) = (former, former.REGISTRY(), former.PARAMETERS());
    }

    function pay(uint256 asset, IERC20 currency, uint256 amount) external {
        currency.safeTransferFrom(msg.sender, address(this), amount);
        _credit(asset, currency, amount);
    }

    function collect(uint256 asset, IERC20 currency, uint256 amount, address payer) external {
        uint256 had = currency.balanceOf(address(this));
        IRevenueSource(msg.sender).onCollect(currency, amount, payer);
        require(currency.balanceOf(address(this)) == had + amount);
        _credit(asset, currency, amount);
    }

    function _credit(uint256 asset, IERC20 currency, uint256 amount) private {
        (uint256[] memory payees, uint256[] memory amounts) = FORMER.split(asset, amount);
        for (uint256 i = 0; i < payees.length; ++i) {
            owed[REGISTRY.ownerOf(payees[i])][currency] += amounts[i];
        }
    }

    function claim(address account, IERC20 currency) external {
        uint256 amount = owed[account][currency];
        delete owed[account][currency];
        currency.safeTransfer(account, amount);
    }

    function split(uint256 asset, uint256 amount) external view returns (uint256[] memory, uint256[] memory) {
        return FORMER.split(asset, amount);
    }
}
