// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Which module is current: name to address, changed by the DAO alone.
/// @notice Modules are immutable. A new version opens beside the old one, which stays usable, and the pointer moves.
interface IDirectory {
    /// @notice `name` points to another contract from now on.
    event ModuleChanged(bytes32 indexed name, address indexed from, address indexed to);

    /// @notice What people own is there for good: nobody, the DAO neither, lets another contract take its place.
    error FixedModule(bytes32 name);
    /// @notice Nothing has that name.
    error UnknownModule(bytes32 name);
    /// @notice There is no code at the address.
    error NotAContract(bytes32 name, address module);
    /// @notice Two lists that belong together differ in length.
    error LengthMismatch(uint256 names, uint256 modules);

    /// @param name ASCII, padded with zeros on the right.
    function get(bytes32 name) external view returns (address module);
    /// @notice Whether `name` points where it does for good.
    function isFixed(bytes32 name) external view returns (bool);
    /// @notice Every name there is, in the order they came.
    function names() external view returns (bytes32[] memory);
    /// @notice Points `name` to `module`; only the DAO may.
    function set(bytes32 name, address module) external;
}
