// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {ICallChannel} from "./interfaces/ICallChannel.sol";
import {IProtocolParameters} from "./interfaces/IProtocolParameters.sol";
import {PullPayments} from "./PullPayments.sol";
import {RoyaltyLedger} from "./RoyaltyLedger.sol";
import {ExactTransfer} from "./libraries/ExactTransfer.sol";

/// @title Prepaid channels for paid calls.
/// @dev Specified in `ICallChannel`.
contract CallChannel is ICallChannel, PullPayments, EIP712 {
    using ExactTransfer for IERC20;
    using SafeERC20 for IERC20;

    /// @notice The longest life of a channel.
    uint48 public constant MAX_DURATION = 365 days;
    bytes32 private constant VOUCHER = keccak256("CallVoucher(bytes32 channelId,uint256 amount)");

    RoyaltyLedger public immutable LEDGER;
    /// @notice Seconds between a payer's wish to close and the end.
    uint48 public immutable CLOSE_DELAY;

    mapping(bytes32 channelId => Channel) private _channels;

    /// @param ledger Takes the revenue of assets.
    constructor(RoyaltyLedger ledger, IProtocolParameters parameters, uint48 closeDelay)
        PullPayments(parameters)
        EIP712("Sahara CallChannel", "1")
    {
        (LEDGER, CLOSE_DELAY) = (ledger, closeDelay);
    }

    /* ----------------------------------------------------------------- the payer */

    /// @inheritdoc ICallChannel
    function open(address payee, uint256 asset, IERC20 currency, uint96 amount, uint48 expiresAt, bytes32 salt)
        external
        nonReentrant
        returns (bytes32 channelId)
    {
        if ((payee == address(0)) == (asset == 0)) revert InvalidTerms("the payee is an account or an asset");
        if (expiresAt <= block.timestamp) revert InvalidTerms("it has expired");
        if (expiresAt > block.timestamp + MAX_DURATION) revert InvalidTerms("it lasts more than 365 days");
        if (asset != 0) LEDGER.REGISTRY().ownerOf(asset); // reverts for an unknown asset
        _requireAllowed(currency);
        channelId = channelIdOf(msg.sender, salt);
        Channel storage channel = _channels[channelId];
        if (channel.payer != address(0)) revert ChannelExists(channelId);
        (channel.payer, channel.deposit) = (msg.sender, amount);
        (channel.payee, channel.currency, channel.closesAt) = (payee, currency, expiresAt);
        if (asset != 0) channel.asset = asset;
        emit ChannelOpened(channelId, msg.sender, payee, asset, currency, amount, expiresAt);
        currency.collect(amount);
    }

    /// @inheritdoc ICallChannel
    function topUp(bytes32 channelId, uint96 amount) external nonReentrant {
        Channel storage channel = _open(channelId);
        if (msg.sender != channel.payer) revert NotYours(channelId, msg.sender);
        if (block.timestamp >= channel.closesAt) revert Closing(channelId, channel.closesAt);
        _requireAllowed(channel.currency);
        channel.deposit += amount;
        emit ChannelToppedUp(channelId, amount, channel.deposit);
        channel.currency.collect(amount);
    }

    /// @inheritdoc ICallChannel
    function close(bytes32 channelId) external {
        Channel storage channel = _open(channelId);
        if (msg.sender != channel.payer) revert NotYours(channelId, msg.sender);
        uint48 closesAt = uint48(block.timestamp) + CLOSE_DELAY;
        if (closesAt < channel.closesAt) channel.closesAt = closesAt;
        emit ChannelClosing(channelId, channel.closesAt);
    }

    /// @inheritdoc ICallChannel
    function finish(bytes32 channelId) external nonReentrant returns (uint256 rest) {
        Channel storage channel = _open(channelId);
        if (block.timestamp < channel.closesAt) revert StillOpen(channelId, channel.closesAt);
        channel.closed = true;
        rest = channel.deposit - channel.redeemed;
        emit ChannelClosed(channelId, rest);
        _credit(channel.payer, channel.currency, rest);
    }

    /* ----------------------------------------------------------------- the payee */

    /// @inheritdoc ICallChannel
    function redeem(bytes32 channelId, uint256 amount, bytes calldata signature) external nonReentrant {
        Channel storage channel = _open(channelId);
        if (amount <= channel.redeemed) revert StaleVoucher(channel.redeemed, amount);
        if (amount > channel.deposit) revert AboveCap(amount, channel.deposit);
        bytes32 digest = voucherDigest(channelId, amount);
        if (!SignatureChecker.isValidSignatureNowCalldata(channel.payer, digest, signature)) {
            revert InvalidSignature(channel.payer);
        }
        uint256 more = amount - channel.redeemed;
        channel.redeemed = uint96(amount);
        emit VoucherRedeemed(channelId, more, amount);
        if (channel.asset == 0) _credit(channel.payee, channel.currency, more);
        else _payAsset(channel.asset, channel.currency, more);
    }

    /* ----------------------------------------------------------------- views */

    /// @inheritdoc ICallChannel
    function channelIdOf(address payer, bytes32 salt) public pure returns (bytes32) {
        return keccak256(abi.encode(payer, salt));
    }

    /// @inheritdoc ICallChannel
    function getChannel(bytes32 channelId) external view returns (Channel memory) {
        return _channels[channelId];
    }

    /// @inheritdoc ICallChannel
    function voucherDigest(bytes32 channelId, uint256 amount) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(VOUCHER, channelId, amount)));
    }

    /* ----------------------------------------------------------------- inside */

    /// @dev The ledger refuses a currency that the DAO has refused since: redeem before that takes effect. What is not
    ///      redeemed then stays the payer's.
    function _payAsset(uint256 asset, IERC20 currency, uint256 amount) private {
        currency.forceApprove(address(LEDGER), amount);
        LEDGER.pay(asset, currency, amount);
    }

    function _open(bytes32 channelId) private view returns (Channel storage channel) {
        channel = _channels[channelId];
        if (channel.payer == address(0) || channel.closed) revert NotOpen(channelId);
    }
}
