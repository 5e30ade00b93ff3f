// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Prepaid channels for paid calls.
/// @notice A payer deposits once and signs a cumulative voucher (EIP-712) with each call; the payee redeems the highest
///         whenever it likes. The payee is an account, or an asset: then what is redeemed is revenue of the asset, and pays
///         down what it owes to its ancestors. The deposit is the cap.
/// @dev Invariant per currency: claimed + claimable + paid to assets + what open channels hold = paid in.
interface ICallChannel {
    /// @param payer Who deposits and signs.
    /// @param redeemed By the highest voucher so far, in all.
    /// @param payee An account; nobody when the payee is an asset.
    /// @param asset The asset whose revenue it is; 0 when the payee is an account.
    /// @param closesAt From when on the payer can take back the rest: the expiry, or earlier by `close`.
    struct Channel {
        address payer;
        uint96 deposit;
        address payee;
        uint96 redeemed;
        IERC20 currency;
        uint48 closesAt;
        bool closed;
        uint256 asset;
    }

    /// @notice A payer opened a channel; one of `payee` and `asset` is nobody.
    event ChannelOpened(
        bytes32 indexed channelId,
        address indexed payer,
        address indexed payee,
        uint256 asset,
        IERC20 currency,
        uint256 amount,
        uint256 expiresAt
    );
    /// @notice The deposit grew to `deposit`.
    event ChannelToppedUp(bytes32 indexed channelId, uint256 amount, uint256 deposit);
    /// @notice A voucher for `redeemed` in all gave `amount` more to the payee.
    event VoucherRedeemed(bytes32 indexed channelId, uint256 amount, uint256 redeemed);
    /// @notice The payer wants the rest back; the payee can redeem until `closesAt` at least.
    event ChannelClosing(bytes32 indexed channelId, uint256 closesAt);
    /// @notice The channel is at its end; `rest` is the payer's again.
    event ChannelClosed(bytes32 indexed channelId, uint256 rest);

    /// @notice Something in the terms cannot be.
    error InvalidTerms(string reason);
    /// @notice The payer used that salt before, for this very channel.
    error ChannelExists(bytes32 channelId);
    /// @notice There is no such channel, or it is closed.
    error NotOpen(bytes32 channelId);
    /// @notice That is for somebody else to do.
    error NotYours(bytes32 channelId, address caller);
    /// @notice The rest can be taken back from `closesAt` on.
    error StillOpen(bytes32 channelId, uint256 closesAt);
    /// @notice The channel is about to close, or has expired.
    error Closing(bytes32 channelId, uint256 closesAt);
    /// @notice A voucher for as much was redeemed before.
    error StaleVoucher(uint256 redeemed, uint256 given);
    /// @notice The voucher is for more than was deposited.
    error AboveCap(uint256 amount, uint256 cap);
    /// @notice The payer did not sign this.
    error InvalidSignature(address signer);

    /// @notice Opens a channel toward `payee` or `asset`, whichever is not nobody. Its id follows from the caller and
    ///         `salt`, so that sending it twice opens it once.
    function open(address payee, uint256 asset, IERC20 currency, uint96 amount, uint48 expiresAt, bytes32 salt)
        external
        returns (bytes32 channelId);
    /// @notice Adds to the deposit; only the payer.
    function topUp(bytes32 channelId, uint96 amount) external;
    /// @notice Redeems a voucher for `amount` in all. Anyone may hand it in.
    function redeem(bytes32 channelId, uint256 amount, bytes calldata signature) external;
    /// @notice Begins to close the channel: the payee has the close delay to redeem what it holds. Only the payer.
    function close(bytes32 channelId) external;
    /// @notice Gives the rest back to the payer once the channel has expired or its close delay has passed. Anyone may.
    function finish(bytes32 channelId) external returns (uint256 rest);

    /// @notice The id of the channel that `payer` opens with `salt`.
    function channelIdOf(address payer, bytes32 salt) external view returns (bytes32);
    /// @notice Everything known of a channel; no payer for an unknown one.
    function getChannel(bytes32 channelId) external view returns (Channel memory);
    /// @notice What the payer signs: EIP-712 `CallVoucher(bytes32 channelId,uint256 amount)`.
    function voucherDigest(bytes32 channelId, uint256 amount) external view returns (bytes32);
}
