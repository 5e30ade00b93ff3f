// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {RoyaltyLedger} from "../../src/RoyaltyLedger.sol";
import {IAssetRegistry} from "../../src/interfaces/IAssetRegistry.sol";
import {IProtocolParameters} from "../../src/interfaces/IProtocolParameters.sol";
import {IRoyaltyLedger} from "../../src/interfaces/IRoyaltyLedger.sol";

/// @dev The real ledger, with this contract in the place of registry and parameters: links many graphs within one call,
///      for a comparison with a model in another language (`tests/chain/test_royalty_model.py`).
contract TableBench {
    RoyaltyLedger public immutable LEDGER;

    uint16 public maxRoyaltyBps;

    /// @param debts Per asset, counted from 1: what it owes to which older assets.
    struct Graph {
        uint16 capBps;
        uint256 amount;
        IRoyaltyLedger.Debt[][] debts;
    }

    /// @param refusal Selector of the error where the asset was refused; then it has no table.
    struct Row {
        bytes4 refusal;
        uint256[] payees;
        uint256[] shares;
        uint256[] amounts;
    }

    constructor() {
        LEDGER = new RoyaltyLedger(IProtocolParameters(address(this)), IAssetRegistry(address(this)), address(0));
    }

    /// @notice Each asset's table, with ids counted from 1 in each graph.
    function run(Graph[] calldata graphs) external returns (Row[][] memory rows) {
        rows = new Row[][](graphs.length);
        for (uint256 g = 0; g < graphs.length; ++g) {
            maxRoyaltyBps = graphs[g].capBps;
            rows[g] = new Row[](graphs[g].debts.length);
            for (uint256 i = 0; i < rows[g].length; ++i) {
                rows[g][i] = _link(g << 32, i + 1, graphs[g].debts[i], graphs[g].amount);
            }
        }
    }

    /// @param base Keeps the ids of graphs apart.
    function _link(uint256 base, uint256 asset, IRoyaltyLedger.Debt[] calldata given, uint256 amount)
        private
        returns (Row memory row)
    {
        IRoyaltyLedger.Debt[] memory debts = given;
        for (uint256 i = 0; i < debts.length; ++i) {
            debts[i].parent += base;
        }
        try LEDGER.link(base + asset, debts) {}
        catch (bytes memory error) {
            row.refusal = bytes4(error);
        }
        (row.payees, row.shares) = LEDGER.tableOf(base + asset);
        (, row.amounts) = LEDGER.split(base + asset, amount);
        for (uint256 i = 0; i < row.payees.length; ++i) {
            row.payees[i] -= base;
        }
    }
}
