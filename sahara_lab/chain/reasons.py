"""Reverts in words: every custom error of our contracts, said as a person would."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from sahara_lab.chain.abi import ErrorType, abi_of, artifact_names

_REQUIRE = bytes.fromhex("08c379a0")  # Error(string)
_PANIC = bytes.fromhex("4e487b71")  # Panic(uint256)

#: Sentences for the errors that people meet; ``{name}`` is an argument of the error.
_WORDS = {
    "NameTaken": "the name {name!r} is taken by asset {asset}",
    "InvalidName": "{name!r} cannot be an asset's name",
    "HandleTaken": "the handle {handle!r} is taken",
    "HandleAlreadySet": "the account already has the handle {handle!r}",
    "InvalidHandle": "{handle!r} cannot be a handle",
    "UnknownAsset": "there is no asset {asset}",
    "ERC721NonexistentToken": "there is no token {tokenId}",
    "UnknownVersion": "asset {asset} has no version {version}",
    "NotAssetOwner": "asset {asset} belongs to someone else",
    "StackTooHigh": "the royalties owed to the parents add up to more than the DAO's cap allows",
    "TooManyPayees": "the asset would owe royalties to {count} assets, more than the table holds",
    "TooManyParents": "{count} parents are more than an asset can have",
    "LicenseDoesNotCover": "license {license} does not let asset {parent} be a parent",
    "NotOffered": "asset {asset} is not offered on these terms",
    "PriceAboveCap": "the price is above the cap",
    "NoSeatsLeft": "all {seats} seats of this license are taken",
    "NoteTooLong": "the note is {length} bytes long; {maximum} are allowed",
    "NeverExpires": "license {license} never ends, so there is nothing to renew",
    "SeatNotRenewable": "license {license} takes one of {seats} seats, which go to whoever buys when it ends",
    "RenewedTooFar": "license {license} would last for more than 100 years from now",
    "SoulBound": "license {license} cannot change hands",
    "NotLicenseHolder": "license {license} is held by somebody else",
    "OwnAsset": "asset {asset} is yours; reviews are for others",
    "StarsOutOfRange": "stars are 1 to 5, not {stars}",
    "TextTooLong": "the text is {length} bytes long; {maximum} are allowed",
    "NoReview": "you have written no review of asset {asset}",
    "AlreadyReported": "you have reported asset {asset} already",
    "NothingToAppeal": "nothing was decided against asset {asset}",
    "AlreadyAppealed": "you have answered the decision about asset {asset} already",
    "InvalidReason": "the reason has {length} bytes; 1 to {maximum} are allowed",
    "NotRefundable": "license {license} changed hands or a derivative was published with it; its sale is final",
    "NothingHeld": "the sale of license {license} is final",
    "WindowClosed": "license {license} could be given back until a while ago; its sale is final",
    "WindowOpen": "license {license} can still be given back, so its price waits",
    "NotACollection": "asset {asset} is not a collection",
    "NotAgreed": "the owner of asset {member} has not agreed to be in collection {collection}",
    "OwnMember": "a collection cannot be its own member",
    "WrongAmountReceived": "the currency moved {received} instead of {amount}; it cannot be used here",
    "NothingToClaim": "there is nothing to claim",
    "NotPayee": "what asset {payee} keeps is not yours to give up",
    "NothingOwed": "asset {asset} owes nothing to asset {payee}",
    "CurrencyNotAllowed": "the DAO does not accept this currency",
    "SettingOutOfBounds": "the setting is beyond its hard limit",
    "DelayOutOfBounds": "the delay is beyond its hard limit",
    "GuardianTermOutOfBounds": "the guardian's term is beyond its hard limit",
    "TimelockIsFixed": "the governor keeps its timelock for good",
    "OutOfBounds": "the value is beyond the parameter's hard limit",
    "ERC20InsufficientBalance": "the balance does not cover the amount",
    "ERC20InsufficientAllowance": "the payment was not allowed, or its permit has expired",
    "GovernorUnexpectedProposalState": "the proposal is not in the state that this needs",
    "GovernorAlreadyCastVote": "the account has voted already",
    "GovernorNonexistentProposal": "there is no such proposal",
    "GovernorInsufficientProposerVotes": "the account has too little voting power to propose",
    "GovernorInvalidVoteType": "a vote is for, against or abstain",
    "GovernorOnlyExecutor": "only a proposal that passed may do this",
    "GovernorUnableToCancel": "only the proposer may cancel, and only before the vote begins",
    "AccessManagedUnauthorized": "only the DAO may do this",
    "AccessManagerUnauthorizedAccount": "only the DAO may do this",
    "AccessControlUnauthorizedAccount": "only the DAO may do this",
    "OnlyMarket": "only the market issues licenses",
    "OnlyRegistry": "only the asset registry may do this",
    "UnknownLicense": "there is no license {license}",
    "UnknownTerms": "these license terms are not registered",
    "UnknownKeyServer": "there is no key server {id}",
    "FixedModule": "what people own stays where it is: no vote puts another contract in its place",
    "UnknownModule": "the directory has no such contract",
    "InvalidTerms": "the terms cannot be used: {reason}",
    "GuardianRetired": "the guardian has retired",
    "NotTheKeyServer": "only key server {serverId} itself writes its anchors",
    "TreeDidNotGrow": "key server {serverId} has anchored {anchored} receipts, so {given} say nothing more",
    "UnknownAnchor": "key server {serverId} has no anchor {index}",
    "NotAnchored": "no anchor of key server {serverId} covers receipt {leafIndex} yet",
    "NotAgentOwner": "agent {agentId} belongs to someone else",
    "ReservedMetadataKey": "{metadataKey} is set with a proof of the wallet",
    "DeadlineOutOfBounds": "the proof has expired, or is good for longer than five minutes",
    "InvalidWalletSignature": "the wallet has not signed for this agent and its owner",
    "SelfFeedback": "nobody rates their own agent",
    "ValueOutOfBounds": "the value is too large, or has too many digits behind the point",
    "TagTooLong": "the tag is {length} bytes long; {maximum} are allowed",
    "UnknownFeedback": "{client} gave agent {agentId} no feedback {index}",
    "AlreadyRevoked": "feedback {index} was revoked before",
    "UnlikeMeasures": "feedback on {tag!r} and on {other!r} has no mean: ask for one of them",
    "LicenseNotFinal": "license {license} can still be given back; it is a receipt once its refund window has closed",
    "ForeignAsset": "that license is of an asset which does not belong to the agent's owner",
    "LicenseSpent": "license {license} stands behind other feedback",
    "AlreadyBacked": "feedback {index} has a receipt, license {license}",
    "FeedbackIsRevoked": "feedback {index} was revoked",
    "RequestExists": "that request was made before",
    "UnknownRequest": "nobody made that request",
    "NotTheValidator": "only the validator that was asked answers",
    "InvalidKeyServer": "the key server cannot be registered: {reason}",
    "TeamExists": "the account has a team of that name already, number {team}",
    "InvalidTeamName": "{name!r} cannot be a team's name",
    "NotTeamOwner": "team {team} belongs to someone else",
    "InvalidUri": "the storage address is {length} bytes long, which is not allowed",
    "InvalidEncryptionKey": "an encryption key is 1216 bytes, not {length}",
    "StaleEpoch": "key epoch {given} is older than the asset's, {current}",
    "ParentsNotSorted": "parents must be listed once each, in ascending order",
    "AmountTooLarge": "the ledger's books hold {room} more of this currency, not {amount}",
    "TokenDoesNotExist": "there is no such token",
    "TransferFromIncorrectOwner": "the token belongs to someone else",
    "NotOwnerNorApproved": "the token belongs to someone else",
    "TransferToZeroAddress": "the receiver cannot hold this token",
    "TransferToNonERC721ReceiverImplementer": "the receiver cannot hold this token",
    "NoEther": "a token is transferred without ether, not with {value}",
    "ERC721IncorrectOwner": "token {tokenId} belongs to someone else",
    "ERC721InsufficientApproval": "token {tokenId} belongs to someone else",
    "ERC721InvalidReceiver": "the receiver cannot hold this token",
    "ERC20InvalidReceiver": "the receiver cannot hold tokens",
    "ERC2612ExpiredSignature": "the payment permit has expired",
    "ERC2612InvalidSigner": "the payment permit was signed by another account, or used already",
    "ERC3009UsedAuthorization": "the payment authorization was used already",
    "ERC3009InvalidAuthorizationTime": "the payment authorization is not valid at this time",
    "ERC3009InvalidSignature": "the payment authorization was signed by another account",
    "InvalidAccountNonce": "the signature was used already",
    "NothingToStake": "there is nothing to stake, or nobody to stake for",
    "SharesTooFew": "the account has less stake there",
    "NotUnstaking": "no stake was asked back there",
    "CoolingDown": "the stake cools down still",
    "StakeLocked": "the stake stands behind work that is not over",
    "StakeTooLow": "too little free stake stands behind {operator}",
    "LockTooSmall": "{slasher} has not locked as much stake",
    "CompensationTooHigh": "a victim cannot get more than is slashed",
    "JobExists": "the job exists already",
    "WrongStatus": "the job is not in a state, or at a time, in which this can be done",
    "NotYours": "this is for another account to do, or not at this time",
    "BudgetMismatch": "the job's budget is another one",
    "StaleVoucher": "a voucher for as much was redeemed before",
    "AboveCap": "the voucher is for more than was deposited",
    "InvalidSignature": "{signer} did not sign this",
    "NotAppointed": "the DAO did not appoint {evaluator} as an evaluator",
    "SlashTooHigh": "less stake stands behind the job",
    "ChannelExists": "the channel exists already",
    "NotOpen": "there is no such channel, or it is closed",
    "StillOpen": "the channel is open still; its payee may redeem",
    "Closing": "the channel is over",
    "TimelockUnexpectedOperationState": "the timelock's delay has not passed yet, or this was executed already",
}


@cache
def _known() -> dict[bytes, ErrorType]:
    return {selector: error for name in artifact_names() for selector, error in abi_of(name).errors.items()}


def error_name(data: bytes) -> str | None:
    """The name of the custom error in a revert's bytes."""
    error = _known().get(data[:4])
    return error.name if error else None


def explain_error(data: bytes) -> str:
    """A revert's bytes in words: ours, else the contract's own, else the error's name; values in brackets."""
    from eth_abi import decode

    from sahara_lab.chain.handles.notices import NOTICES

    if not data:
        return "the contract refused without a reason"
    try:
        if data[:4] == _REQUIRE:
            return str(decode(["string"], data[4:])[0])
        if data[:4] == _PANIC:
            return f"the contract failed an internal check (panic 0x{decode(['uint256'], data[4:])[0]:02x})"
        error = _known().get(data[:4])
        if error is None:
            return f"the contract refused with an unknown error (0x{data[:4].hex()})"
        values = error.decode(data)
    except Exception:  # data came from outside; whatever is wrong with it, the selector is what we know
        return f"the contract refused (0x{data[:4].hex()})"
    if error.name in _WORDS:
        return _WORDS[error.name].format_map(_Lenient(values))
    listed = ", ".join(f"{key} {value}" for key, value in values.items())
    said = NOTICES.get(error.name, re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", error.name).lower()).rstrip(".")
    return f"the contract refused: {said}{f' ({listed})' if listed else ''}"


class _Lenient(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return f"<{key}>"
