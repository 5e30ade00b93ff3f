"""Jobs in the compute escrow: a client's side, a provider's side, and what time does (docs/spec/contracts.md)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sahara_lab.chain import Chain, Wallet
from sahara_lab.chain.sender import Sender
from sahara_lab.errors import InputError, NotFound, PriceError
from sahara_lab.identity import Directory
from sahara_lab.licensing.terms import seconds
from sahara_lab.rental.vouchers import UsageVoucher, allow, claim, salt_of, typed_data
from sahara_lab.signing import recover_typed_data
from sahara_lab.units import Wei, format_tokens, to_basis_points, to_wei
from sahara_lab.vault.merkle import root_of

STATUSES = ("none", "open", "funded", "submitted", "disputed", "completed", "rejected", "expired")
#: Part of the budget that the client puts up with a dispute, in basis points; a constant of the contract.
BOND_BPS = 500


@dataclass(frozen=True)
class EscrowJob:
    """A job as it stands now. Amounts in wei, ``deadline`` in seconds of the chain's clock: when its state ends."""

    id: int
    status: str
    client: str
    provider: str
    evaluator: str
    accepted: bool
    rate: Wei
    budget: Wei
    stake: Wei
    holdback_bps: int
    resource_seconds: int
    bond: Wei
    deadline: int
    deliverable: bytes

    @property
    def earned(self) -> Wei:
        """What the redeemed vouchers are worth."""
        return Wei(self.rate * self.resource_seconds)

    @property
    def released(self) -> Wei:
        """What the provider has of it, whatever becomes of the job."""
        return Wei(self.earned - self.earned * self.holdback_bps // 10_000)

    def __str__(self) -> str:
        used = f"{format_tokens(self.earned)} of {format_tokens(self.budget)} used"
        return f"job {self.id:#066x} of {self.client} with {self.provider}: {self.status}, {used}"


class Escrow:
    """The compute escrow as one account sees it. Amounts are whole tokens as text; pays in SAHARA."""

    def __init__(self, chain: Chain, directory: Directory, wallet: Wallet, sender: Sender) -> None:
        self._chain = chain
        self._directory = directory
        self._wallet = wallet
        self._sender = sender
        self._escrow = chain.contract("ComputeEscrow")

    # -- reading ------------------------------------------------------------------------------------------------------

    def job(self, job_id: int) -> EscrowJob:
        """A job by its id.

        Raises:
            NotFound: there is none.
        """
        found = self._escrow.call("getJob", job_id)
        if not found["status"]:
            raise NotFound(f"the escrow has no job {job_id:#x}")
        return EscrowJob(
            id=job_id,
            status=STATUSES[found["status"]],
            client=self._directory.handle(found["client"]),
            provider=self._directory.handle(found["provider"]),
            evaluator=self._directory.handle(found["evaluator"]),
            accepted=found["accepted"],
            rate=Wei(found["rate"]),
            budget=Wei(found["budget"]),
            stake=Wei(found["stake"]),
            holdback_bps=found["holdbackBps"],
            resource_seconds=found["resourceSeconds"],
            bond=Wei(found["bond"]),
            deadline=found["deadline"],
            deliverable=bytes(found["deliverable"]),
        )

    def job_id(self, name: str, client: str | None = None) -> int:
        """The id of the job that ``client`` (by default oneself) calls ``name``."""
        address = self._directory.address(client) if client else self._wallet.address
        return int(self._escrow.call("jobIdOf", address, salt_of(name)))

    def claimable(self) -> Wei:
        """What :meth:`claim` would pay."""
        return Wei(self._escrow.call("claimable", self._wallet.address, self._token))

    # -- the client ---------------------------------------------------------------------------------------------------

    def create(
        self,
        name: str,
        provider: str,
        *,
        rate: str,
        budget: str,
        lasts: str | int,
        stake: str = "0",
        holdback: str = "10%",
        evaluator: str | None = None,
        spec: bytes = bytes(32),
    ) -> EscrowJob:
        """Describe a job. Nothing is paid yet, and doing it again returns the same job.

        Args:
            name: one's own name for it, never used for another job.
            rate: price of a resource second.
            budget: the most that it can cost.
            lasts: how long the provider has to submit ("2 hours"), at most 90 days.
            stake: of the provider's stake, what stands behind the job.
            holdback: part of what is earned that waits for the end.
            evaluator: who judges disputes; the DAO when left out.
            spec: 32-byte hash of the description of the work.

        Raises:
            InputError: the name is used for another job.
            ChainError: the terms cannot be; the message says why.
        """
        job_id = self.job_id(name)
        judge = self._directory.address(evaluator) if evaluator else self._chain.addresses["SaharaTimelock"]
        price, most, behind = to_wei(rate), to_wei(budget), to_wei(stake)
        worker, held = self._directory.address(provider), to_basis_points(holdback)
        wanted = (worker, judge, price, most, behind, held)
        if self._escrow.call("getJob", job_id)["status"] == 0:
            expires = self._chain.block("pending").timestamp + seconds(lasts)
            terms = (worker, judge, self._token, price, most, behind, held, expires, spec)
            self._sender.send(self._escrow, "createJob", terms, salt_of(name), intent=f"job {job_id}")
        found = self._escrow.call("getJob", job_id)
        if wanted != tuple(found[key] for key in ("provider", "evaluator", "rate", "budget", "stake", "holdbackBps")):
            raise InputError(f"you have another job called {name!r}", hint="Choose another name")
        return self.job(job_id)

    def fund(self, job_id: int, max_price: str) -> EscrowJob:
        """Deposit the budget; doing it again deposits nothing.

        Raises:
            PriceError: the budget is above ``max_price``.
            FundsError: the balance does not cover it.
        """
        job = self.job(job_id)
        if job.status != "open":
            return job
        if job.budget > to_wei(max_price):
            raise PriceError(f"the job's budget is {format_tokens(job.budget)} and your cap is {max_price}")
        allow(self._chain, self._sender, self._wallet.address, self._escrow, job.budget)
        self._sender.send(self._escrow, "fund", job_id, job.budget)
        return self.job(job_id)

    def sign(self, job_id: int, resource_seconds: int) -> UsageVoucher:
        """Acknowledge that ``resource_seconds`` were used in all.

        Raises:
            InputError: the job is another's, or that is more than it can cost.
        """
        job = self.job(job_id)
        if self._directory.address(job.client) != self._wallet.address:
            raise InputError(f"job {job_id:#x} is {job.client}'s, who signs its vouchers")
        if resource_seconds < 0 or resource_seconds * job.rate > job.budget:
            raise InputError(f"{resource_seconds} seconds cost more than the budget, {format_tokens(job.budget)}")
        message = typed_data(UsageVoucher, self._escrow, self._chain.chain_id, job_id, resource_seconds)
        return UsageVoucher(job_id, resource_seconds, self._wallet.sign_typed_data(message).hex())

    def stop(self, job_id: int) -> EscrowJob:
        """End the job soon: the provider has the stop delay to submit, then :meth:`refund` gives the rest back."""
        return self._do("stop", job_id)

    def dispute(self, job_id: int, reason: bytes, max_bond: str) -> EscrowJob:
        """Ask the evaluator to judge what was submitted. The bond comes back unless the provider is in the right.

        Args:
            reason: 32-byte hash of the complaint.

        Raises:
            PriceError: the bond is above ``max_bond``.
        """
        bond = self.job(job_id).budget * BOND_BPS // 10_000
        if bond > to_wei(max_bond):
            raise PriceError(f"the bond is {format_tokens(bond)} and your cap is {max_bond}")
        allow(self._chain, self._sender, self._wallet.address, self._escrow, bond)
        return self._do("dispute", job_id, reason)

    # -- the provider -------------------------------------------------------------------------------------------------

    def accept(self, job_id: int) -> EscrowJob:
        """Take the job; the stake it names is locked until it ends."""
        return self._do("accept", job_id)

    def verify(self, voucher: UsageVoucher) -> None:
        """See that a voucher would be paid now, without paying it.

        Raises:
            InputError: it was not signed by the job's client, or is malformed.
            ChainError: it is not higher than what was redeemed, above the budget, or the job does not run.
        """
        client = self._escrow.call("getJob", voucher.job_id)["client"]
        message = typed_data(UsageVoucher, self._escrow, self._chain.chain_id, voucher.job_id, voucher.resource_seconds)
        signature = bytes.fromhex(voucher.signature)
        # A client that is a contract is asked by the chain (ERC-1271), in the trial.
        is_contract = self._chain.rpc("eth_getCode", client, "latest") != "0x"
        if not is_contract and recover_typed_data(message, signature) != client:
            raise InputError("the voucher was not signed by the job's client")
        self._escrow.call("settle", voucher.job_id, voucher.resource_seconds, signature)

    def settle(self, voucher: UsageVoucher) -> EscrowJob:
        """Redeem a voucher; anyone may, for the provider."""
        return self._do("settle", voucher.job_id, voucher.resource_seconds, bytes.fromhex(voucher.signature))

    def submit(self, job_id: int, deliverable: bytes, checkpoints: Iterable[bytes] = ()) -> EscrowJob:
        """Say that the work is done.

        Args:
            deliverable: 32-byte hash of the signed run manifest.
            checkpoints: hashes of the job's checkpoints, in order; the chain gets their RFC 6962 root.
        """
        return self._do("submit", job_id, deliverable, root_of(checkpoints))

    # -- the end ------------------------------------------------------------------------------------------------------

    def complete(self, job_id: int, reason: bytes = bytes(32)) -> EscrowJob:
        """End the job in the provider's favor: client, evaluator, or anyone after the dispute window."""
        return self._do("complete", job_id, reason)

    def reject(self, job_id: int, reason: bytes = bytes(32)) -> EscrowJob:
        """End the job in the client's favor: whoever may at this point."""
        return self._do("reject", job_id, reason)

    def refund(self, job_id: int) -> EscrowJob:
        """End a job whose time is over; anyone may."""
        return self._do("claimRefund", job_id)

    def claim(self) -> Wei:
        """Take out what waits for the account, in wei."""
        return claim(self._chain, self._sender, self._wallet.address, self._escrow)

    @property
    def _token(self) -> str:
        return self._chain.addresses["SaharaToken"]

    def _do(self, function: str, job_id: int, *args: object) -> EscrowJob:
        self._sender.send(self._escrow, function, job_id, *args)
        return self.job(job_id)
