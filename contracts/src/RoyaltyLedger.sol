// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SSTORE2} from "solady/utils/SSTORE2.sol";

import {IAssetRegistry} from "./interfaces/IAssetRegistry.sol";
import {IProtocolParameters} from "./interfaces/IProtocolParameters.sol";
import {IRoyaltyLedger} from "./interfaces/IRoyaltyLedger.sol";
import {RoyaltyTable} from "./libraries/RoyaltyTable.sol";

/// @title Revenue of assets and what they owe to their ancestors.
/// @dev Specified in `IRoyaltyLedger`.
contract RoyaltyLedger is IRoyaltyLedger, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    IProtocolParameters public immutable PARAMETERS;
    IAssetRegistry public immutable REGISTRY;

    /// @dev A table is frozen as contract code; no pointer means no payees but the asset itself.
    mapping(uint256 asset => address pointer) private _tables;
    mapping(uint256 asset => mapping(IERC20 currency => uint256)) private _unsettled;
    mapping(uint256 asset => mapping(IERC20 currency => uint256)) private _balances;
    mapping(address account => mapping(IERC20 currency => uint256)) private _retained;

    /// @param registry Address the registry will have; predicted, since the registry needs this ledger's.
    constructor(IProtocolParameters parameters, IAssetRegistry registry) {
        PARAMETERS = parameters;
        REGISTRY = registry;
    }

    modifier onlyRegistry() {
        if (msg.sender != address(REGISTRY)) revert OnlyRegistry(msg.sender);
        _;
    }

    /* ----------------------------------------------------------------- the registry's calls */

    /// @inheritdoc IRoyaltyLedger
    function link(uint256 asset, Debt[] calldata debts) external onlyRegistry {
        uint256[] memory owed;
        uint256[] memory inherited;
        for (uint256 i = 0; i < debts.length; ++i) {
            Debt calldata debt = debts[i];
            uint256[] memory above = _tableOf(debt.parent);
            if (debt.own) {
                inherited = RoyaltyTable.atLeast(inherited, above);
            } else {
                uint256 share = debt.royaltyBps * RoyaltyTable.BASIS_POINT;
                owed = RoyaltyTable.merge(owed, RoyaltyTable.lineOf(above, debt.parent, share));
            }
            // Joining never takes a payee away, so a table that is too long now stays too long.
            if (owed.length > RoyaltyTable.MAX_PAYEES) revert TooManyPayees(owed.length);
        }
        uint256[] memory table = RoyaltyTable.atLeast(owed, inherited);
        if (table.length == 0) return;
        if (table.length > RoyaltyTable.MAX_PAYEES) revert TooManyPayees(table.length);
        uint256 stack = RoyaltyTable.sumOf(table);
        uint256 cap = PARAMETERS.maxRoyaltyBps() * RoyaltyTable.BASIS_POINT;
        if (stack > cap) revert StackTooHigh(asset, stack, cap);

        _tables[asset] = SSTORE2.write(RoyaltyTable.pack(table));
        (uint256[] memory payees, uint256[] memory shares) = _columns(table);
        emit TableFrozen(asset, payees, shares);
    }

    /// @inheritdoc IRoyaltyLedger
    function beforeTransfer(uint256 asset, address seller) external nonReentrant onlyRegistry {
        IERC20[] memory currencies = PARAMETERS.currencies();
        for (uint256 i = 0; i < currencies.length; ++i) {
            IERC20 currency = currencies[i];
            _settle(asset, currency);
            uint256 amount = _balances[asset][currency];
            if (amount == 0) continue;
            delete _balances[asset][currency];
            _retained[seller][currency] += amount;
            emit Retained(asset, seller, currency, amount);
        }
    }

    /* ----------------------------------------------------------------- everybody's calls */

    /// @inheritdoc IRoyaltyLedger
    function pay(uint256 asset, IERC20 currency, uint256 amount) external nonReentrant {
        if (!PARAMETERS.isCurrency(currency)) revert CurrencyNotAllowed(currency);
        REGISTRY.ownerOf(asset); // reverts for an unknown asset, whose revenue nobody could claim
        _unsettled[asset][currency] += amount;
        emit Paid(asset, msg.sender, currency, amount);
        uint256 had = currency.balanceOf(address(this));
        currency.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = currency.balanceOf(address(this)) - had;
        if (received != amount) revert WrongAmountReceived(currency, received, amount);
    }

    /// @inheritdoc IRoyaltyLedger
    function settle(uint256 asset, IERC20 currency) external nonReentrant {
        _settle(asset, currency);
    }

    /// @inheritdoc IRoyaltyLedger
    function claim(address account, IERC20 currency, uint256[] calldata assets)
        external
        nonReentrant
        returns (uint256 amount)
    {
        for (uint256 i = 0; i < assets.length; ++i) {
            _settle(assets[i], currency);
        }
        amount = _retained[account][currency];
        delete _retained[account][currency];
        for (uint256 i = 0; i < assets.length; ++i) {
            uint256 held = _balances[assets[i]][currency];
            if (held == 0 || REGISTRY.ownerOf(assets[i]) != account) continue;
            delete _balances[assets[i]][currency];
            amount += held;
        }
        if (amount == 0) revert NothingToClaim(account);
        emit Claimed(account, currency, amount);
        currency.safeTransfer(account, amount);
    }

    /* ----------------------------------------------------------------- views */

    /// @inheritdoc IRoyaltyLedger
    function claimable(address account, IERC20 currency, uint256[] calldata assets)
        external
        view
        returns (uint256 amount)
    {
        uint256[] memory sorted = Arrays.sort(assets);
        amount = _retained[account][currency];
        for (uint256 i = 0; i < sorted.length; ++i) {
            if (i != 0 && sorted[i] == sorted[i - 1]) continue;
            uint256 held = _balances[sorted[i]][currency];
            if (held != 0 && REGISTRY.ownerOf(sorted[i]) == account) amount += held;
            amount += _comingTo(account, sorted, sorted[i], _unsettled[sorted[i]][currency]);
        }
    }

    /// @inheritdoc IRoyaltyLedger
    function unsettled(uint256 asset, IERC20 currency) external view returns (uint256) {
        return _unsettled[asset][currency];
    }

    /// @inheritdoc IRoyaltyLedger
    function balanceOf(uint256 asset, IERC20 currency) external view returns (uint256) {
        return _balances[asset][currency];
    }

    /// @inheritdoc IRoyaltyLedger
    function tableOf(uint256 asset) external view returns (uint256[] memory payees, uint256[] memory shares) {
        return _columns(_tableOf(asset));
    }

    /// @inheritdoc IRoyaltyLedger
    function split(uint256 asset, uint256 amount)
        external
        view
        returns (uint256[] memory payees, uint256[] memory amounts)
    {
        return _split(asset, amount);
    }

    /* ----------------------------------------------------------------- inside */

    function _settle(uint256 asset, IERC20 currency) private {
        uint256 amount = _unsettled[asset][currency];
        if (amount == 0) return;
        delete _unsettled[asset][currency];
        (uint256[] memory payees, uint256[] memory amounts) = _split(asset, amount);
        for (uint256 i = 0; i < payees.length; ++i) {
            if (amounts[i] == 0) continue;
            _balances[payees[i]][currency] += amounts[i];
            emit Credited(payees[i], asset, currency, amounts[i]);
        }
        emit Settled(asset, currency, amount);
    }

    /// @dev What settling `amount` of `asset` would add to those of `listed` assets (sorted) that `account` owns.
    function _comingTo(address account, uint256[] memory listed, uint256 asset, uint256 amount)
        private
        view
        returns (uint256 coming)
    {
        if (amount == 0) return 0;
        (uint256[] memory payees, uint256[] memory amounts) = _split(asset, amount);
        for (uint256 i = 0; i < payees.length; ++i) {
            if (_contains(listed, payees[i]) && REGISTRY.ownerOf(payees[i]) == account) coming += amounts[i];
        }
    }

    function _split(uint256 asset, uint256 amount)
        private
        view
        returns (uint256[] memory payees, uint256[] memory amounts)
    {
        uint256[] memory table = _tableOf(asset);
        uint256 length = table.length;
        payees = new uint256[](length + 1);
        amounts = new uint256[](length + 1);
        uint256 left = amount;
        for (uint256 i = 0; i < length; ++i) {
            payees[i] = RoyaltyTable.payeeOf(table[i]);
            amounts[i] = amount * RoyaltyTable.shareOf(table[i]) / RoyaltyTable.SCALE;
            left -= amounts[i];
        }
        payees[length] = asset;
        amounts[length] = left;
    }

    function _tableOf(uint256 asset) private view returns (uint256[] memory table) {
        address pointer = _tables[asset];
        if (pointer != address(0)) table = RoyaltyTable.unpack(SSTORE2.read(pointer));
    }

    function _columns(uint256[] memory table) private pure returns (uint256[] memory payees, uint256[] memory shares) {
        payees = new uint256[](table.length);
        shares = new uint256[](table.length);
        for (uint256 i = 0; i < table.length; ++i) {
            payees[i] = RoyaltyTable.payeeOf(table[i]);
            shares[i] = RoyaltyTable.shareOf(table[i]);
        }
    }

    function _contains(uint256[] memory sorted, uint256 value) private pure returns (bool) {
        uint256 low;
        uint256 high = sorted.length;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (sorted[middle] < value) low = middle + 1;
            else high = middle;
        }
        return low < sorted.length && sorted[low] == value;
    }
}
