"""``%sahara`` and ``%%sahara train``: the Lab's verbs in a notebook. No rules live here."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.display import display

from sahara_lab.compute.options import FLAGS
from sahara_lab.errors import InputError
from sahara_lab.magics.parsers import PARSERS, parse
from sahara_lab.magics.rights import RightsCommands
from sahara_lab.magics.serving import ServingCommands
from sahara_lab.magics.tables import Checks, Commands, Jobs, Proposals
from sahara_lab.profile import ACCOUNT_VARIABLE, current_account

if TYPE_CHECKING:
    from sahara_lab.compute import Job
    from sahara_lab.lab import Lab

QUIET_VARIABLE = "SAHARA_NONINTERACTIVE"
_CAP_HINT = "Add --max-price, or --yes to pay the price quoted"


@magics_class
class SaharaMagics(RightsCommands, ServingCommands, Magics):
    """The magics of one notebook. The account that acts is ``SAHARA_LAB_ACCOUNT``, which ``%sahara use`` sets."""

    shell: Any

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._labs: dict[str, Lab] = {}

    @property
    def lab(self) -> Lab:
        """The Lab of the account that acts now; connected at first use, and again when the network was restarted."""
        return self.connected(start=True)

    def connected(self, *, start: bool) -> Lab:
        """The same; with ``start`` false a network that is down stays down, and NetworkError is raised."""
        from sahara_lab.lab import connect

        account = current_account()
        opened = connect(account=account, start=start)
        kept = self._labs.get(account)
        if kept is None or kept.chain.rpc.url != opened.chain.rpc.url or kept.chain.addresses != opened.chain.addresses:
            self._labs[account] = opened
        return self._labs[account]

    @no_var_expand
    @line_cell_magic
    def sahara(self, line: str, cell: str | None = None) -> Any:
        """``%sahara COMMAND``, see ``%sahara help``; ``%%sahara train`` runs the cell on workers."""
        name, arguments = parse(line)
        if cell is not None and name != "train":
            raise InputError(f"%%sahara {name} takes no cell", hint=f"Write it with one %: %sahara {name}")
        if name == "train":
            if cell is None:
                raise InputError("train runs a cell", hint="Put %%sahara train in the first line of the cell")
            return self._train(arguments, cell)
        return getattr(self, f"_{name.replace('-', '_')}")(arguments)

    # -- the market ---------------------------------------------------------------------------------------------------

    def _search(self, given: argparse.Namespace) -> Any:
        options = vars(given)
        return self.lab.market.search(" ".join(options.pop("text")), **options)

    def _show(self, given: argparse.Namespace) -> Any:
        return self.lab.market.get(given.asset)

    def _quote(self, given: argparse.Namespace) -> Any:
        return self.lab.market.quote(given.asset, given.license)

    def _license(self, given: argparse.Namespace) -> Any:
        market, cap = self.lab.market, given.max_price
        if cap is None:
            quote = market.quote(given.asset, given.license)
            if quote.price:
                self._display(quote)
                if not given.yes and not self._confirmed(f"Pay {quote.price_tokens} SAHARA? [y/N] "):
                    return None
            cap = str(quote.price_tokens)
        return market.license(given.asset, license=given.license, max_price=cap)

    def _renew(self, given: argparse.Namespace) -> Any:
        return self.lab.market.renew(given.asset, max_price=given.max_price)

    def _refund(self, given: argparse.Namespace) -> None:
        from sahara_lab.units import format_tokens

        print(f"paid back {format_tokens(self.lab.market.refund(given.asset))}")

    def _request(self, given: argparse.Namespace) -> Any:
        return self.lab.market.request(given.asset, note=given.note, license=given.license)

    def _requests(self, given: argparse.Namespace) -> Any:
        return self.lab.market.requests(sent=given.sent)

    def _grant(self, given: argparse.Namespace) -> Any:
        return self.lab.market.grant(given.number)

    def _decline(self, given: argparse.Namespace) -> None:
        self.lab.market.decline(given.number)
        print(f"request {given.number} is declined")

    def _collection(self, given: argparse.Namespace) -> Any:
        from sahara_lab.market.collections import parse_weights

        found = self.lab.market.collection(given.asset)
        found.change(join=given.join, leave=given.leave, weights=parse_weights(given.weights), collect=given.collect)
        return found

    def _give(self, given: argparse.Namespace) -> Any:
        return self.lab.market.give(given.asset, given.account, license=given.license)

    @staticmethod
    def _display(value: Any) -> None:
        display(value)  # type: ignore[no-untyped-call]

    def _confirmed(self, question: str, needed: str = "a purchase needs a cap", hint: str = _CAP_HINT) -> bool:
        kernel = getattr(self.shell, "kernel", None)  # a terminal has none
        answers = getattr(kernel, "_allow_stdin", False) if kernel is not None else sys.stdin.isatty()
        if os.environ.get(QUIET_VARIABLE) or not answers:
            raise InputError(needed, hint=hint)
        return input(question).strip().lower() in ("y", "yes")

    def _publish(self, given: argparse.Namespace) -> Any:
        from sahara_lab.licensing.terms import License

        options = vars(given)
        source, price, royalty = options.pop("source"), options.pop("price"), options.pop("royalty")
        asked = {name: options.pop(name) for name in ("open_use", "use", "back", "lasts")}
        options["license"] = License.asked(price, royalty, **asked)
        held = self.shell.user_ns.get(source)
        if hasattr(held, "weights"):
            source = held
        elif source.startswith("train-") and not os.path.exists(source):  # noqa: PTH110 - a plain question
            source = self.lab.compute.job(source)
        if not options["parents"]:
            options["parents"] = None
        elif "opened" in options["parents"]:
            options["parents"] = "opened"
        return self.lab.market.publish(source, **options)

    def _mine(self, given: argparse.Namespace) -> Any:
        return self.lab.market.mine()

    def _licenses(self, given: argparse.Namespace) -> Any:
        return self.lab.market.licenses()

    def _claim(self, given: argparse.Namespace) -> None:
        from sahara_lab.units import format_tokens

        print(f"paid out {format_tokens(self.lab.market.claim())}")

    # -- the vault ----------------------------------------------------------------------------------------------------

    def _share(self, given: argparse.Namespace) -> None:
        self.lab.vault.share(given.asset, given.account, given.path, not_after=given.lasts or 0)
        print(f"{given.account} can read {given.asset}{'/' + given.path if given.path else ''}")

    def _unshare(self, given: argparse.Namespace) -> Any:
        return self.lab.vault.unshare(given.asset, given.account, given.path)

    def _team(self, given: argparse.Namespace) -> Any:
        from sahara_lab.identity import TeamRows

        teams = self.lab.teams
        if given.action == "list":
            return teams.mine()
        change = {"new": lambda name, *who: teams.new(name, who), "add": teams.add, "remove": teams.remove}
        return TeamRows([change[given.action](given.name, *given.members)])

    def _who(self, given: argparse.Namespace) -> Any:
        return self.lab.vault.who_can_read(given.asset)

    def _audit(self, given: argparse.Namespace) -> Any:
        return self.lab.vault.audit(given.asset)

    def _reencrypt(self, given: argparse.Namespace) -> Any:
        return self.lab.vault.reencrypt(given.asset)

    def _reshare(self, given: argparse.Namespace) -> Any:
        return self.lab.vault.reshare(given.asset, given.servers, given.threshold)

    def _rotate(self, given: argparse.Namespace) -> Any:
        return self.lab.vault.rotate(given.asset)

    def _verify(self, given: argparse.Namespace) -> Any:
        return self.lab.vault.verify(given.asset)

    # -- compute ------------------------------------------------------------------------------------------------------

    def _train(self, given: argparse.Namespace, cell: str) -> Any:
        options = {name: getattr(given, name) for name in FLAGS}
        if given.quote:
            return self.lab.compute.estimate(cell, self.shell.user_ns, inputs=given.inputs, **options)
        compute = self.lab.compute
        provider, stays = compute.goes_to(cell, given.inputs, given.provider)
        if provider and given.max_price:
            workers = given.workers or 2
            self._display(compute.quote(provider, max_price=given.max_price, workers=workers, on_site=stays))
        job = self.lab.compute.run_cell(
            cell,
            self.shell.user_ns,
            inputs=given.inputs,
            name=given.name,
            max_price=given.max_price,
            resume=given.resume,
            provider=given.provider,
            recompute=given.recompute,
            **options,
        )
        self.shell.user_ns[given.variable] = job
        if given.detach:
            print(f"{job.id} runs; follow it with: %sahara attach {job.id}")
            return None
        self._follow(job)
        return None

    def _jobs(self, given: argparse.Namespace) -> Any:
        table = Jobs(self.lab.compute.jobs())
        table.shown = len(table) if given.everything else table.shown
        return table

    def _attach(self, given: argparse.Namespace) -> None:
        job = self.lab.compute.job(given.job)
        self.shell.user_ns[given.variable] = job
        self._follow(job)

    def _stop(self, given: argparse.Namespace) -> None:
        job = self.lab.compute.job(given.job)
        job.stop()
        print(f"{job.id}: {job.status}")

    def _verify_job(self, given: argparse.Namespace) -> Any:
        return self.lab.compute.verify(given.job, segment=given.segment, seed=given.seed)

    def _follow(self, job: Job) -> None:
        from sahara_lab.magics.live import Live

        Live(job, quiet=bool(os.environ.get(QUIET_VARIABLE))).run()
        job.raise_for_status()
        if job.finished:
            job.bring_back(self.shell.user_ns)

    # -- the DAO ------------------------------------------------------------------------------------------------------

    def _proposals(self, given: argparse.Namespace) -> Any:
        return Proposals(self.lab.dao.proposals())

    def _propose(self, given: argparse.Namespace) -> Any:
        return self.lab.dao.propose_parameter(given.parameter, given.value, given.title, given.reason)

    def _vote(self, given: argparse.Namespace) -> Any:
        return self.lab.dao.vote(given.number, given.choice, given.reason)

    def _queue(self, given: argparse.Namespace) -> Any:
        return self.lab.dao.queue(given.number)

    def _execute(self, given: argparse.Namespace) -> Any:
        return self.lab.dao.execute(given.number)

    def _cancel(self, given: argparse.Namespace) -> Any:
        return self.lab.dao.cancel(given.number)

    # -- stake --------------------------------------------------------------------------------------------------------

    def _stake(self, given: argparse.Namespace) -> Any:
        staking, pool = self.lab.staking, {"behind": given.behind, "role": given.role}
        if given.amount is None:
            return staking.status(**pool)
        if not given.yes:
            print(staking.quote(given.amount, **pool))
            if not self._confirmed("Stake it? [y/N] ", "staking needs your word", "Add --yes"):
                return None
        return staking.stake(given.amount, **pool)

    def _unstake(self, given: argparse.Namespace) -> Any:
        return self.lab.staking.unstake(given.amount, behind=given.behind, role=given.role)

    def _withdraw(self, given: argparse.Namespace) -> None:
        from sahara_lab.units import format_tokens

        print(f"paid out {format_tokens(self.lab.staking.withdraw(behind=given.behind, role=given.role))}")

    # -- agents -------------------------------------------------------------------------------------------------------

    def _agent(self, given: argparse.Namespace) -> Any:
        return self.lab.identity.agent(given.agent)

    def _enroll(self, given: argparse.Namespace) -> Any:
        from sahara_lab.identity import services_of

        return self.lab.identity.register(given.name, given.description, services=services_of(given.services))

    def _rate(self, given: argparse.Namespace) -> Any:
        return self.lab.identity.rate(given.agent, given.value, given.tag, license=given.license)

    def _reputation(self, given: argparse.Namespace) -> Any:
        return self.lab.identity.reputation(given.agent, given.tag)

    # -- accounts and the network -------------------------------------------------------------------------------------

    def _wallet(self, given: argparse.Namespace) -> Any:
        return self.lab.wallet

    def _limit(self, given: argparse.Namespace) -> None:
        amount = None if given.amount == "none" else given.amount
        self.lab.wallet.limit(amount)
        print("no limit" if amount is None else f"this notebook may move {amount} SAHARA from now on")

    def _use(self, given: argparse.Namespace) -> None:
        from sahara_lab.lab import connect

        connect(account=given.account)
        os.environ[ACCOUNT_VARIABLE] = given.account
        print(f"{given.account} acts in this notebook")

    def _status(self, given: argparse.Namespace) -> Any:
        return self.lab.network.status()

    def _doctor(self, given: argparse.Namespace) -> Any:
        from sahara_lab.localnet import doctor
        from sahara_lab.profile import Profile

        return Checks(doctor(Profile()))

    def _help(self, given: argparse.Namespace) -> Any:
        if given.command is None:
            return Commands(PARSERS)
        if given.command not in PARSERS:
            raise InputError(f"there is no command {given.command!r}", hint="See: %sahara help")
        return Commands({given.command: PARSERS[given.command]})
