// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IAssetRegistry} from "./interfaces/IAssetRegistry.sol";
import {ICollectionShares} from "./interfaces/ICollectionShares.sol";
import {IProtocolParameters} from "./interfaces/IProtocolParameters.sol";
import {RoyaltyLedger} from "./RoyaltyLedger.sol";

/// @title Collections: assets whose revenue belongs to other assets, their members, by weight.
/// @dev Specified in `ICollectionShares`. Holds no money and calls no currency.
contract CollectionShares is ICollectionShares {
    /// @dev What a unit of weight earned is kept in parts of this. Amounts are below 2^128, and a member's weight was never
    ///      above the total, so no product overflows.
    uint256 private constant SCALE = 1 << 96;

    IAssetRegistry public immutable REGISTRY;
    RoyaltyLedger public immutable LEDGER;
    IProtocolParameters public immutable PARAMETERS;

    struct Member {
        uint64 weight;
        bool agreed;
    }

    /// @param perWeight What one unit of weight has earned since the beginning, in parts of `SCALE`.
    /// @param divided What was divided and has not been passed on: still with the collection in the ledger.
    struct Pot {
        uint256 perWeight;
        uint256 divided;
    }

    /// @param seen `perWeight` up to which `owed` counts.
    struct Due {
        uint256 seen;
        uint256 owed;
    }

    /// @inheritdoc ICollectionShares
    mapping(uint256 collection => uint256) public totalWeight;
    /// @inheritdoc ICollectionShares
    mapping(uint256 collection => mapping(uint256 member => Member)) public memberOf;

    mapping(uint256 collection => mapping(IERC20 currency => Pot)) private _pots;
    mapping(uint256 collection => mapping(uint256 member => mapping(IERC20 currency => Due))) private _dues;

    constructor(IAssetRegistry registry, RoyaltyLedger ledger, IProtocolParameters parameters) {
        if (ledger.COLLECTIONS() != address(this)) revert WrongWiring(ledger.COLLECTIONS(), address(this));
        (REGISTRY, LEDGER, PARAMETERS) = (registry, ledger, parameters);
    }

    /* ----------------------------------------------------------------- members */

    /// @inheritdoc ICollectionShares
    function agree(uint256 collection, uint256[] calldata members, bool agreed) external {
        _checkKind(collection);
        if (!agreed) _collectAll(collection);
        for (uint256 i = 0; i < members.length; ++i) {
            _checkOwner(members[i]);
            memberOf[collection][members[i]].agreed = agreed;
            emit MemberAgreed(collection, members[i], agreed);
            if (!agreed) _setWeight(collection, members[i], 0);
        }
    }

    /// @inheritdoc ICollectionShares
    function setWeights(uint256 collection, uint256[] calldata members, uint64[] calldata weights) external {
        _checkKind(collection);
        _checkOwner(collection);
        if (members.length != weights.length) revert LengthMismatch(members.length, weights.length);
        if (!LEDGER.isShared(collection)) LEDGER.giveToMembers(collection);
        _collectAll(collection);
        for (uint256 i = 0; i < members.length; ++i) {
            if (members[i] == collection) revert OwnMember(collection);
            bool allowed = weights[i] == 0 || memberOf[collection][members[i]].agreed
                || REGISTRY.ownerOf(members[i]) == msg.sender;
            if (!allowed) revert NotAgreed(collection, members[i]);
            _setWeight(collection, members[i], weights[i]);
        }
    }

    /* ----------------------------------------------------------------- money */

    /// @inheritdoc ICollectionShares
    function collect(uint256 collection, IERC20 currency) external {
        _collect(collection, currency);
    }

    /// @inheritdoc ICollectionShares
    function claim(uint256 collection, IERC20 currency, uint256[] calldata members) external {
        _collect(collection, currency);
        uint256[] memory amounts = new uint256[](members.length);
        uint256 sum;
        for (uint256 i = 0; i < members.length; ++i) {
            _accrue(collection, members[i], currency);
            Due storage due = _dues[collection][members[i]][currency];
            (amounts[i], due.owed) = (due.owed, 0);
            sum += amounts[i];
        }
        _pots[collection][currency].divided -= sum;
        LEDGER.passOn(collection, currency, members, amounts);
    }

    /// @inheritdoc ICollectionShares
    function dueTo(uint256 collection, IERC20 currency, uint256 member) external view returns (uint256) {
        Pot memory pot = _pots[collection][currency];
        Due memory due = _dues[collection][member][currency];
        uint256 total = totalWeight[collection];
        if (total != 0) {
            (, uint256[] memory parts) = LEDGER.split(collection, LEDGER.unsettled(collection, currency));
            uint256 held = LEDGER.balanceOf(collection, currency) + parts[parts.length - 1];
            pot.perWeight += (held - pot.divided) * SCALE / total;
        }
        return due.owed + memberOf[collection][member].weight * (pot.perWeight - due.seen) / SCALE;
    }

    /* ----------------------------------------------------------------- inside */

    function _setWeight(uint256 collection, uint256 member, uint64 weight) private {
        IERC20[] memory currencies = PARAMETERS.currencies();
        for (uint256 i = 0; i < currencies.length; ++i) {
            _accrue(collection, member, currencies[i]);
        }
        Member storage known = memberOf[collection][member];
        if (known.weight == weight) return;
        uint256 total = totalWeight[collection] - known.weight + weight;
        (known.weight, totalWeight[collection]) = (weight, total);
        emit WeightChanged(collection, member, weight, total);
    }

    function _collectAll(uint256 collection) private {
        IERC20[] memory currencies = PARAMETERS.currencies();
        for (uint256 i = 0; i < currencies.length; ++i) {
            _collect(collection, currencies[i]);
        }
    }

    /// @dev Before a collection is shared nothing of it is divided; while nobody has weight, revenue waits.
    function _collect(uint256 collection, IERC20 currency) private {
        LEDGER.settle(collection, currency);
        uint256 total = totalWeight[collection];
        if (total == 0) return;
        Pot storage pot = _pots[collection][currency];
        uint256 amount = LEDGER.balanceOf(collection, currency) - pot.divided;
        if (amount == 0) return;
        pot.perWeight += amount * SCALE / total;
        pot.divided += amount;
        emit Collected(collection, currency, amount, total);
    }

    function _accrue(uint256 collection, uint256 member, IERC20 currency) private {
        uint256 perWeight = _pots[collection][currency].perWeight;
        Due storage due = _dues[collection][member][currency];
        uint256 earned = perWeight - due.seen;
        if (earned == 0) return;
        due.seen = perWeight;
        uint256 weight = memberOf[collection][member].weight;
        if (weight != 0) due.owed += weight * earned / SCALE;
    }

    function _checkKind(uint256 collection) private view {
        if (REGISTRY.kindOf(collection) != IAssetRegistry.Kind.Collection) revert NotACollection(collection);
    }

    function _checkOwner(uint256 asset) private view {
        if (REGISTRY.ownerOf(asset) != msg.sender) revert NotAssetOwner(asset, msg.sender);
    }
}
