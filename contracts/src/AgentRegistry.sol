// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {IAgentRegistry} from "./interfaces/IAgentRegistry.sol";
import {IIdentityRegistry} from "./interfaces/IIdentityRegistry.sol";

/// @title Agents as ERC-721 tokens: the identity registry of ERC-8004.
/// @dev Specified in `IAgentRegistry`.
///      Domain and type of the wallet's proof are those of the deployed registries, so that their signers work here.
contract AgentRegistry is IAgentRegistry, ERC721, EIP712 {
    uint256 private constant LONGEST_PROOF = 5 minutes;
    bytes32 private constant WALLET_TYPE =
        keccak256("AgentWalletSet(uint256 agentId,address newWallet,address owner,uint256 deadline)");
    string private constant WALLET_KEY = "agentWallet";
    bytes32 private constant WALLET_KEY_HASH = keccak256(bytes(WALLET_KEY));

    IIdentityRegistry public immutable HANDLES;

    /// @inheritdoc IAgentRegistry
    uint256 public agentCount;

    mapping(uint256 agentId => string) private _uris;
    mapping(uint256 agentId => address) private _wallets;
    mapping(uint256 agentId => mapping(string metadataKey => bytes)) private _metadata;
    /// @dev An entry counts as long as the account owns the agent.
    mapping(address account => uint256 agentId) private _primaries;

    constructor(IIdentityRegistry handles) ERC721("AgentIdentity", "AGENT") EIP712("ERC8004IdentityRegistry", "1") {
        HANDLES = handles;
    }

    modifier onlyManager(uint256 agentId) {
        if (!isAuthorizedOrOwner(msg.sender, agentId)) revert NotAgentOwner(agentId, msg.sender);
        _;
    }

    /* ----------------------------------------------------------------- changes */

    /// @inheritdoc IAgentRegistry
    function register(string calldata agentURI, MetadataEntry[] calldata metadata) external returns (uint256 agentId) {
        agentId = _register(agentURI);
        for (uint256 i = 0; i < metadata.length; ++i) {
            _setMetadata(agentId, metadata[i].metadataKey, metadata[i].metadataValue);
        }
    }

    /// @inheritdoc IAgentRegistry
    function register(string calldata agentURI) external returns (uint256 agentId) {
        return _register(agentURI);
    }

    /// @inheritdoc IAgentRegistry
    function register() external returns (uint256 agentId) {
        return _register("");
    }

    /// @inheritdoc IAgentRegistry
    function setAgentURI(uint256 agentId, string calldata newURI) external onlyManager(agentId) {
        _uris[agentId] = newURI;
        emit URIUpdated(agentId, newURI, msg.sender);
    }

    /// @inheritdoc IAgentRegistry
    function setMetadata(uint256 agentId, string calldata metadataKey, bytes calldata metadataValue)
        external
        onlyManager(agentId)
    {
        _setMetadata(agentId, metadataKey, metadataValue);
    }

    /// @inheritdoc IAgentRegistry
    function setAgentWallet(uint256 agentId, address newWallet, uint256 deadline, bytes calldata signature)
        external
        onlyManager(agentId)
    {
        uint256 latest = block.timestamp + LONGEST_PROOF;
        if (deadline < block.timestamp || deadline > latest) {
            revert DeadlineOutOfBounds(deadline, block.timestamp, latest);
        }
        bytes32 proof = keccak256(abi.encode(WALLET_TYPE, agentId, newWallet, ownerOf(agentId), deadline));
        if (!SignatureChecker.isValidSignatureNow(newWallet, _hashTypedDataV4(proof), signature)) {
            revert InvalidWalletSignature(newWallet);
        }
        _setWallet(agentId, newWallet);
    }

    /// @inheritdoc IAgentRegistry
    function unsetAgentWallet(uint256 agentId) external onlyManager(agentId) {
        _setWallet(agentId, address(0));
    }

    /// @inheritdoc IAgentRegistry
    function setPrimaryAgent(uint256 agentId) external {
        if (agentId != 0 && ownerOf(agentId) != msg.sender) revert NotAgentOwner(agentId, msg.sender);
        _setPrimary(msg.sender, agentId);
    }

    /* ----------------------------------------------------------------- views */

    /// @inheritdoc IAgentRegistry
    function getMetadata(uint256 agentId, string calldata metadataKey) external view returns (bytes memory) {
        if (keccak256(bytes(metadataKey)) != WALLET_KEY_HASH) return _metadata[agentId][metadataKey];
        return _packed(_wallets[agentId]);
    }

    /// @inheritdoc IAgentRegistry
    function getAgentWallet(uint256 agentId) external view returns (address) {
        return _wallets[agentId];
    }

    /// @inheritdoc IAgentRegistry
    function isAuthorizedOrOwner(address spender, uint256 agentId) public view returns (bool) {
        return _isAuthorized(ownerOf(agentId), spender, agentId);
    }

    /// @inheritdoc IAgentRegistry
    function agentOf(address account) public view returns (uint256 agentId) {
        agentId = _primaries[account];
        if (agentId != 0 && _ownerOf(agentId) != account) agentId = 0;
    }

    /// @inheritdoc IAgentRegistry
    function agentOfHandle(string calldata handle) external view returns (uint256 agentId) {
        return agentOf(HANDLES.accountOf(handle));
    }

    /// @inheritdoc IAgentRegistry
    function handleOf(uint256 agentId) external view returns (string memory handle) {
        address owner = ownerOf(agentId);
        if (agentOf(owner) == agentId) handle = HANDLES.handleOf(owner);
    }

    /// @inheritdoc ERC721
    function tokenURI(uint256 agentId) public view override returns (string memory) {
        _requireOwned(agentId);
        return _uris[agentId];
    }

    /// @inheritdoc IAgentRegistry
    function ownerOf(uint256 agentId) public view override(ERC721, IAgentRegistry) returns (address) {
        return super.ownerOf(agentId);
    }

    /* ----------------------------------------------------------------- inside */

    /// @dev Calls nobody back: an agent may be registered by any contract, and nothing happens in between.
    function _register(string memory agentURI) private returns (uint256 agentId) {
        agentId = ++agentCount;
        _uris[agentId] = agentURI;
        _mint(msg.sender, agentId);
        emit Registered(agentId, agentURI, msg.sender);
        _setWallet(agentId, msg.sender);
        if (agentOf(msg.sender) == 0) _setPrimary(msg.sender, agentId);
    }

    function _setMetadata(uint256 agentId, string calldata key, bytes calldata value) private {
        if (keccak256(bytes(key)) == WALLET_KEY_HASH) revert ReservedMetadataKey(key);
        _metadata[agentId][key] = value;
        emit MetadataSet(agentId, key, key, value);
    }

    function _setWallet(uint256 agentId, address wallet) private {
        _wallets[agentId] = wallet;
        emit MetadataSet(agentId, WALLET_KEY, WALLET_KEY, _packed(wallet));
    }

    function _setPrimary(address account, uint256 agentId) private {
        _primaries[account] = agentId;
        emit PrimaryAgentSet(account, agentId);
    }

    /// @dev A wallet proved for one owner is not the next one's.
    function _update(address to, uint256 agentId, address auth) internal override returns (address from) {
        from = super._update(to, agentId, auth);
        if (from != address(0)) _setWallet(agentId, address(0));
    }

    function _packed(address wallet) private pure returns (bytes memory) {
        return wallet == address(0) ? bytes("") : abi.encodePacked(wallet);
    }
}
