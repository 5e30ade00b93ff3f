// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {Market} from "../src/Market.sol";
import {SaharaGovernor} from "../src/SaharaGovernor.sol";
import {SaharaTimelock} from "../src/SaharaTimelock.sol";
import {SaharaToken} from "../src/SaharaToken.sol";
import {ProtocolParameters} from "../src/ProtocolParameters.sol";
import {LicenseToken} from "../src/LicenseToken.sol";
import {Roles} from "../src/libraries/Roles.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

contract DeploymentTest is Lab {
    function test_deployer_holds_no_role_and_no_tokens() public view {
        bytes32[4] memory roles = [
            timelock.DEFAULT_ADMIN_ROLE(), timelock.PROPOSER_ROLE(), timelock.EXECUTOR_ROLE(), timelock.CANCELLER_ROLE()
        ];
        for (uint256 i = 0; i < roles.length; ++i) {
            assertFalse(timelock.hasRole(roles[i], deployer));
            assertFalse(timelock.hasRole(roles[i], address(0)), "nothing is open to everyone");
        }
        uint64[3] memory governed = [access.ADMIN_ROLE(), Roles.SLASHER, Roles.EVALUATOR];
        for (uint256 i = 0; i < governed.length; ++i) {
            (bool member,) = access.hasRole(governed[i], deployer);
            assertFalse(member);
        }
        assertEq(token.balanceOf(deployer), 0);
    }

    function test_the_escrow_alone_slashes_and_the_dao_judges() public view {
        (bool slashes, uint32 delay) = access.hasRole(Roles.SLASHER, address(escrow));
        assertTrue(slashes);
        assertEq(delay, 0);
        (bool judges,) = access.hasRole(Roles.EVALUATOR, address(timelock));
        assertTrue(judges);
        assertEq(access.getTargetFunctionRole(address(staking), staking.lock.selector), Roles.SLASHER);
        assertEq(access.getTargetFunctionRole(address(staking), staking.slash.selector), Roles.SLASHER);
        assertEq(access.getTargetFunctionRole(address(staking), staking.seize.selector), Roles.SLASHING);
    }

    function test_only_the_timelock_administers_and_only_the_governor_proposes() public view {
        (bool member, uint32 delay) = access.hasRole(access.ADMIN_ROLE(), address(timelock));
        assertTrue(member);
        assertEq(delay, 0, "the timelock's own delay is the delay");
        assertTrue(timelock.hasRole(timelock.DEFAULT_ADMIN_ROLE(), address(timelock)));
        assertTrue(timelock.hasRole(timelock.PROPOSER_ROLE(), address(governor)));
        assertTrue(timelock.hasRole(timelock.EXECUTOR_ROLE(), address(governor)));
        assertTrue(timelock.hasRole(timelock.CANCELLER_ROLE(), address(governor)));
        assertEq(parameters.treasury(), address(timelock));
    }

    function test_token_is_named_in_its_signing_domain_and_counts_by_time() public view {
        (, string memory name, string memory version, uint256 chainId, address at,,) = token.eip712Domain();
        assertEq(name, "SAHARA");
        assertEq(version, "1");
        assertEq(chainId, block.chainid);
        assertEq(at, address(token));
        assertEq(token.CLOCK_MODE(), "mode=timestamp");
        assertEq(governor.CLOCK_MODE(), "mode=timestamp");
        assertEq(token.totalSupply(), 100_000 * TOKEN);
    }

    function test_market_refuses_a_wrong_prediction() public {
        LicenseToken other = new LicenseToken(registry, terms, address(market));
        vm.expectPartialRevert(IMarket.WrongWiring.selector);
        new Market(registry, terms, other, ledger, refunds, parameters);
    }

    function test_governor_refuses_a_timelock_that_does_not_expect_it() public {
        SaharaTimelock other = new SaharaTimelock(2, address(0xdead), access, guardian, 1 days);
        vm.expectRevert(abi.encodeWithSelector(SaharaGovernor.WrongWiring.selector, address(other)));
        new SaharaGovernor(token, other, 1, 300, 60);
    }

    function test_token_refuses_uneven_lists() public {
        vm.expectRevert(abi.encodeWithSelector(SaharaToken.LengthMismatch.selector, 1, 2));
        new SaharaToken(new address[](1), new uint256[](2));
    }

    function test_parameters_refuse_to_start_out_of_bounds() public {
        vm.expectRevert();
        new ProtocolParameters(address(access), address(timelock), 1_001, 5_000, new IERC20[](0));
        vm.expectRevert();
        new ProtocolParameters(address(access), address(timelock), 250, 9_001, new IERC20[](0));
        vm.expectRevert();
        new ProtocolParameters(address(access), address(0), 250, 5_000, new IERC20[](0));
    }
}
