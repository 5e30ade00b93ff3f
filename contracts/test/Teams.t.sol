// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";

import {Teams} from "../src/Teams.sol";
import {ITeams} from "../src/interfaces/ITeams.sol";

contract TeamsTest is Test {
    Teams internal teams = new Teams();
    address internal alice = makeAddr("alice");
    address internal bob = makeAddr("bob");

    function test_a_team_is_found_by_owner_and_name() public {
        vm.expectEmit();
        emit ITeams.TeamFounded(1, alice, "readers");
        vm.prank(alice);
        uint256 team = teams.found("readers");
        (address owner, string memory name) = teams.get(team);
        assertEq(owner, alice);
        assertEq(name, "readers");
        assertEq(teams.teamOf(alice, "readers"), team);
        assertEq(teams.teamOf(bob, "readers"), 0);
    }

    function test_two_owners_may_use_one_name_and_one_owner_may_not_twice() public {
        vm.prank(bob);
        teams.found("readers");
        vm.startPrank(alice);
        uint256 team = teams.found("readers");
        vm.expectRevert(abi.encodeWithSelector(ITeams.TeamExists.selector, team));
        teams.found("readers");
        vm.expectRevert(abi.encodeWithSelector(ITeams.InvalidTeamName.selector, "Not a name"));
        teams.found("Not a name");
    }

    function test_the_owner_is_no_member_unless_added() public {
        vm.startPrank(alice);
        uint256 team = teams.found("readers");
        assertFalse(teams.isMember(team, alice));
        teams.addMembers(team, _one(alice));
        assertTrue(teams.isMember(team, alice));
    }

    function test_only_the_owner_decides(address mallory, address account) public {
        vm.assume(mallory != alice);
        vm.prank(alice);
        uint256 team = teams.found("readers");
        vm.startPrank(mallory);
        vm.expectRevert(abi.encodeWithSelector(ITeams.NotTeamOwner.selector, team, alice, mallory));
        teams.addMembers(team, _one(account));
        vm.expectRevert(abi.encodeWithSelector(ITeams.NotTeamOwner.selector, team, alice, mallory));
        teams.removeMembers(team, _one(account));
        vm.expectRevert(abi.encodeWithSelector(ITeams.NotTeamOwner.selector, team + 1, address(0), mallory));
        teams.addMembers(team + 1, _one(account));
        assertFalse(teams.isMember(team, account));
    }

    function test_members_are_those_added_last(address[4] memory accounts, bool[16] memory adds) public {
        vm.startPrank(alice);
        teams.found("others");
        uint256 team = teams.found("readers");
        bool[4] memory expected;
        for (uint256 i = 0; i < adds.length; ++i) {
            address account = accounts[i % 4];
            if (adds[i]) teams.addMembers(team, _one(account));
            else teams.removeMembers(team, _one(account));
            for (uint256 j = 0; j < 4; ++j) {
                if (accounts[j] == account) expected[j] = adds[i];
            }
        }
        for (uint256 j = 0; j < 4; ++j) {
            assertEq(teams.isMember(team, accounts[j]), expected[j]);
            assertFalse(teams.isMember(1, accounts[j]));
        }
    }

    function _one(address account) private pure returns (address[] memory list) {
        list = new address[](1);
        list[0] = account;
    }
}
