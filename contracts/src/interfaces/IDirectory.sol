// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Which module is current: name to address, changed by the DAO alone.
/// @notice Modules are immutable. A new version opens beside the old one, which stays usable, and the pointer moves.
interface IDirectory {
    event ModuleChanged(bytes32 indexed name, address indexed from, address indexed to);

    error UnknownModule(bytes32 name);
    error NotAContract(bytes32 name, address module);
    error LengthMismatch(uint256 names, uint256 modules);

    /// @param name ASCII, padded with zeros on the right.
    function get(bytes32 name) external view returns (address module);
    function names() external view returns (bytes32[] memory);
    function set(bytes32 name, address module) external;
}
