// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IAgentRegistry} from "./interfaces/IAgentRegistry.sol";
import {IReputationRegistry} from "./interfaces/IReputationRegistry.sol";
import {FeedbackMean} from "./libraries/FeedbackMean.sol";

/// @title Feedback on agents: the reputation registry of ERC-8004.
/// @dev Specified in `IReputationRegistry`.
contract ReputationRegistry is IReputationRegistry {
    using FeedbackMean for FeedbackMean.Sum;

    uint256 public constant MAX_TAG_BYTES = 64;
    uint8 private constant MAX_DECIMALS = 18;
    int128 private constant MAX_VALUE = 1e38;

    IAgentRegistry public immutable AGENTS;

    mapping(uint256 agentId => mapping(address client => Feedback[])) private _feedback;
    mapping(uint256 agentId => address[]) private _clients;
    /// @dev Counted for every question that `getResponseCount` can be asked, so that it needs no walk.
    mapping(bytes32 question => uint64) private _responses;

    constructor(IAgentRegistry agents) {
        AGENTS = agents;
    }

    /* ----------------------------------------------------------------- changes */

    /// @inheritdoc IReputationRegistry
    /// @dev The parts are in memory: nine of them as calldata are more than the stack holds.
    function giveFeedback(
        uint256 agentId,
        int128 value,
        uint8 valueDecimals,
        string memory tag1,
        string memory tag2,
        string memory endpoint,
        string memory feedbackURI,
        bytes32 feedbackHash
    ) public {
        if (valueDecimals > MAX_DECIMALS || value > MAX_VALUE || value < -MAX_VALUE) {
            revert ValueOutOfBounds(value, valueDecimals);
        }
        _checkTag(tag1);
        _checkTag(tag2);
        if (AGENTS.isAuthorizedOrOwner(msg.sender, agentId) || AGENTS.getAgentWallet(agentId) == msg.sender) {
            revert SelfFeedback(agentId, msg.sender);
        }
        uint64 index = _keep(agentId, Feedback(value, valueDecimals, false, tag1, tag2));
        emit NewFeedback(
            agentId, msg.sender, index, value, valueDecimals, tag1, tag1, tag2, endpoint, feedbackURI, feedbackHash
        );
    }

    /// @inheritdoc IReputationRegistry
    function revokeFeedback(uint256 agentId, uint64 feedbackIndex) external {
        Feedback storage feedback = _get(agentId, msg.sender, feedbackIndex);
        if (feedback.revoked) revert AlreadyRevoked(agentId, msg.sender, feedbackIndex);
        feedback.revoked = true;
        emit FeedbackRevoked(agentId, msg.sender, feedbackIndex);
    }

    /// @inheritdoc IReputationRegistry
    function appendResponse(
        uint256 agentId,
        address clientAddress,
        uint64 feedbackIndex,
        string calldata responseURI,
        bytes32 responseHash
    ) external {
        _get(agentId, clientAddress, feedbackIndex);
        address[2] memory responders = [msg.sender, address(0)];
        for (uint256 i = 0; i < responders.length; ++i) {
            ++_responses[_question(agentId, clientAddress, feedbackIndex, responders[i])];
            ++_responses[_question(agentId, clientAddress, 0, responders[i])];
            ++_responses[_question(agentId, address(0), 0, responders[i])];
        }
        emit ResponseAppended(agentId, clientAddress, feedbackIndex, msg.sender, responseURI, responseHash);
    }

    /* ----------------------------------------------------------------- views of the ERC */

    /// @inheritdoc IReputationRegistry
    function getIdentityRegistry() external view returns (address identityRegistry) {
        return address(AGENTS);
    }

    /// @inheritdoc IReputationRegistry
    function getSummary(uint256 agentId, address[] calldata clientAddresses, string calldata tag1, string calldata tag2)
        external
        view
        returns (uint64 count, int128 summaryValue, uint8 summaryValueDecimals)
    {
        if (clientAddresses.length == 0) revert ClientsRequired();
        FeedbackMean.Sum memory sum;
        for (uint256 i = 0; i < clientAddresses.length; ++i) {
            Feedback[] storage given = _feedback[agentId][clientAddresses[i]];
            for (uint256 j = 0; j < given.length; ++j) {
                if (given[j].revoked || !_matches(given[j], tag1, tag2)) continue;
                sum.add(given[j].value, given[j].decimals, given[j].tag1);
            }
        }
        return sum.mean();
    }

    /// @inheritdoc IReputationRegistry
    function readFeedback(uint256 agentId, address clientAddress, uint64 feedbackIndex)
        external
        view
        returns (int128 value, uint8 valueDecimals, string memory tag1, string memory tag2, bool isRevoked)
    {
        Feedback memory found = _get(agentId, clientAddress, feedbackIndex);
        return (found.value, found.decimals, found.tag1, found.tag2, found.revoked);
    }

    /// @inheritdoc IReputationRegistry
    function readAllFeedback(
        uint256 agentId,
        address[] memory clientAddresses,
        string memory tag1,
        string memory tag2,
        bool includeRevoked
    )
        public
        view
        returns (
            address[] memory clients,
            uint64[] memory feedbackIndexes,
            int128[] memory values,
            uint8[] memory valueDecimals,
            string[] memory tag1s,
            string[] memory tag2s,
            bool[] memory revokedStatuses
        )
    {
        if (clientAddresses.length == 0) clientAddresses = _clients[agentId];
        (clients, feedbackIndexes) = _find(agentId, clientAddresses, tag1, tag2, includeRevoked);
        (values, valueDecimals, tag1s, tag2s, revokedStatuses) = _columns(agentId, clients, feedbackIndexes);
    }

    /// @inheritdoc IReputationRegistry
    function getResponseCount(
        uint256 agentId,
        address clientAddress,
        uint64 feedbackIndex,
        address[] calldata responders
    ) external view returns (uint64 count) {
        uint64 index = clientAddress == address(0) ? 0 : feedbackIndex;
        if (responders.length == 0) return _responses[_question(agentId, clientAddress, index, address(0))];
        for (uint256 i = 0; i < responders.length; ++i) {
            count += _responses[_question(agentId, clientAddress, index, responders[i])];
        }
    }

    /// @inheritdoc IReputationRegistry
    function getClients(uint256 agentId) external view returns (address[] memory) {
        return _clients[agentId];
    }

    /// @inheritdoc IReputationRegistry
    function getLastIndex(uint256 agentId, address clientAddress) external view returns (uint64) {
        return uint64(_feedback[agentId][clientAddress].length);
    }

    /* ----------------------------------------------------------------- views of bounded work */

    /// @inheritdoc IReputationRegistry
    function clientCount(uint256 agentId) external view returns (uint256) {
        return _clients[agentId].length;
    }

    /// @inheritdoc IReputationRegistry
    function clientsPage(uint256 agentId, uint256 first, uint256 limit) external view returns (address[] memory page) {
        address[] storage clients = _clients[agentId];
        uint256 length = first < clients.length ? Math.min(limit, clients.length - first) : 0;
        page = new address[](length);
        for (uint256 i = 0; i < length; ++i) {
            page[i] = clients[first + i];
        }
    }

    /// @inheritdoc IReputationRegistry
    function feedbackPage(uint256 agentId, address client, uint64 first, uint64 limit)
        external
        view
        returns (Feedback[] memory page)
    {
        Feedback[] storage given = _feedback[agentId][client];
        if (first == 0) revert UnknownFeedback(agentId, client, first);
        uint256 length = first <= given.length ? Math.min(limit, given.length - first + 1) : 0;
        page = new Feedback[](length);
        for (uint256 i = 0; i < length; ++i) {
            page[i] = given[first - 1 + i];
        }
    }

    /* ----------------------------------------------------------------- inside */

    function _keep(uint256 agentId, Feedback memory feedback) private returns (uint64 index) {
        Feedback[] storage given = _feedback[agentId][msg.sender];
        if (given.length == 0) _clients[agentId].push(msg.sender);
        given.push(feedback);
        index = uint64(given.length);
    }

    function _get(uint256 agentId, address client, uint64 index) private view returns (Feedback storage) {
        Feedback[] storage given = _feedback[agentId][client];
        if (index == 0 || index > given.length) revert UnknownFeedback(agentId, client, index);
        return given[index - 1];
    }

    /// @dev Counts first, since memory has no growing lists.
    function _find(uint256 agentId, address[] memory asked, string memory tag1, string memory tag2, bool includeRevoked)
        private
        view
        returns (address[] memory clients, uint64[] memory indexes)
    {
        uint256 count;
        for (uint256 pass = 0; pass < 2; ++pass) {
            if (pass == 1) (clients, indexes, count) = (new address[](count), new uint64[](count), 0);
            for (uint256 i = 0; i < asked.length; ++i) {
                Feedback[] storage given = _feedback[agentId][asked[i]];
                for (uint256 j = 0; j < given.length; ++j) {
                    if ((given[j].revoked && !includeRevoked) || !_matches(given[j], tag1, tag2)) continue;
                    if (pass == 1) (clients[count], indexes[count]) = (asked[i], uint64(j + 1));
                    ++count;
                }
            }
        }
    }

    function _columns(uint256 agentId, address[] memory clients, uint64[] memory indexes)
        private
        view
        returns (
            int128[] memory values,
            uint8[] memory decimals,
            string[] memory tag1s,
            string[] memory tag2s,
            bool[] memory revoked
        )
    {
        uint256 count = clients.length;
        (values, decimals, revoked) = (new int128[](count), new uint8[](count), new bool[](count));
        (tag1s, tag2s) = (new string[](count), new string[](count));
        for (uint256 i = 0; i < count; ++i) {
            Feedback storage found = _feedback[agentId][clients[i]][indexes[i] - 1];
            (values[i], decimals[i], revoked[i]) = (found.value, found.decimals, found.revoked);
            (tag1s[i], tag2s[i]) = (found.tag1, found.tag2);
        }
    }

    function _matches(Feedback storage feedback, string memory tag1, string memory tag2) private view returns (bool) {
        return _isTag(feedback.tag1, tag1) && _isTag(feedback.tag2, tag2);
    }

    /// @dev Asking for no tag is asking for any.
    function _isTag(string storage tag, string memory asked) private view returns (bool) {
        return bytes(asked).length == 0 || keccak256(bytes(tag)) == keccak256(bytes(asked));
    }

    function _checkTag(string memory tag) private pure {
        if (bytes(tag).length > MAX_TAG_BYTES) revert TagTooLong(bytes(tag).length, MAX_TAG_BYTES);
    }

    /// @dev Zero stands for all.
    function _question(uint256 agentId, address client, uint64 index, address responder)
        private
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(agentId, client, index, responder));
    }
}
