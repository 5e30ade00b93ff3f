// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

/// @title Assets, their versions and what they derive from.
interface IAssetRegistry is IERC721 {
    enum Kind {
        Dataset,
        Model,
        Agent,
        Notebook,
        Service,
        Collection
    }

    enum Relation {
        TrainedOn,
        FinetunedFrom,
        DerivedFrom,
        EvaluatedOn,
        Uses
    }

    /// @param root RFC 6962 Merkle root over the version's ciphertext.
    /// @param manifestHash SHA-256 of the public manifest's bytes.
    /// @param metadataHash SHA-256 of the public metadata document's bytes (Croissant or model card envelope).
    /// @param epoch Key epoch of the manifest.
    /// @param publishedAt Block time in seconds.
    /// @param uri Vault location: an fsspec URL, or a path relative to the network's default storage.
    struct Version {
        bytes32 root;
        bytes32 manifestHash;
        bytes32 metadataHash;
        uint32 epoch;
        uint64 publishedAt;
        string uri;
    }

    /// @param license License token that allows the use of `parent`; zero when the registrant owns the parent.
    struct Edge {
        uint256 parent;
        uint256 license;
        Relation relation;
    }

    event AssetRegistered(uint256 indexed asset, address indexed creator, Kind kind, string name);
    event VersionPublished(
        uint256 indexed asset,
        uint32 indexed version,
        uint32 epoch,
        bytes32 root,
        bytes32 manifestHash,
        bytes32 metadataHash,
        string uri
    );
    event VersionRekeyed(uint256 indexed asset, uint32 indexed version, uint32 epoch, bytes32 manifestHash, string uri);
    event ParentLinked(uint256 indexed asset, uint256 indexed parent, Relation relation, uint256 license);

    error InvalidName(string name);
    error NameTaken(address creator, string name, uint256 asset);
    error UnknownAsset(uint256 asset);
    error UnknownVersion(uint256 asset, uint32 version);
    error NotAssetOwner(uint256 asset, address caller);
    error StaleEpoch(uint32 current, uint32 given);
    error TooManyParents(uint256 count);
    error ParentsNotSorted(uint256 parent);
    error InvalidUri(uint256 length);
    error LicenseDoesNotCover(uint256 license, uint256 parent, address account);

    /// @notice Registers an asset with its first version and its parents; the caller becomes creator and owner.
    /// @dev Parents must be sorted by id, without repeats. The royalty table is frozen here.
    function register(string calldata name, Kind kind, Version calldata first, Edge[] calldata parents)
        external
        returns (uint256 asset);

    /// @notice Adds a version; `publishedAt` of the argument is ignored.
    function publishVersion(uint256 asset, Version calldata next) external returns (uint32 version);

    /// @notice Records a new key epoch of a version (same ciphertext root, new manifest).
    function rekeyVersion(uint256 asset, uint32 version, uint32 epoch, bytes32 manifestHash, string calldata uri)
        external;

    function kindOf(uint256 asset) external view returns (Kind);
    function creatorOf(uint256 asset) external view returns (address);
    function nameOf(uint256 asset) external view returns (string memory);
    /// @return asset The id, or zero when `creator` has no asset of that name.
    function assetOf(address creator, string calldata name) external view returns (uint256 asset);
    function versionCount(uint256 asset) external view returns (uint32);
    /// @param version Counted from 1.
    function versionOf(uint256 asset, uint32 version) external view returns (Version memory);
    function parentsOf(uint256 asset) external view returns (Edge[] memory);
    /// @notice Ids are given out from 1 upward.
    function assetCount() external view returns (uint256);
}
