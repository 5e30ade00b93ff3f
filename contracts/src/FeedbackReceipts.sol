// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IAgentRegistry} from "./interfaces/IAgentRegistry.sol";
import {IAssetRegistry} from "./interfaces/IAssetRegistry.sol";
import {IFeedbackReceipts} from "./interfaces/IFeedbackReceipts.sol";
import {ILicenseToken} from "./interfaces/ILicenseToken.sol";
import {IRefundEscrow} from "./interfaces/IRefundEscrow.sol";
import {IReputationRegistry} from "./interfaces/IReputationRegistry.sol";
import {FeedbackMean} from "./libraries/FeedbackMean.sol";

/// @title Which feedback on agents has a receipt.
/// @dev Specified in `IFeedbackReceipts`.
///      Apart from the feedback itself, so that other kinds of receipts can come with another module beside this one.
contract FeedbackReceipts is IFeedbackReceipts {
    using FeedbackMean for FeedbackMean.Sum;

    IReputationRegistry public immutable REPUTATION;
    IAgentRegistry public immutable AGENTS;
    ILicenseToken public immutable LICENSES;
    IAssetRegistry public immutable ASSETS;
    IRefundEscrow public immutable REFUNDS;

    mapping(uint256 agentId => Backed[]) private _backed;
    mapping(uint256 agentId => mapping(address client => mapping(uint64 index => uint256 license))) private _receipts;

    /// @inheritdoc IFeedbackReceipts
    mapping(uint256 license => bool) public isSpent;

    constructor(
        IReputationRegistry reputation,
        IAgentRegistry agents,
        ILicenseToken licenses,
        IAssetRegistry assets,
        IRefundEscrow refunds
    ) {
        (REPUTATION, AGENTS, LICENSES, ASSETS, REFUNDS) = (reputation, agents, licenses, assets, refunds);
    }

    /// @inheritdoc IFeedbackReceipts
    function back(uint256 agentId, uint64 index, uint256 license) external {
        (,,,, bool revoked) = REPUTATION.readFeedback(agentId, msg.sender, index);
        if (revoked) revert FeedbackIsRevoked(agentId, msg.sender, index);
        uint256 present = _receipts[agentId][msg.sender][index];
        if (present != 0) revert AlreadyBacked(agentId, msg.sender, index, present);
        if (isSpent[license]) revert LicenseSpent(license);
        uint256 asset = LICENSES.get(license).asset;
        if (LICENSES.ownerOf(license) != msg.sender) revert NotLicenseHolder(license, msg.sender);
        (address payer, uint40 closesAt) = REFUNDS.saleOf(license);
        if (payer != address(0) && block.timestamp < closesAt && !LICENSES.isFirm(license)) {
            revert LicenseNotFinal(license, closesAt);
        }
        address owner = ASSETS.ownerOf(asset);
        if (owner != AGENTS.ownerOf(agentId)) revert ForeignAsset(agentId, asset, owner);

        isSpent[license] = true;
        _receipts[agentId][msg.sender][index] = license;
        _backed[agentId].push(Backed(msg.sender, index, license));
        emit FeedbackBacked(agentId, msg.sender, index, license, asset);
    }

    /// @inheritdoc IFeedbackReceipts
    function receiptOf(uint256 agentId, address client, uint64 index) external view returns (uint256 license) {
        return _receipts[agentId][client][index];
    }

    /// @inheritdoc IFeedbackReceipts
    function count(uint256 agentId) external view returns (uint256) {
        return _backed[agentId].length;
    }

    /// @inheritdoc IFeedbackReceipts
    function page(uint256 agentId, uint256 first, uint256 limit) public view returns (Backed[] memory found) {
        Backed[] storage all = _backed[agentId];
        uint256 length = first < all.length ? Math.min(limit, all.length - first) : 0;
        found = new Backed[](length);
        for (uint256 i = 0; i < length; ++i) {
            found[i] = all[first + i];
        }
    }

    /// @inheritdoc IFeedbackReceipts
    function getSummary(uint256 agentId, string calldata tag1, string calldata tag2, uint256 first, uint256 limit)
        external
        view
        returns (uint64, int128, uint8)
    {
        FeedbackMean.Sum memory sum;
        Backed[] memory found = page(agentId, first, limit);
        for (uint256 i = 0; i < found.length; ++i) {
            IReputationRegistry.Feedback memory said =
                REPUTATION.feedbackPage(agentId, found[i].client, found[i].index, 1)[0];
            if (said.revoked || !_equal(said.tag1, tag1)) continue;
            if (bytes(tag2).length != 0 && !_equal(said.tag2, tag2)) continue;
            sum.add(said.value, said.decimals, said.tag1);
        }
        return sum.mean();
    }

    function _equal(string memory one, string calldata other) private pure returns (bool) {
        return keccak256(bytes(one)) == keccak256(bytes(other));
    }
}
