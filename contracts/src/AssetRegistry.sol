// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LibRLP} from "solady/utils/LibRLP.sol";
import {LibString} from "solady/utils/LibString.sol";
import {SSTORE2} from "solady/utils/SSTORE2.sol";

import {NonFungible} from "./base/NonFungible.sol";
import {IAssetRegistry} from "./interfaces/IAssetRegistry.sol";
import {ILicenseToken} from "./interfaces/ILicenseToken.sol";
import {Uses} from "./interfaces/ILicenseTerms.sol";
import {IRoyaltyLedger} from "./interfaces/IRoyaltyLedger.sol";
import {AssetRecords} from "./libraries/AssetRecords.sol";
import {Names} from "./libraries/Names.sol";

/// @title Assets, their versions and what they derive from.
/// @dev Specified in `IAssetRegistry`.
///      What never changes (card, versions) is kept as contract code: cheaper to write than slots, and small in state.
///      Beside its owner an asset keeps how many versions it has, and which of this contract's creations its card is:
///      the address follows from that (EIP-161), so it needs no slot.
contract AssetRegistry is IAssetRegistry, NonFungible {
    using LibString for *;

    uint256 public constant MAX_PARENTS = 16;
    uint256 public constant MAX_URI_BYTES = 2_048;

    /// @dev Extra data of an asset: `creation of its card << 32 | versions`.
    uint256 private constant VERSION_BITS = 32;

    IRoyaltyLedger public immutable LEDGER;
    ILicenseToken public immutable LICENSES;

    uint128 private _assetCount;
    /// @dev Contracts that this one created, all by `_write`: the nonce of the last.
    uint64 private _creations;
    /// @dev No pointer for a first version that was never rekeyed: it lies with the card.
    mapping(uint256 asset => mapping(uint256 version => address pointer)) private _versions;
    /// @dev Of assets that changed hands; any other belongs to its creator.
    mapping(uint256 asset => address) private _creators;
    mapping(address creator => mapping(bytes32 nameHash => uint256 asset)) private _named;

    /// @param licenses Address the license token will have; predicted, since it needs this registry's.
    constructor(IRoyaltyLedger ledger, ILicenseToken licenses) NonFungible("Sahara Asset", "ASSET") {
        LEDGER = ledger;
        LICENSES = licenses;
    }

    /* ----------------------------------------------------------------- changes */

    /// @inheritdoc IAssetRegistry
    function register(string calldata name, Kind kind, Version calldata first, Edge[] calldata parents)
        external
        returns (uint256 asset)
    {
        string memory ownName = name;
        asset = _claimName(ownName);
        (Edge[] memory edges, IRoyaltyLedger.Debt[] memory debts) = _resolve(asset, parents);
        AssetRecords.Card memory card = AssetRecords.Card(kind, ownName, edges, _checked(first));
        (, uint256 creation) = _write(AssetRecords.packCard(card));
        _mintAndSetExtraDataUnchecked(msg.sender, asset, uint96(creation << VERSION_BITS | 1));

        emit AssetRegistered(asset, msg.sender, kind, ownName);
        for (uint256 i = 0; i < edges.length; ++i) {
            emit ParentLinked(asset, edges[i].parent, edges[i].relation, edges[i].license);
        }
        _announce(asset, 1, card.first);
        if (debts.length != 0) LEDGER.link(asset, debts);
    }

    /// @inheritdoc IAssetRegistry
    function publishVersion(uint256 asset, Version calldata next) external returns (uint32 version) {
        _checkOwner(asset);
        Version memory given = _checked(next);
        version = versionCount(asset) + 1;
        _setExtraData(asset, _getExtraData(asset) + 1);
        (_versions[asset][version],) = _write(AssetRecords.packVersion(given));
        _announce(asset, version, given);
    }

    /// @inheritdoc IAssetRegistry
    function rekeyVersion(uint256 asset, uint32 version, uint32 epoch, bytes32 manifestHash, string calldata uri)
        external
    {
        _checkOwner(asset);
        _checkUri(uri);
        Version memory present = versionOf(asset, version);
        if (epoch <= present.epoch) revert StaleEpoch(present.epoch, epoch);
        present.epoch = epoch;
        present.manifestHash = manifestHash;
        present.uri = uri;
        (_versions[asset][version],) = _write(AssetRecords.packVersion(present));
        emit VersionRekeyed(asset, version, epoch, manifestHash, uri);
    }

    /* ----------------------------------------------------------------- views */

    /// @inheritdoc IAssetRegistry
    function kindOf(uint256 asset) external view returns (Kind) {
        return _card(asset).kind;
    }

    /// @inheritdoc IAssetRegistry
    function creatorOf(uint256 asset) public view returns (address creator) {
        address owner = _ownerOf(asset);
        if (owner == address(0)) revert UnknownAsset(asset);
        creator = _creators[asset];
        if (creator == address(0)) creator = owner;
    }

    /// @inheritdoc IAssetRegistry
    function nameOf(uint256 asset) external view returns (string memory) {
        return _card(asset).name;
    }

    /// @inheritdoc IAssetRegistry
    function parentsOf(uint256 asset) external view returns (Edge[] memory) {
        return _card(asset).parents;
    }

    /// @inheritdoc IAssetRegistry
    function assetOf(address creator, string calldata name) external view returns (uint256 asset) {
        return _named[creator][keccak256(bytes(name))];
    }

    /// @inheritdoc IAssetRegistry
    function versionCount(uint256 asset) public view returns (uint32) {
        return uint32(_getExtraData(asset));
    }

    /// @inheritdoc IAssetRegistry
    function assetCount() external view returns (uint256) {
        return _assetCount;
    }

    /// @inheritdoc IAssetRegistry
    function ownerOf(uint256 asset) public view override(NonFungible, IAssetRegistry) returns (address) {
        return super.ownerOf(asset);
    }

    /// @notice The asset's card and newest version, as a JSON document in a `data:` URI.
    function tokenURI(uint256 asset) public view override returns (string memory) {
        AssetRecords.Card memory card = _card(asset);
        uint32 count = versionCount(asset);
        Version memory newest = versionOf(asset, count);
        return _inline(
            string.concat(
                '{"name":"',
                card.name,
                '","creator":"',
                creatorOf(asset).toHexStringChecksummed(),
                '","kind":',
                uint256(card.kind).toString(),
                ',"version":',
                uint256(count).toString(),
                ',"root":"',
                uint256(newest.root).toHexString(32),
                '","uri":"',
                newest.uri.escapeJSON(),
                '"}'
            )
        );
    }

    /// @inheritdoc IAssetRegistry
    function versionOf(uint256 asset, uint32 version) public view returns (Version memory) {
        if (version == 0 || version > versionCount(asset)) revert UnknownVersion(asset, version);
        address pointer = _versions[asset][version];
        if (pointer == address(0)) return _card(asset).first;
        return AssetRecords.unpackVersion(SSTORE2.read(pointer));
    }

    /* ----------------------------------------------------------------- inside */

    function _claimName(string memory name) private returns (uint256 asset) {
        if (!Names.isAssetName(name)) revert InvalidName(name);
        bytes32 nameHash = keccak256(bytes(name));
        uint256 holder = _named[msg.sender][nameHash];
        if (holder != 0) revert NameTaken(msg.sender, name, holder);
        asset = ++_assetCount;
        _named[msg.sender][nameHash] = asset;
    }

    /// @dev Checks that the caller may derive from each parent, and finds what is owed to it.
    function _resolve(uint256 asset, Edge[] calldata parents)
        private
        returns (Edge[] memory edges, IRoyaltyLedger.Debt[] memory debts)
    {
        uint256 count = parents.length;
        if (count > MAX_PARENTS) revert TooManyParents(count);
        edges = new Edge[](count);
        debts = new IRoyaltyLedger.Debt[](count);
        uint256 previous;
        for (uint256 i = 0; i < count; ++i) {
            Edge calldata edge = parents[i];
            if (edge.parent == 0 || edge.parent >= asset) revert UnknownAsset(edge.parent);
            if (edge.parent <= previous) revert ParentsNotSorted(edge.parent);
            previous = edge.parent;
            // An owner needs no license of their own asset and owes it nothing, but what it owes passes to the child.
            bool own = _ownerOf(edge.parent) == msg.sender;
            debts[i] = IRoyaltyLedger.Debt(edge.parent, own ? 0 : _useLicense(edge), own);
            edges[i] = Edge(edge.parent, own ? 0 : edge.license, edge.relation);
        }
    }

    /// @dev What is owed by the license of an edge; from here on the license cannot be given back.
    function _useLicense(Edge calldata edge) private returns (uint16) {
        if (edge.license == 0) revert LicenseDoesNotCover(0, edge.parent, msg.sender);
        ILicenseToken.License memory license = LICENSES.get(edge.license);
        bool valid = license.asset == edge.parent && LICENSES.ownerOf(edge.license) == msg.sender
            && (license.expiresAt == 0 || license.expiresAt > block.timestamp);
        bool allowed = license.uses & Uses.DERIVATIVE != 0
            || (edge.relation == Relation.TrainedOn && license.uses & Uses.TRAINING != 0);
        if (!valid || !allowed) revert LicenseDoesNotCover(edge.license, edge.parent, msg.sender);
        LICENSES.makeFirm(edge.license);
        return license.royaltyBps;
    }

    function _checked(Version calldata given) private view returns (Version memory version) {
        _checkUri(given.uri);
        version = given;
        version.publishedAt = uint64(block.timestamp);
    }

    function _announce(uint256 asset, uint32 version, Version memory next) private {
        emit VersionPublished(asset, version, next.epoch, next.root, next.manifestHash, next.metadataHash, next.uri);
    }

    /// @dev What accrued so far stays with the seller.
    function _afterTokenTransfer(address from, address to, uint256 asset) internal override {
        if (from == address(0) || from == to) return;
        if (_creators[asset] == address(0)) _creators[asset] = from;
        LEDGER.beforeTransfer(asset, from);
    }

    /// @dev Every contract that this one creates is created here, so that `_creations` is its nonce.
    function _write(bytes memory record) private returns (address pointer, uint256 creation) {
        creation = ++_creations;
        pointer = SSTORE2.write(record);
        assert(pointer == LibRLP.computeAddress(address(this), creation));
    }

    function _card(uint256 asset) private view returns (AssetRecords.Card memory) {
        if (!_exists(asset)) revert UnknownAsset(asset);
        uint256 creation = _getExtraData(asset) >> VERSION_BITS;
        return AssetRecords.unpackCard(SSTORE2.read(LibRLP.computeAddress(address(this), creation)));
    }

    function _checkOwner(uint256 asset) private view {
        address owner = _ownerOf(asset);
        if (owner == address(0)) revert UnknownAsset(asset);
        if (owner != msg.sender) revert NotAssetOwner(asset, msg.sender);
    }

    function _checkUri(string calldata uri) private pure {
        if (bytes(uri).length > MAX_URI_BYTES) revert InvalidUri(bytes(uri).length);
    }
}
