// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {IDirectory} from "./interfaces/IDirectory.sol";

/// @title Which module is current: name to address, changed by the DAO alone.
/// @dev Specified in `IDirectory`.
contract Directory is IDirectory, AccessManaged {
    mapping(bytes32 name => address) private _modules;
    bytes32[] private _names;

    /// @inheritdoc IDirectory
    mapping(bytes32 name => bool) public isFixed;

    /// @param authority The access manager that says who may move a pointer.
    /// @param fixedNames Those of `names_` that no vote moves.
    constructor(address authority, bytes32[] memory names_, address[] memory modules, bytes32[] memory fixedNames)
        AccessManaged(authority)
    {
        if (names_.length != modules.length) revert LengthMismatch(names_.length, modules.length);
        for (uint256 i = 0; i < names_.length; ++i) {
            _set(names_[i], modules[i]);
        }
        for (uint256 i = 0; i < fixedNames.length; ++i) {
            if (_modules[fixedNames[i]] == address(0)) revert UnknownModule(fixedNames[i]);
            isFixed[fixedNames[i]] = true;
        }
    }

    /// @inheritdoc IDirectory
    function get(bytes32 name) external view returns (address module) {
        module = _modules[name];
        if (module == address(0)) revert UnknownModule(name);
    }

    /// @inheritdoc IDirectory
    function names() external view returns (bytes32[] memory) {
        return _names;
    }

    /// @inheritdoc IDirectory
    function set(bytes32 name, address module) external restricted {
        _set(name, module);
    }

    function _set(bytes32 name, address module) private {
        if (isFixed[name]) revert FixedModule(name);
        if (module.code.length == 0) revert NotAContract(name, module);
        address present = _modules[name];
        if (present == address(0)) _names.push(name);
        _modules[name] = module;
        emit ModuleChanged(name, present, module);
    }
}
