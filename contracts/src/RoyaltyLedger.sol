// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SSTORE2} from "solady/utils/SSTORE2.sol";

import {IAssetRegistry} from "./interfaces/IAssetRegistry.sol";
import {IProtocolParameters} from "./interfaces/IProtocolParameters.sol";
import {IRevenueSource} from "./interfaces/IRevenueSource.sol";
import {IRoyaltyLedger} from "./interfaces/IRoyaltyLedger.sol";
import {RoyaltyTable} from "./libraries/RoyaltyTable.sol";

/// @title Revenue of assets and what they owe to their ancestors.
/// @dev Specified in `IRoyaltyLedger`.
contract RoyaltyLedger is IRoyaltyLedger, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    IProtocolParameters public immutable PARAMETERS;
    IAssetRegistry public immutable REGISTRY;
    address public immutable COLLECTIONS;

    uint256 private constant SHARED = 1 << 160;

    /// @dev A table is frozen as contract code; no pointer means no payees but the asset itself. Above the pointer lies
    ///      whether what the asset keeps is its members', `SHARED`.
    mapping(uint256 asset => uint256 pointer) private _tables;
    /// @dev `credited << 128 | unsettled`.
    mapping(IERC20 currency => mapping(uint256 asset => uint256)) private _accounts;
    mapping(address account => mapping(IERC20 currency => uint256)) private _retained;

    /// @param registry Address the registry will have; predicted, since the registry needs this ledger's.
    /// @param collections Address of the contract that divides what collections earn; predicted too.
    constructor(IProtocolParameters parameters, IAssetRegistry registry, address collections) {
        PARAMETERS = parameters;
        REGISTRY = registry;
        COLLECTIONS = collections;
    }

    modifier onlyRegistry() {
        if (msg.sender != address(REGISTRY)) revert OnlyRegistry(msg.sender);
        _;
    }

    modifier onlyCollections() {
        if (msg.sender != COLLECTIONS) revert OnlyCollections(msg.sender);
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
        if (stack > cap) revert StackTooHigh(asset, stack, cap, debts);
        _freeze(asset, table);
    }

    /// @inheritdoc IRoyaltyLedger
    function beforeTransfer(uint256 asset, address seller) external nonReentrant onlyRegistry {
        _retain(asset, seller);
    }

    /* ----------------------------------------------------------------- the collections' calls */

    /// @inheritdoc IRoyaltyLedger
    function giveToMembers(uint256 asset) external nonReentrant onlyCollections {
        _retain(asset, REGISTRY.ownerOf(asset));
        _tables[asset] |= SHARED;
        emit Shared(asset);
    }

    /// @inheritdoc IRoyaltyLedger
    function passOn(uint256 from, IERC20 currency, uint256[] calldata to, uint256[] calldata amounts)
        external
        nonReentrant
        onlyCollections
    {
        if (!isShared(from)) revert NotShared(from);
        mapping(uint256 => uint256) storage accounts = _accounts[currency];
        for (uint256 i = 0; i < to.length; ++i) {
            if (amounts[i] == 0) continue;
            // Reverts when the collection holds less; all that is held fits into half a slot.
            accounts[from] -= amounts[i] << 128;
            accounts[to[i]] += amounts[i];
            emit PassedOn(from, to[i], currency, amounts[i]);
        }
    }

    /* ----------------------------------------------------------------- a payee's call */

    /// @inheritdoc IRoyaltyLedger
    function waive(uint256 asset, uint256 payee) external nonReentrant {
        if (!_claims(msg.sender, payee)) revert NotPayee(msg.sender, payee);
        uint256[] memory table = _tableOf(asset);
        uint256[] memory rest = RoyaltyTable.without(table, payee);
        if (rest.length == table.length) revert NothingOwed(asset, payee);
        // What came in so far is divided by the table that holds so far.
        IERC20[] memory currencies = PARAMETERS.currencies();
        for (uint256 i = 0; i < currencies.length; ++i) {
            _settle(asset, currencies[i]);
        }
        _freeze(asset, rest);
        emit Waived(asset, payee);
    }

    /* ----------------------------------------------------------------- everybody's calls */

    /// @inheritdoc IRoyaltyLedger
    function pay(uint256 asset, IERC20 currency, uint256 amount) external nonReentrant {
        uint256 had = _expect(asset, currency, amount);
        currency.safeTransferFrom(msg.sender, address(this), amount);
        _checkReceived(currency, had, amount);
    }

    /// @inheritdoc IRoyaltyLedger
    function collect(uint256 asset, IERC20 currency, uint256 amount, address payer) external nonReentrant {
        uint256 had = _expect(asset, currency, amount);
        IRevenueSource(msg.sender).onCollect(currency, amount, payer);
        _checkReceived(currency, had, amount);
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
            if (_accounts[currency][assets[i]] == 0 || !_claims(account, assets[i])) continue;
            amount += _takeCredit(assets[i], currency);
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
            uint256 held = balanceOf(sorted[i], currency);
            if (held != 0 && _claims(account, sorted[i])) amount += held;
            amount += _comingTo(account, sorted, sorted[i], unsettled(sorted[i], currency));
        }
    }

    /// @inheritdoc IRoyaltyLedger
    function isShared(uint256 asset) public view returns (bool) {
        return _tables[asset] & SHARED != 0;
    }

    /// @inheritdoc IRoyaltyLedger
    function unsettled(uint256 asset, IERC20 currency) public view returns (uint256) {
        return uint128(_accounts[currency][asset]);
    }

    /// @inheritdoc IRoyaltyLedger
    function balanceOf(uint256 asset, IERC20 currency) public view returns (uint256) {
        return _accounts[currency][asset] >> 128;
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

    /// @dev Books `amount` of revenue before it comes.
    /// @return had What the ledger holds so far.
    function _expect(uint256 asset, IERC20 currency, uint256 amount) private returns (uint256 had) {
        if (!PARAMETERS.wasCurrency(currency)) revert IProtocolParameters.CurrencyNotAllowed(currency);
        REGISTRY.ownerOf(asset); // reverts for an unknown asset, whose revenue nobody could claim
        had = currency.balanceOf(address(this));
        // What the ledger holds of a currency fits into half a slot, and so does every part of it.
        uint256 room = type(uint128).max - Math.min(had, type(uint128).max);
        if (amount > room) revert AmountTooLarge(amount, room);
        _accounts[currency][asset] += amount;
        emit Paid(asset, msg.sender, currency, amount);
    }

    function _checkReceived(IERC20 currency, uint256 had, uint256 amount) private view {
        uint256 received = currency.balanceOf(address(this)) - had;
        if (received != amount) revert WrongAmountReceived(currency, received, amount);
    }

    function _freeze(uint256 asset, uint256[] memory table) private {
        uint256 pointer = table.length == 0 ? 0 : uint160(SSTORE2.write(RoyaltyTable.pack(table)));
        _tables[asset] = (_tables[asset] & SHARED) | pointer;
        (uint256[] memory payees, uint256[] memory shares) = _columns(table);
        emit TableFrozen(asset, payees, shares);
    }

    function _settle(uint256 asset, IERC20 currency) private {
        mapping(uint256 => uint256) storage accounts = _accounts[currency];
        uint256 account = accounts[asset];
        uint256 amount = uint128(account);
        if (amount == 0) return;
        uint256 left = amount;
        (uint256 at, uint256 end) = RoyaltyTable.bounds(_packedTableOf(asset));
        // Nothing overflows: parts of an amount sum to it at most, and all amounts together fit into half a slot.
        unchecked {
            for (; at < end; at = RoyaltyTable.next(at)) {
                (uint256 payee, uint256 part) = RoyaltyTable.partAt(at, amount);
                if (part == 0) continue;
                left -= part;
                accounts[payee] += part << 128;
            }
            // Payees are older than the asset, so its own slot is as it was read.
            accounts[asset] = account - amount + (left << 128);
        }
        emit Settled(asset, currency, amount);
    }

    /// @dev Leaves to `holder` what the asset has, unless that is its members'.
    function _retain(uint256 asset, address holder) private {
        bool shared = isShared(asset);
        IERC20[] memory currencies = PARAMETERS.currencies();
        for (uint256 i = 0; i < currencies.length; ++i) {
            IERC20 currency = currencies[i];
            _settle(asset, currency);
            uint256 amount = shared ? 0 : _takeCredit(asset, currency);
            if (amount == 0) continue;
            _retained[holder][currency] += amount;
            emit Retained(asset, holder, currency, amount);
        }
    }

    /// @dev Whether what `asset` keeps is the account's.
    function _claims(address account, uint256 asset) private view returns (bool) {
        return REGISTRY.ownerOf(asset) == account && !isShared(asset);
    }

    function _takeCredit(uint256 asset, IERC20 currency) private returns (uint256 amount) {
        uint256 account = _accounts[currency][asset];
        amount = account >> 128;
        if (amount != 0) _accounts[currency][asset] = uint128(account);
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
            if (_contains(listed, payees[i]) && _claims(account, payees[i])) coming += amounts[i];
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
            amounts[i] = RoyaltyTable.partOf(amount, table[i]);
            left -= amounts[i];
        }
        payees[length] = asset;
        amounts[length] = left;
    }

    function _tableOf(uint256 asset) private view returns (uint256[] memory) {
        return RoyaltyTable.unpack(_packedTableOf(asset));
    }

    function _packedTableOf(uint256 asset) private view returns (bytes memory packed) {
        address pointer = address(uint160(_tables[asset]));
        if (pointer != address(0)) packed = SSTORE2.read(pointer);
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
