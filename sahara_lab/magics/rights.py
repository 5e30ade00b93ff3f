"""``%sahara check``, ``choose``, ``terms`` and the like: what may be done with assets, and who is owed what for it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sahara_lab.lab import Lab


def add_parsers(command: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """The arguments of these commands."""
    check = command("check", "show whether something may be made of assets, what it will owe, and what is in the way")
    check.add_argument("parents", nargs="+", help="owner/name of each asset")
    check.add_argument("--use", default="derived_from", help="trained_on, finetuned_from, derived_from, evaluated_on")
    check.add_argument("--license", help="the license that the result is to have, e.g. Commercial")

    choose = command("choose", "find the license that fits four answers; without answers, the questions")
    choose.add_argument("--use", help="study, work, build, anything or compute")
    choose.add_argument("--price", default="free", help="in tokens")
    choose.add_argument("--back", default="nothing", help='what makers of derivatives give: nothing, alike, "10%%"')
    choose.add_argument("--lasts", default="for ever", help='for ever, or a time like "1 year"')
    choose.add_argument("--refund", dest="refund_window", help='how long it can be given back, e.g. "7 days"')
    choose.add_argument("--as", dest="variable", default="license", help="variable that receives the license")

    terms = command("terms", "say in plain words what a license of an asset lets you do")
    terms.add_argument("asset", help="owner/name")
    terms.add_argument("--license", help="which of the offered licenses; the cheapest when left out")


class RightsCommands:
    """The commands' bodies, mixed into the magics."""

    shell: Any

    @property
    def lab(self) -> Lab:
        """The Lab of the account that acts."""
        raise NotImplementedError

    def _check(self, given: argparse.Namespace) -> Any:
        return self.lab.licensing.check(given.parents, use=given.use, output=given.license)

    def _choose(self, given: argparse.Namespace) -> Any:
        from sahara_lab.licensing.chooser import questions
        from sahara_lab.licensing.terms import License

        answers = vars(given)
        variable = answers.pop("variable")
        if answers["use"] is None:
            return questions()
        license = License.choose(**answers)
        self.shell.user_ns[variable] = license
        return license.in_words

    def _earnings(self, given: argparse.Namespace) -> Any:
        if given.asset is None and given.since is None and given.csv is None:
            return self.lab.market.earnings()
        statement = self.lab.market.statement(given.asset, since=given.since)
        if given.csv:
            statement.csv(given.csv)
        return statement

    def _terms(self, given: argparse.Namespace) -> Any:
        return self.lab.market.terms(given.asset, given.license).in_words
