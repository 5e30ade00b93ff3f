"""What each ``%sahara`` subcommand takes: one parser a subcommand, errors in one line."""

from __future__ import annotations

import argparse
import shlex
from typing import NoReturn

from sahara_lab.compute.options import FLAGS
from sahara_lab.errors import InputError
from sahara_lab.magics import serving
from sahara_lab.magics.rights import add_parsers


class Parser(argparse.ArgumentParser):
    """An argument parser that raises instead of leaving the kernel."""

    def __init__(self, name: str, about: str) -> None:
        super().__init__(prog=f"%sahara {name}", description=about, add_help=False, allow_abbrev=False)
        self.about = about

    def error(self, message: str) -> NoReturn:
        raise InputError(message, hint=f"Usage: {self.usage_line}")

    @property
    def usage_line(self) -> str:
        return " ".join(self.format_usage().removeprefix("usage: ").split())

    @property
    def options(self) -> list[str]:
        """Long option strings, for completion."""
        return [text for action in self._actions for text in action.option_strings if text.startswith("--")]

    @property
    def help_rows(self) -> list[tuple[str, str]]:
        """Each argument and what it means."""
        rows = []
        for action in self._actions:
            name = ", ".join(action.option_strings) or str(action.metavar or action.dest)
            rows.append((name, action.help or ""))
        return rows


def words(line: str) -> list[str]:
    """A magic's line as words; quotes group, a trailing semicolon is the notebook's.

    Raises:
        InputError: a quote is not closed.
    """
    try:
        return shlex.split(line.strip().rstrip(";"))
    except ValueError:
        raise InputError("a quotation mark is not closed", hint='Write "like this"') from None


def _build() -> dict[str, Parser]:
    made: dict[str, Parser] = {}

    def command(name: str, about: str) -> Parser:
        made[name] = Parser(name, about)
        return made[name]

    search = command("search", "search the market")
    search.add_argument("text", nargs="*", help="words to look for")
    search.add_argument("--kind", help="dataset, model, agent, notebook, service or collection")
    search.add_argument("--license", help='only what is offered under it, e.g. "Commercial Remix"')
    search.add_argument("--max-price", help="in tokens")
    search.add_argument("--owner", help="only assets of this account")
    search.add_argument("--price", help='a band of prices: free, "1 to 10"')
    search.add_argument("--task", help="what it is for, e.g. image-classification")
    search.add_argument("--format", help="a media type, e.g. text/csv")
    search.add_argument("--tag", help="only what has this tag")
    search.add_argument("--verified", action="store_true", help="only of publishers that the DAO vouches for")
    search.add_argument("--sort", default="relevance", help="relevance, newest, price, popular, reputation or name")
    search.add_argument("--page", type=int, default=1, help="counted from 1")

    show = command("show", "show an asset: versions, offers, what it is made from")
    show.add_argument("asset", help="owner/name, or owner/name@version")

    quote = command("quote", "show what a license costs and who gets it")
    quote.add_argument("asset", help="owner/name")
    quote.add_argument("--license", help="which of the offered licenses")

    license = command("license", "get a license; shows the quote first")
    license.add_argument("asset", help="owner/name")
    license.add_argument("--license", help="which of the offered licenses; the cheapest when left out")
    license.add_argument("--max-price", help="the most to pay, in tokens; without it you are asked")
    license.add_argument("--yes", action="store_true", help="pay the price quoted without being asked")

    renew = command("renew", "pay for more time on a license you hold")
    renew.add_argument("asset", help="owner/name")
    renew.add_argument("--max-price", required=True, help="the most to pay, in tokens")
    refund = command("refund", "give back a license while its refund window is open; access ends at once")
    refund.add_argument("asset", help="owner/name")
    give = command("give", "give an account a license of an own asset, without payment")
    give.add_argument("asset", help="owner/name")
    give.add_argument("account", help="a handle or an address")
    give.add_argument("--license", help="which of the offered licenses; the cheapest when left out")

    publish = command("publish", "publish a folder, a file or a finished job")
    publish.add_argument("source", help="a path, a job's id, or the name of a variable that holds a job")
    publish.add_argument("--name", required=True, help="the part after the slash")
    publish.add_argument("--kind", help="dataset for files, model for jobs when left out")
    publish.add_argument("--title", help="a heading")
    publish.add_argument("--description", help="a paragraph")
    publish.add_argument("--tag", action="append", default=[], dest="tags", help="may be repeated")
    publish.add_argument("--parent", action="append", default=[], dest="parents", help="an asset it derives from")
    publish.add_argument("--price", help="offer it under Commercial Remix at this price, in tokens")
    publish.add_argument("--royalty", default="10%", help="what derivatives owe; used with --price")
    publish.add_argument("--open", action="store_true", dest="open_use", help="offer it free for any use")
    publish.add_argument("--update", action="store_true", help="publish a new version of an own asset")

    publish.add_argument("--use", help="choose the license: study, work, build, anything or compute")
    publish.add_argument("--back", help="with --use: what makers of derivatives give; see %%sahara choose")
    publish.add_argument("--lasts", default="for ever", help='with --use: how long a license lasts, e.g. "1 year"')

    request = command("request", "ask an asset's owner for a license")
    request.add_argument("asset", help="owner/name")
    request.add_argument("--note", default="", help="what it is for; everyone can read it")
    request.add_argument("--license", help="which of the offered licenses; the cheapest when left out")
    requests = command("requests", "list the open requests for your assets")
    requests.add_argument("--sent", action="store_true", help="what you asked for, and what became of it")
    command("grant", "grant a request, without payment").add_argument("number", type=int, help="the request's number")
    command("decline", "say no to a request").add_argument("number", type=int, help="the request's number")

    collection = command("collection", "show a collection's members; join, leave, weigh or pay them")
    collection.add_argument("asset", help="owner/name of the collection")
    collection.add_argument(
        "--weight", action="append", default=[], dest="weights", help="asset=number; may be repeated"
    )
    collection.add_argument("--join", action="append", default=[], help="an own asset that may be a member")
    collection.add_argument("--leave", action="append", default=[], help="an own asset to take out")
    collection.add_argument("--collect", action="store_true", help="pass on what members have earned")

    train = command("train", "run the cell on workers; write it as %%sahara train in the cell's first line")
    for option, (kind, meaning) in FLAGS.items():
        train.add_argument(f"--{option}", type=kind, help=meaning)
    train.add_argument("--input", action="append", default=[], dest="inputs", help="an asset the cell trains on")
    train.add_argument("--name", help="a title for the job")
    train.add_argument("--max-price", help="the most to spend, in tokens: on licenses that the inputs need, and rent")
    train.add_argument("--provider", help='whose machine to rent: a handle, or "any"; this machine when left out')
    train.add_argument("--recompute", action="store_true", help="run a rented job again here to compare")
    train.add_argument("--resume", help="a job whose checkpoint to go on from")
    train.add_argument("--as", dest="variable", default="job", help="variable that receives the job")
    train.add_argument("--quote", action="store_true", help="only say what it takes, costs and will owe")
    train.add_argument("--detach", action="store_true", help="do not wait for the end")

    jobs = command("jobs", "list training jobs, newest first")
    jobs.add_argument("--all", action="store_true", dest="everything", help="not only the newest")
    attach = command("attach", "follow a job until it ends")
    attach.add_argument("job", help="a job's id or name")
    attach.add_argument("--as", dest="variable", default="job", help="variable that receives the job")
    verify = command("verify-job", "compute a segment of a finished job again, and compare")
    verify.add_argument("job", help="a job's id or name")
    verify.add_argument("--segment", type=int, help="which one, counted from 1; drawn when left out")
    verify.add_argument("--seed", help="what the segment is drawn with, such as the hash of a block")
    stop = command("stop", "stop a job at an agreed step; its checkpoint is kept")
    stop.add_argument("job", help="a job's id or name")

    add_parsers(command)
    serving.add_parsers(command)

    command("mine", "list the assets you own")
    command("licenses", "list the licenses you hold")
    earnings = command("earnings", "show what you can claim; with an option, a statement of what came in")
    earnings.add_argument("--asset", help="a statement of this own asset")
    earnings.add_argument("--since", help="a statement from this day on, e.g. 2026-11-01")
    earnings.add_argument("--csv", help="write the statement to this file")
    command("claim", "pay out what you earned")

    share = command("share", "give an account the key of an own asset, without a license")
    share.add_argument("asset", help="owner/name")
    share.add_argument("account", help="a handle or an address, team:NAME or license:NAME")
    share.add_argument("--path", default="", help="a folder or file inside the asset; all of it when left out")
    share.add_argument("--for", dest="lasts", help='how long, e.g. "30 days"; for ever when left out')
    unshare = command("unshare", "take back what was shared with an account, by new keys that it does not get")
    unshare.add_argument("asset", help="owner/name")
    unshare.add_argument("account", help="a handle or an address, team:NAME or license:NAME")
    unshare.add_argument("--path", help="what was shared; everything shared with them when left out")
    team = command("team", "show the own teams, found one, or add and remove members")
    team.add_argument("action", nargs="?", default="list", choices=["list", "new", "add", "remove"], help="what to do")
    team.add_argument("name", nargs="?", default="", help="the team's name")
    team.add_argument("members", nargs="*", help="handles or addresses")
    who = command("who", "list everybody who can get the keys of an own asset now")
    who.add_argument("asset", help="owner/name")
    audit = command("audit", "show who could read an asset, and when, as the key servers' receipts prove")
    audit.add_argument("asset", help="owner/name")
    again = command("reencrypt", "encrypt the files of an own asset again, as a version that no kept key opens")
    again.add_argument("asset", help="owner/name")
    reshare = command("reshare", "have other key servers guard the keys of an own asset")
    reshare.add_argument("asset", help="owner/name")
    reshare.add_argument("--servers", type=int, nargs="+", required=True, help="numbers of key servers")
    reshare.add_argument("--threshold", type=int, required=True, help="how many of them release a key together")
    rotate = command("rotate", "renew the keys of an own asset; what is shared stays shared")
    rotate.add_argument("asset", help="owner/name, or owner/name@version for one version")
    verify = command("verify", "check every stored byte of an asset against the chain")
    verify.add_argument("asset", help="owner/name")

    command("proposals", "list proposals")
    propose = command("propose", "propose a new value for a parameter")
    propose.add_argument("parameter", help="fee or max-royalty")
    propose.add_argument("value", help='a share, e.g. "3%%"')
    propose.add_argument("--title", help="a heading")
    propose.add_argument("--reason", default="", help="why")
    vote = command("vote", "vote on a proposal")
    vote.add_argument("number", type=int, help="the proposal's number")
    vote.add_argument("choice", help="for, against or abstain")
    vote.add_argument("--reason", default="", help="why")
    for step, about in (
        ("queue", "put a proposal that succeeded into the timelock"),
        ("execute", "carry out a queued proposal"),
        ("cancel", "cancel a queued proposal, as the founding guardian"),
    ):
        command(step, about).add_argument("number", type=int, help="the proposal's number")

    def pool(name: str, about: str) -> Parser:
        made = command(name, about)
        made.add_argument("--behind", help="the account it stands behind; yourself when left out")
        made.add_argument("--role", default="provider", help="provider, key-server or curator")
        return made

    stake = pool("stake", "put tokens behind an account's word; without an amount, show what stands there")
    stake.add_argument("amount", nargs="?", help="in tokens")
    stake.add_argument("--yes", action="store_true", help="stake without being asked")
    unstake = pool("unstake", "begin to take stake back; it can be withdrawn after the cool-down")
    unstake.add_argument("amount", nargs="?", default="all", help="in tokens; all when left out")
    pool("withdraw", "pay out stake that has cooled down")
    agent = command("agent", "show an agent: its file, its owner, where it is paid")
    agent.add_argument("agent", help="its id, or the handle it goes by")
    enroll = command("enroll", "register an agent of yours")
    enroll.add_argument("name", help="what it is called")
    enroll.add_argument("--description", default="", help="what it does")
    enroll.add_argument("--service", action="append", default=[], dest="services", help="KIND=URL; may be repeated")
    rate = command("rate", "give feedback on an agent; it counts with a license of its owner's behind it")
    rate.add_argument("agent", help="its id, or the handle it goes by")
    rate.add_argument("value", help="a number, for example 87.5")
    rate.add_argument("--tag", default="starred", help="what the number measures; starred is 0 to 100")
    rate.add_argument("--license", type=int, help="the license behind it; one of yours when left out")
    reputation = command("reputation", "show what clients with a receipt say of an agent")
    reputation.add_argument("agent", help="its id, or the handle it goes by")
    reputation.add_argument("--tag", default="starred", help="the measure")

    command("wallet", "show your address, tokens and voting power")
    limit = command("limit", "limit what this notebook may move from now on")
    limit.add_argument("amount", help='whole tokens, e.g. 100, or "none"')
    use = command("use", "choose the account that acts in this notebook")
    use.add_argument("account", help="a handle of this machine")
    command("status", "show whether the network answers")
    command("doctor", "name what is wrong, and the command that repairs it")
    help = command("help", "list the commands, or explain one")
    help.add_argument("command", nargs="?", help="a command")
    return made


PARSERS = _build()


def parse(line: str) -> tuple[str, argparse.Namespace]:
    """The subcommand of a line and its arguments; an empty line asks for help.

    Raises:
        InputError: no such subcommand, or arguments that do not fit it.
    """
    name, *rest = words(line) or ["help"]
    if name not in PARSERS:
        from difflib import get_close_matches

        close = get_close_matches(name, PARSERS, n=1)
        raise InputError(
            f"there is no command {name!r}", hint=f"Did you mean %sahara {close[0]}?" if close else "See: %sahara help"
        )
    return name, PARSERS[name].parse_args(rest)
