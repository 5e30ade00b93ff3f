// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @dev A currency that calls back in the middle of a transfer, the way a hostile one would.
contract ReentrantToken is ERC20 {
    address private _target;
    bytes private _call;
    bool private _armed;

    bool public tried;
    bool public succeeded;
    bytes public answer;

    constructor() ERC20("Reentrant", "RE") {
        _mint(msg.sender, 1_000_000 ether);
    }

    function arm(address target, bytes calldata data) external {
        (_target, _call, _armed, tried, succeeded) = (target, data, true, false, false);
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (!_armed) return;
        _armed = false;
        tried = true;
        (succeeded, answer) = _target.call(_call);
    }
}
