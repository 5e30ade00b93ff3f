// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Assets, their versions and what they derive from.
/// @dev The contract has all of ERC-721 with metadata; what follows is what it has beyond that, and `ownerOf`.
interface IAssetRegistry {
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

    /// @notice A new asset, with its name among its creator's.
    event AssetRegistered(uint256 indexed asset, address indexed creator, Kind kind, string name);
    /// @notice A version was added; the first one comes with the registration.
    event VersionPublished(
        uint256 indexed asset,
        uint32 indexed version,
        uint32 epoch,
        bytes32 root,
        bytes32 manifestHash,
        bytes32 metadataHash,
        string uri
    );
    /// @notice A version got a new key epoch.
    event VersionRekeyed(uint256 indexed asset, uint32 indexed version, uint32 epoch, bytes32 manifestHash, string uri);
    /// @notice One parent of an asset, announced at registration; `license` is zero for an own parent.
    event ParentLinked(uint256 indexed asset, uint256 indexed parent, Relation relation, uint256 license);

    /// @notice Not 1 to 64 characters of a-z, 0-9, dot, underscore and hyphen after a letter or digit.
    error InvalidName(string name);
    /// @notice The creator has an asset of that name.
    error NameTaken(address creator, string name, uint256 asset);
    /// @notice There is no such asset, or it is not older than its child.
    error UnknownAsset(uint256 asset);
    /// @notice Versions are counted from 1 to `versionCount`.
    error UnknownVersion(uint256 asset, uint32 version);
    /// @notice Only the owner may do this.
    error NotAssetOwner(uint256 asset, address caller);
    /// @notice A key epoch only rises.
    error StaleEpoch(uint32 current, uint32 given);
    /// @notice More than 16; larger sets go through a collection.
    error TooManyParents(uint256 count);
    /// @notice Parents come once each, in ascending order; `parent` does not.
    error ParentsNotSorted(uint256 parent);
    /// @notice Above 2,048 bytes.
    error InvalidUri(uint256 length);
    /// @notice No valid license of `account` that allows deriving from `parent`.
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

    /// @notice Who owns `asset`.
    function ownerOf(uint256 asset) external view returns (address);
    /// @notice What sort of thing `asset` is.
    function kindOf(uint256 asset) external view returns (Kind);
    /// @notice Who registered `asset`; does not change when it is sold.
    function creatorOf(uint256 asset) external view returns (address);
    /// @notice Name among the creator's assets.
    function nameOf(uint256 asset) external view returns (string memory);
    /// @return asset The id, or zero when `creator` has no asset of that name.
    function assetOf(address creator, string calldata name) external view returns (uint256 asset);
    /// @notice Versions so far.
    function versionCount(uint256 asset) external view returns (uint32);
    /// @param version Counted from 1.
    function versionOf(uint256 asset, uint32 version) external view returns (Version memory);
    /// @notice Parents, sorted by id.
    function parentsOf(uint256 asset) external view returns (Edge[] memory);
    /// @notice Ids are given out from 1 upward.
    function assetCount() external view returns (uint256);
}
