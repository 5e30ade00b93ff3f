"""Work on machines and what pays for it: training, escrow of jobs, channels for calls, and stake."""

from sahara_lab.rental.channel import Channel, ChannelState
from sahara_lab.rental.escrow import Escrow, EscrowJob
from sahara_lab.rental.staking import StakeQuote, StakeStatus, Staking
from sahara_lab.rental.training import Training
from sahara_lab.rental.vouchers import CallVoucher, UsageVoucher

__all__ = [
    "CallVoucher", "Channel", "ChannelState", "Escrow", "EscrowJob", "StakeQuote", "StakeStatus", "Staking", "Training",
    "UsageVoucher",
]  # fmt: skip
