// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Licenses as ERC-721 tokens; soul-bound unless the terms say transferable (ERC-5192).
/// @dev The contract has all of ERC-721 with metadata; what follows is what it has beyond that, and `ownerOf`.
interface ILicenseToken {
    /// @param expiresAt Block time in seconds; zero is never.
    /// @param royaltyBps Frozen, since terms are.
    struct License {
        uint256 asset;
        bytes32 termsId;
        uint64 issuedAt;
        uint64 expiresAt;
        uint16 royaltyBps;
        uint16 uses;
    }

    /// @notice A license came into being; `expiresAt` of zero is never.
    event LicenseIssued(
        uint256 indexed license,
        uint256 indexed asset,
        address indexed holder,
        bytes32 termsId,
        uint64 expiresAt,
        uint16 royaltyBps,
        uint16 uses
    );
    /// @dev ERC-5192.
    event Locked(uint256 tokenId);
    /// @notice ERC-5192: the license may change hands.
    event Unlocked(uint256 tokenId);

    /// @notice The license was given back: it is nobody's, and allows nothing any more.
    event LicenseEnded(uint256 indexed license);

    /// @notice The same license lasts longer; nothing else about it changed.
    event LicenseRenewed(uint256 indexed license, uint64 expiresAt);

    /// @notice The terms do not let it change hands.
    error SoulBound(uint256 license);
    /// @notice Only the market may do this.
    error OnlyMarket(address caller);
    /// @notice As many licenses are valid as the terms allow.
    error NoSeatsLeft(uint256 asset, bytes32 termsId, uint32 seats);
    /// @notice Only the asset registry may do this.
    error OnlyRegistry(address caller);
    /// @notice No such license was issued, or it was given back.
    error UnknownLicense(uint256 license);
    /// @notice A license without an end cannot be extended.
    error NeverExpires(uint256 license);
    /// @notice Seats are limited, and a renewal would keep one from whoever waits for it.
    error SeatNotRenewable(uint256 license, uint32 seats);
    /// @notice The new end would be more than 100 years ahead.
    error RenewedTooFar(uint256 license, uint256 until, uint256 latest);

    /// @notice Issues a license; only the market may.
    function issue(address holder, uint256 asset, bytes32 termsId) external returns (uint256 license);
    /// @notice Lets `license` last another duration of its terms, from its end or from now if it has ended; only the
    ///         market may. Uses and royalty share stay as they were frozen.
    /// @return expiresAt The new end: at most 100 years ahead.
    function renew(uint256 license) external returns (uint64 expiresAt);
    /// @notice Ends a license at once and for good; only the market may, for the holder who gives it back.
    function end(uint256 license) external;
    /// @notice Makes a license firm: a derivative was registered with it; only the registry may say so.
    function makeFirm(uint256 license) external;
    /// @notice Whether a license can no longer be given back: it changed hands, or a derivative was registered with it.
    function isFirm(uint256 license) external view returns (bool);
    /// @notice Who holds a license.
    function ownerOf(uint256 license) external view returns (address);
    /// @notice What a license says, or said before it was given back.
    function get(uint256 license) external view returns (License memory);
    /// @notice Whether `account` owns `asset` or holds an unexpired license for it that allows every bit of `use`.
    /// @dev The one question that key servers, the vault and the marketplace ask. Compute-only licenses never allow READ.
    function hasAccess(address account, uint256 asset, uint16 use) external view returns (bool);
    /// @return license The valid license of `account` that allows `use` and expires last; zero when none does.
    function licenseFor(address account, uint256 asset, uint16 use) external view returns (uint256 license);
    /// @notice All licenses ever issued to or held by `account` for `asset`, newest last, expired ones included.
    ///         One that left and came back stays where it was.
    function licensesOf(address account, uint256 asset) external view returns (uint256[] memory);
    /// @notice Licenses issued under `termsId` for `asset` that have not expired, at most the seats that the terms allow;
    ///         zero where they allow any number, which is not counted.
    function seatsTaken(uint256 asset, bytes32 termsId) external view returns (uint256);
    /// @notice Makes `license` count for its holder again, should they have sold a better one of the same uses; open to anyone.
    function promote(uint256 license) external;
    /// @dev ERC-5192.
    function locked(uint256 license) external view returns (bool);
}
