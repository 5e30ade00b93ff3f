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

    unoffer = command("unoffer", "offer an own asset under a license no longer; what was sold stays valid")
    unoffer.add_argument("asset", help="owner/name")
    unoffer.add_argument("--license", help="which of the offered licenses; the cheapest when left out")
    waive = command("waive", "give up, for good, what an asset owes to an own one that it was not made of")
    waive.add_argument("child", help="owner/name of the asset that owes")
    waive.add_argument("own", help="owner/name of the own asset that it owes to")
    lineage = command("lineage", "draw what an asset was made of and what was made of it")
    lineage.add_argument("asset", help="owner/name")
    lineage.add_argument("--prov", help="write it as W3C PROV-O to this file")
    command("opened", "list the assets that this notebook opened: the parents of what it makes")

    review = command("review", "say what you think of an asset that you hold a license of; everyone can read it")
    review.add_argument("asset", help="owner/name")
    review.add_argument("stars", type=int, help="1 to 5")
    review.add_argument("text", nargs="*", help="why, at most 1,024 bytes")
    command("reviews", "show what license holders say of an asset").add_argument("asset", help="owner/name")
    report = command("report", "report that something is wrong with an asset; the DAO decides")
    report.add_argument("asset", help="owner/name")
    report.add_argument("reason", nargs="+", help="what is wrong")
    appeal = command("appeal", "answer the DAO's decision about an own asset")
    appeal.add_argument("asset", help="owner/name")
    appeal.add_argument("reason", nargs="+", help="why it is wrong")
    judge = command("judge", "propose that the DAO disputes a listing, takes it down or clears it")
    judge.add_argument("asset", help="owner/name")
    judge.add_argument("standing", choices=["clear", "disputed", "taken-down"], help="what it is to be")
    judge.add_argument("reason", nargs="+", help="why")


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

    def _unoffer(self, given: argparse.Namespace) -> Any:
        return self.lab.market.withdraw(given.asset, given.license)

    def _waive(self, given: argparse.Namespace) -> Any:
        return self.lab.market.waive(given.child, given.own)

    def _lineage(self, given: argparse.Namespace) -> Any:
        found = self.lab.market.lineage(given.asset)
        if given.prov:
            found.write_prov(given.prov)
        return found

    def _opened(self, given: argparse.Namespace) -> Any:
        return self.lab.market.opened()

    def _review(self, given: argparse.Namespace) -> Any:
        return self.lab.market.review(given.asset, given.stars, " ".join(given.text))

    def _reviews(self, given: argparse.Namespace) -> Any:
        return self.lab.market.reviews(given.asset)

    def _report(self, given: argparse.Namespace) -> None:
        self.lab.market.report(given.asset, " ".join(given.reason))
        print(f"{given.asset} is reported; the DAO decides")

    def _appeal(self, given: argparse.Namespace) -> None:
        self.lab.market.appeal(given.asset, " ".join(given.reason))
        print("your answer is on record; the DAO decides")

    def _judge(self, given: argparse.Namespace) -> Any:
        standing, reason = given.standing.replace("-", " "), " ".join(given.reason)
        action = self.lab.market.decision(given.asset, standing, reason)
        return self.lab.dao.propose([action], f"{given.asset}: {standing}", reason)

    def _terms(self, given: argparse.Namespace) -> Any:
        return self.lab.market.terms(given.asset, given.license).in_words
