// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Groups of accounts that assets are shared with.
/// @notice A team is `owner/name`. Its owner says who is in it; key servers ask `isMember` before each release.
interface ITeams {
    /// @notice `owner` founded a team.
    event TeamFounded(uint256 indexed team, address indexed owner, string name);
    /// @notice `account` belongs to the team from here on.
    event MemberAdded(uint256 indexed team, address indexed account);
    /// @notice `account` does not belong to the team any more.
    event MemberRemoved(uint256 indexed team, address indexed account);

    /// @notice Not spelled as an asset's name is.
    error InvalidTeamName(string name);
    /// @notice The caller has a team of that name.
    error TeamExists(uint256 team);
    /// @notice Only `owner` decides who is in the team.
    error NotTeamOwner(uint256 team, address owner, address caller);

    /// @notice Founds a team of the caller's, with nobody in it. Ids are given out from 1 upward.
    function found(string calldata name) external returns (uint256 team);
    /// @notice Adds accounts; those that are members already stay so.
    function addMembers(uint256 team, address[] calldata accounts) external;
    /// @notice Removes accounts; those that are no members are passed over.
    function removeMembers(uint256 team, address[] calldata accounts) external;

    /// @notice Whether `account` belongs to the team. Its owner does not unless added.
    function isMember(uint256 team, address account) external view returns (bool);
    /// @return owner Who founded the team; zero when there is none.
    /// @return name Its name, without the owner's.
    function get(uint256 team) external view returns (address owner, string memory name);
    /// @return team The id of `owner/name`; zero when there is none.
    function teamOf(address owner, string calldata name) external view returns (uint256 team);
}
