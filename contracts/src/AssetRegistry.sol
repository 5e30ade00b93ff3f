// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {SSTORE2} from "solady/utils/SSTORE2.sol";

import {IAssetRegistry} from "./interfaces/IAssetRegistry.sol";
import {ILicenseToken} from "./interfaces/ILicenseToken.sol";
import {Uses} from "./interfaces/ILicenseTerms.sol";
import {IRoyaltyLedger} from "./interfaces/IRoyaltyLedger.sol";
import {AssetRecords} from "./libraries/AssetRecords.sol";
import {Names} from "./libraries/Names.sol";

/// @title Assets, their versions and what they derive from.
/// @dev Specified in `IAssetRegistry`.
///      What never changes (card, versions) is kept as contract code: cheaper to write than slots, and small in state.
contract AssetRegistry is IAssetRegistry, ERC721 {
    uint256 public constant MAX_PARENTS = 16;
    uint256 public constant MAX_URI_BYTES = 2_048;

    IRoyaltyLedger public immutable LEDGER;
    ILicenseToken public immutable LICENSES;

    /// @param card Where the card lies, with the first version.
    /// @param versions How many there are.
    struct Asset {
        address card;
        uint32 versions;
    }

    /// @inheritdoc IAssetRegistry
    uint256 public assetCount;

    mapping(uint256 asset => Asset) private _assets;
    /// @dev No pointer for a first version that was never rekeyed: it lies with the card.
    mapping(uint256 asset => mapping(uint256 version => address pointer)) private _versions;
    mapping(address creator => mapping(bytes32 nameHash => uint256 asset)) private _named;

    /// @param licenses Address the license token will have; predicted, since it needs this registry's.
    constructor(IRoyaltyLedger ledger, ILicenseToken licenses) ERC721("Sahara Asset", "ASSET") {
        LEDGER = ledger;
        LICENSES = licenses;
    }

    /* ----------------------------------------------------------------- changes */

    /// @inheritdoc IAssetRegistry
    function register(string calldata name, Kind kind, Version calldata first, Edge[] calldata parents)
        external
        returns (uint256 asset)
    {
        asset = _claimName(name);
        (Edge[] memory edges, IRoyaltyLedger.Debt[] memory debts) = _resolve(asset, parents);
        AssetRecords.Card memory card = AssetRecords.Card(msg.sender, kind, name, edges, _checked(first));
        _assets[asset] = Asset(SSTORE2.write(AssetRecords.packCard(card)), 1);
        _mint(msg.sender, asset);

        emit AssetRegistered(asset, msg.sender, kind, name);
        for (uint256 i = 0; i < edges.length; ++i) {
            emit ParentLinked(asset, edges[i].parent, edges[i].relation, edges[i].license);
        }
        _announce(asset, 1, card.first);
        LEDGER.link(asset, debts);
    }

    /// @inheritdoc IAssetRegistry
    function publishVersion(uint256 asset, Version calldata next) external returns (uint32 version) {
        _checkOwner(asset);
        Version memory given = _checked(next);
        version = ++_assets[asset].versions;
        _versions[asset][version] = SSTORE2.write(AssetRecords.packVersion(given));
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
        _versions[asset][version] = SSTORE2.write(AssetRecords.packVersion(present));
        emit VersionRekeyed(asset, version, epoch, manifestHash, uri);
    }

    /* ----------------------------------------------------------------- views */

    /// @inheritdoc IAssetRegistry
    function kindOf(uint256 asset) external view returns (Kind) {
        return _card(asset).kind;
    }

    /// @inheritdoc IAssetRegistry
    function creatorOf(uint256 asset) external view returns (address) {
        return _card(asset).creator;
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
    function versionCount(uint256 asset) external view returns (uint32) {
        return _assets[asset].versions;
    }

    /// @inheritdoc IAssetRegistry
    function versionOf(uint256 asset, uint32 version) public view returns (Version memory) {
        if (version == 0 || version > _assets[asset].versions) revert UnknownVersion(asset, version);
        address pointer = _versions[asset][version];
        if (pointer == address(0)) return _card(asset).first;
        return AssetRecords.unpackVersion(SSTORE2.read(pointer));
    }

    /* ----------------------------------------------------------------- inside */

    function _claimName(string calldata name) private returns (uint256 asset) {
        if (!Names.isAssetName(name)) revert InvalidName(name);
        bytes32 nameHash = keccak256(bytes(name));
        uint256 holder = _named[msg.sender][nameHash];
        if (holder != 0) revert NameTaken(msg.sender, name, holder);
        asset = ++assetCount;
        _named[msg.sender][nameHash] = asset;
    }

    /// @dev Checks that the caller may derive from each parent, and finds what is owed to it.
    function _resolve(uint256 asset, Edge[] calldata parents)
        private
        view
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
            debts[i] = IRoyaltyLedger.Debt(edge.parent, own ? 0 : _royaltyOf(edge), own);
            edges[i] = Edge(edge.parent, own ? 0 : edge.license, edge.relation);
        }
    }

    function _royaltyOf(Edge calldata edge) private view returns (uint16) {
        if (edge.license == 0) revert LicenseDoesNotCover(0, edge.parent, msg.sender);
        ILicenseToken.License memory license = LICENSES.get(edge.license);
        bool valid = license.asset == edge.parent && LICENSES.ownerOf(edge.license) == msg.sender
            && (license.expiresAt == 0 || license.expiresAt > block.timestamp);
        bool allowed = license.uses & Uses.DERIVATIVE != 0
            || (edge.relation == Relation.TrainedOn && license.uses & Uses.TRAINING != 0);
        if (!valid || !allowed) revert LicenseDoesNotCover(edge.license, edge.parent, msg.sender);
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
    function _update(address to, uint256 asset, address auth) internal override returns (address) {
        address from = _ownerOf(asset);
        if (from != address(0) && from != to) LEDGER.beforeTransfer(asset, from);
        return super._update(to, asset, auth);
    }

    function _card(uint256 asset) private view returns (AssetRecords.Card memory) {
        address pointer = _assets[asset].card;
        if (pointer == address(0)) revert UnknownAsset(asset);
        return AssetRecords.unpackCard(SSTORE2.read(pointer));
    }

    function _checkOwner(uint256 asset) private view {
        if (_assets[asset].card == address(0)) revert UnknownAsset(asset);
        if (_ownerOf(asset) != msg.sender) revert NotAssetOwner(asset, msg.sender);
    }

    function _checkUri(string calldata uri) private pure {
        if (bytes(uri).length > MAX_URI_BYTES) revert InvalidUri(bytes(uri).length);
    }
}
