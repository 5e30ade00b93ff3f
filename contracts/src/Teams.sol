// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ITeams} from "./interfaces/ITeams.sol";
import {Names} from "./libraries/Names.sol";

/// @title Groups of accounts that assets are shared with.
/// @dev Specified in `ITeams`. Holds no money and has no roles.
contract Teams is ITeams {
    struct Team {
        address owner;
        string name;
    }

    /// @inheritdoc ITeams
    mapping(uint256 team => Team) public get;
    /// @inheritdoc ITeams
    mapping(uint256 team => mapping(address account => bool)) public isMember;

    uint256 private _count;
    mapping(address owner => mapping(bytes32 nameHash => uint256 team)) private _named;

    /// @inheritdoc ITeams
    function found(string calldata name) external returns (uint256 team) {
        if (!Names.isAssetName(name)) revert InvalidTeamName(name);
        bytes32 nameHash = keccak256(bytes(name));
        uint256 present = _named[msg.sender][nameHash];
        if (present != 0) revert TeamExists(present);
        team = ++_count;
        _named[msg.sender][nameHash] = team;
        get[team] = Team(msg.sender, name);
        emit TeamFounded(team, msg.sender, name);
    }

    /// @inheritdoc ITeams
    function addMembers(uint256 team, address[] calldata accounts) external {
        _checkOwner(team);
        for (uint256 i = 0; i < accounts.length; ++i) {
            if (isMember[team][accounts[i]]) continue;
            isMember[team][accounts[i]] = true;
            emit MemberAdded(team, accounts[i]);
        }
    }

    /// @inheritdoc ITeams
    function removeMembers(uint256 team, address[] calldata accounts) external {
        _checkOwner(team);
        for (uint256 i = 0; i < accounts.length; ++i) {
            if (!isMember[team][accounts[i]]) continue;
            isMember[team][accounts[i]] = false;
            emit MemberRemoved(team, accounts[i]);
        }
    }

    /// @inheritdoc ITeams
    function teamOf(address owner, string calldata name) external view returns (uint256 team) {
        return _named[owner][keccak256(bytes(name))];
    }

    function _checkOwner(uint256 team) private view {
        address owner = get[team].owner;
        if (owner != msg.sender) revert NotTeamOwner(team, owner, msg.sender);
    }
}
