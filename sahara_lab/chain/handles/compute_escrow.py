"""Escrow of compute jobs, in the shape of ERC-8183: client, provider, evaluator.

Made from the ABI and NatSpec of ComputeEscrow by contracts/tools/handles.py.
"""

from __future__ import annotations

from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.handles.structs import IComputeEscrowTerms, Job
from sahara_lab.chain.orders import Call


class Claimed(NamedTuple):
    """`account` took out all it had in that currency."""

    account: str
    currency: str
    receiver: str
    amount: int


class EIP712DomainChanged(NamedTuple):
    """``EIP712DomainChanged()``."""


class JobAccepted(NamedTuple):
    """The provider took the job, with `stake` behind it."""

    job_id: int
    provider: str
    stake: int


class JobCompleted(NamedTuple):
    """The job is complete, by the word of `by`: evaluator, client, or anyone after the dispute window."""

    job_id: int
    by: str
    reason: bytes


class JobCreated(NamedTuple):
    """A client described a job."""

    job_id: int
    client: str
    provider: str
    terms: IComputeEscrowTerms


class JobDisputed(NamedTuple):
    """The client disputes the work; the evaluator has until `deadline`."""

    job_id: int
    client: str
    reason: bytes
    bond: int
    deadline: int


class JobExpired(NamedTuple):
    """Time ended the job."""

    job_id: int


class JobFunded(NamedTuple):
    """The budget is in the escrow."""

    job_id: int
    client: str
    amount: int


class JobRejected(NamedTuple):
    """The job ended without being complete, by the word of `by`; `slashed` is of the provider's stake."""

    job_id: int
    by: str
    reason: bytes
    slashed: int


class JobStopping(NamedTuple):
    """The client wants to end the job; the provider can submit until `deadline`."""

    job_id: int
    deadline: int


class JobSubmitted(NamedTuple):
    """The work is done."""

    job_id: int
    provider: str
    deliverable: bytes
    checkpoint_root: bytes
    deadline: int


class PaymentReleased(NamedTuple):
    """The end of the job gave `amount` to the provider, beyond what was released before."""

    job_id: int
    provider: str
    amount: int


class Refunded(NamedTuple):
    """The end of the job gave `amount` back to the client."""

    job_id: int
    client: str
    amount: int


class UsageSettled(NamedTuple):
    """A voucher was redeemed: `earned` in all, `released` of it to the provider."""

    job_id: int
    resource_seconds: int
    earned: int
    released: int


class Eip712DomainResult(NamedTuple):
    """What ``eip712Domain()`` gives."""

    fields: bytes
    name: str
    version: str
    chain_id: int
    verifying_contract: str
    salt: bytes
    extensions: list[int]


class ComputeEscrow(Handle):
    """Escrow of compute jobs, in the shape of ERC-8183: client, provider, evaluator."""

    CONTRACT = "ComputeEscrow"

    def ACCESS(self) -> View[str]:
        """``ACCESS()``."""
        return View(self, "ACCESS()")

    def BOND_BPS(self) -> View[int]:
        """A dispute's bond, in basis points of the budget."""
        return View(self, "BOND_BPS()")

    def DISPUTE_WINDOW(self) -> View[int]:
        """Seconds in which the client can dispute what was submitted."""
        return View(self, "DISPUTE_WINDOW()")

    def JUDGMENT_PERIOD(self) -> View[int]:
        """Seconds in which the evaluator can judge a dispute."""
        return View(self, "JUDGMENT_PERIOD()")

    def MAX_DURATION(self) -> View[int]:
        """The longest time to submit, so that stake is never locked for longer."""
        return View(self, "MAX_DURATION()")

    def PARAMETERS(self) -> View[str]:
        """``PARAMETERS()``."""
        return View(self, "PARAMETERS()")

    def STAKING(self) -> View[str]:
        """``STAKING()``."""
        return View(self, "STAKING()")

    def STOP_DELAY(self) -> View[int]:
        """Seconds that the provider has to submit once the client wants to stop."""
        return View(self, "STOP_DELAY()")

    def accept(self, job_id: int) -> Call:
        """Takes the job and locks the stake; only the provider."""
        return Call(self.contract, "accept", (job_id,))

    def claim(self, currency: str, receiver: str) -> Call:
        """Sends all that the caller has in `currency` to `receiver`."""
        return Call(self.contract, "claim", (currency, receiver))

    def claim_refund(self, job_id: int) -> Call:
        """Ends a job by time. Nothing was submitted: the client gets back what was not released. The evaluator
        kept silent in a dispute: the bond goes back, and what was held back is divided evenly. Anyone may.
        """
        return Call(self.contract, "claimRefund", (job_id,))

    def claimable(self, account: str, currency: str) -> View[int]:
        """What `account` would get."""
        return View(self, "claimable(address,address)", account, currency)

    def complete(self, job_id: int, reason: bytes) -> Call:
        """Ends the job in favor of the provider: the evaluator, the client, or anyone once the dispute window
        has passed in silence. The provider gets what was held back, and the bond of a dispute.
        """
        return Call(self.contract, "complete", (job_id, reason))

    def create_job(self, terms: IComputeEscrowTerms, salt: bytes) -> Call:
        """Describes a job. Its id follows from the caller and `salt`, so that sending it twice creates it once."""
        return Call(self.contract, "createJob", (terms, salt))

    def dispute(self, job_id: int, reason: bytes) -> Call:
        """Puts up the bond and asks the evaluator to judge; only the client, in the dispute window."""
        return Call(self.contract, "dispute", (job_id, reason))

    def eip712_domain(self) -> View[Eip712DomainResult]:
        """``eip712Domain()``."""
        return View(self, "eip712Domain()", result=Eip712DomainResult)

    def fund(self, job_id: int, expected_budget: int) -> Call:
        """Deposits the budget; only the client."""
        return Call(self.contract, "fund", (job_id, expected_budget))

    def get_job(self, job_id: int) -> View[Job]:
        """Everything known of a job; `Status.None` for an unknown one."""
        return View(self, "getJob(uint256)", job_id)

    def job_id_of(self, client: str, salt: bytes) -> View[int]:
        """The id of the job that `client` creates with `salt`."""
        return View(self, "jobIdOf(address,bytes32)", client, salt)

    def reject(self, job_id: int, reason: bytes) -> Call:
        """Ends the job in favor of the client: the client before the provider took it, the provider before it
        submitted, the evaluator in its time. The client gets back what was not released, and its bond.
        """
        return Call(self.contract, "reject", (job_id, reason))

    def reject_and_slash(self, job_id: int, reason: bytes, slashed: int, compensation: int) -> Call:
        """`reject` by an appointed evaluator, who also takes `slashed` of the stake: `compensation` of it goes
        to the client, the rest to the treasury.
        """
        return Call(self.contract, "rejectAndSlash", (job_id, reason, slashed, compensation))

    def settle(self, job_id: int, resource_seconds: int, signature: bytes) -> Call:
        """Redeems a voucher: `resourceSeconds` in all, signed by the client. Anyone may hand it in."""
        return Call(self.contract, "settle", (job_id, resource_seconds, signature))

    def stop(self, job_id: int) -> Call:
        """Shortens the time to submit to the stop delay; only the client."""
        return Call(self.contract, "stop", (job_id,))

    def submit(self, job_id: int, deliverable: bytes, checkpoint_root: bytes) -> Call:
        """Says that the work is done; only the provider."""
        return Call(self.contract, "submit", (job_id, deliverable, checkpoint_root))

    def voucher_digest(self, job_id: int, resource_seconds: int) -> View[bytes]:
        """What the client signs: EIP-712 `UsageVoucher(uint256 jobId,uint64 resourceSeconds)`."""
        return View(self, "voucherDigest(uint256,uint64)", job_id, resource_seconds)
