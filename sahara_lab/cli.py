"""``sahara-lab``: the same verbs as the magics, for a terminal. No rules live here."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote as quote_url

import click

from sahara_lab._version import __version__
from sahara_lab.errors import InputError, SaharaError
from sahara_lab.files_cli import vault
from sahara_lab.index_cli import index
from sahara_lab.keyserver_cli import keyserver
from sahara_lab.profile import ACCOUNT_VARIABLE, Profile, choose_account
from sahara_lab.provider_cli import provider, verify_job
from sahara_lab.rights_cli import COMMANDS as RIGHTS
from sahara_lab.searches_cli import searches
from sahara_lab.serving_cli import commands as serving
from sahara_lab.train_cli import commands as training
from sahara_lab.vault_cli import custody, recovery

Command = TypeVar("Command", bound=Callable[..., Any])
#: Defaults of a lab that asks the network for nothing on its own; what a user has set goes before them.
LAB_SETTINGS = Path(__file__).parent / "settings"


class OneLineErrors(click.Group):
    """Shows every expected failure as one line on stderr and exits with 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (SaharaError, OSError) as error:
            click.echo(f"{click.style('error', fg='red')}: {error}", err=True)
            ctx.exit(1)


@click.group(cls=OneLineErrors, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="sahara-lab")
@click.option("--account", "-a", help="Handle that acts; default: the one chosen with `use`, else alice.")
@click.option("--profile", "-p", default="local", show_default=True, help="Which network.")
@click.pass_context
def main(ctx: click.Context, account: str | None, profile: str) -> None:
    """Own, share, license, train, sell and govern AI assets."""
    ctx.obj = {"account": account, "profile": profile}


for command in (*training, *serving):
    main.add_command(command)
main.add_command(keyserver)
main.add_command(custody)
main.add_command(recovery)
for right in RIGHTS:
    main.add_command(right)
main.add_command(index)
main.add_command(searches)
main.add_command(provider)
main.add_command(verify_job)


def _lab() -> Any:
    from sahara_lab.lab import connect

    options = click.get_current_context().obj
    return connect(options["profile"], options["account"])


def _profile() -> Profile:
    return Profile(click.get_current_context().obj["profile"])


def _show(value: Any) -> None:
    """Print a value's plain-text twin."""
    if hasattr(value, "_repr_mimebundle_"):
        value = value._repr_mimebundle_()["text/plain"]
    click.echo(value)


def _tell(text: str) -> None:
    click.echo(f"{click.style('·', dim=True)} {text}", err=True)


# -- the network ------------------------------------------------------------------------------------------------------


@main.command()
def up() -> None:
    """Start the embedded network, or attach to the running one."""
    from sahara_lab.localnet import ensure_up

    network = ensure_up(_profile(), progress=_tell)
    click.echo(f"network up: chain {network.chain_id} at {network.rpc_url}, {len(network.key_servers)} key servers")
    if network.recovered:
        click.echo(click.style(network.recovered, fg="yellow"))


@main.command()
def down() -> None:
    """Stop the embedded network; its state stays."""
    from sahara_lab.localnet import down as stop

    stop(_profile())
    click.echo("network down")


@main.command()
def status() -> None:
    """Show whether the node and the key servers answer."""
    from sahara_lab.localnet import status as look

    found = look(_profile())
    _show(found)
    if not found.running:
        click.get_current_context().exit(1)


@main.command()
def doctor() -> None:
    """Name what is wrong, and the command that repairs it."""
    from sahara_lab.localnet import doctor as examine

    _report(examine(_profile()))


def _report(checks: list[Any]) -> None:
    """Print checks, and end with 1 when one failed."""
    for check in checks:
        mark = click.style("ok  ", fg="green") if check.ok else click.style("BAD ", fg="red")
        click.echo(f"{mark} {check.name}: {check.detail}")
        if not check.ok and check.repair_command:
            click.echo(f"     repair: {check.repair_command}")
    if not all(check.ok for check in checks):
        click.get_current_context().exit(1)


@main.command()
@click.argument("seconds")
def advance(seconds: str) -> None:
    """Move the embedded network's clock forward, e.g. "5 minutes"."""
    from sahara_lab.display import format_time

    click.echo(f"the chain's time is now {format_time(_lab().network.advance(seconds))}")


@main.command()
@click.argument("notebook", required=False, type=click.Path(path_type=Path))
@click.option("--port", default=8888, show_default=True)
@click.option("--no-browser", is_flag=True)
def lab(notebook: Path | None, port: int, no_browser: bool) -> None:
    """Open JupyterLab with the network running, on NOTEBOOK if given."""
    from sahara_lab.localnet import ensure_up

    if notebook is not None and not notebook.exists():
        raise InputError(f"there is no notebook {str(notebook)!r}")
    network = ensure_up(_profile(), progress=_tell)
    if network.recovered:
        click.echo(click.style(network.recovered, fg="yellow"))
    command = [sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", f"--port={port}"]
    command += ["--no-browser"] if no_browser else []
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        _tell("you are root: JupyterLab runs with --allow-root")
        command.append("--allow-root")
    if notebook is not None:  # as the server's page, so that the printed address opens it too
        where = notebook.resolve()
        command += [f"--ServerApp.root_dir={where.parent}", f"--LabApp.default_url=/lab/tree/{quote_url(where.name)}"]
    settings = [str(LAB_SETTINGS), os.environ.get("JUPYTER_CONFIG_PATH")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(path for path in settings if path)
    os.execv(sys.executable, command)


@main.command()
@click.option("--port", default=8866, show_default=True)
@click.option("--no-browser", is_flag=True)
def dashboard(port: int, no_browser: bool) -> None:
    """Open the dashboard: earnings, licenses, jobs and votes of an account, to claim and to vote."""
    os.environ[ACCOUNT_VARIABLE] = _lab().account  # an unknown account is refused before a browser opens
    command = [sys.executable, "-m", "sahara_lab.dashboards", f"--port={port}"]
    os.execv(sys.executable, command + (["--no-browser"] if no_browser else []))


@main.group()
def network() -> None:
    """Networks of your own: public testnets and private chains."""


@network.command("add")
@click.argument("name")
@click.option("--rpc", required=True, help="HTTP address of a node.")
@click.option("--addresses", type=click.Path(path_type=Path), help="JSON file with the Directory's address, or all.")
def network_add(name: str, rpc: str, addresses: Path | None) -> None:
    """Describe the network NAME."""
    from sahara_lab import networks

    added = networks.add(name, rpc, addresses)
    click.echo(f"{name} is chain {added.chain_id}, {len(added.addresses)} contracts")
    if not added.addresses:
        click.echo(
            f"next: sahara-lab -p {name} account HANDLE, then: sahara-lab network deploy {name} --account HANDLE"
        )


@network.command("list")
def network_list() -> None:
    """List the networks that this machine knows."""
    from sahara_lab import networks
    from sahara_lab.chain import Rpc
    from sahara_lab.display import text_table

    rows = [
        (name, str(one.chain_id), Rpc(one.rpc_url).place, str(len(one.addresses)), str(len(one.key_servers)))
        for name, one in networks.listed()
    ]
    click.echo(text_table(("Name", "Chain", "Node", "Contracts", "Key servers"), rows))


@network.command("remove")
@click.argument("name")
def network_remove(name: str) -> None:
    """Forget the network NAME; its accounts and stored data stay."""
    from sahara_lab import networks

    networks.remove(name)
    click.echo(f"{name} is forgotten; its accounts and stored data are kept")


@network.command("deploy")
@click.argument("name")
@click.option("--account", required=True, help="Handle of the account that pays and gets the first tokens.")
@click.option("--max-cost", help="The most to spend, in the chain's own coin.")
@click.option("--yes", is_flag=True, help="Do not ask; needs --max-cost.")
@click.option("--key-servers", type=click.Path(path_type=Path), help="JSON list of account, url and encryption_key.")
def network_deploy(name: str, account: str, max_cost: str | None, yes: bool, key_servers: Path | None) -> None:
    """Deploy the contracts to the network NAME, with the rules of a public network."""
    from sahara_lab import networks
    from sahara_lab.units import to_wei

    if yes and max_cost is None:
        raise InputError("spending without being asked needs a cap", hint="Add --max-cost")
    servers = networks.read_key_servers(key_servers) if key_servers else []
    quote = networks.quote_deployment(name, account, len(servers))
    click.echo(quote)
    if not yes:
        click.confirm("Deploy?", abort=True)
    made = networks.deploy(name, account, to_wei(max_cost) if max_cost else quote.most, servers)
    click.echo(f"{name} has {len(made.addresses)} contracts; give others {made.addresses['Directory']}, its Directory")


@network.command("join")
@click.argument("name")
@click.option("--account", required=True)
def network_join(name: str, account: str) -> None:
    """Register an account's handle on the network NAME."""
    from sahara_lab import networks

    networks.join(name, account)
    click.echo(f"{account} is registered on {name}")


@network.command("verify")
@click.argument("name")
def network_verify(name: str) -> None:
    """Compare the network NAME with its description and with the contracts of this version."""
    from sahara_lab import networks

    _report(list(networks.verify(name)))


# -- the market -------------------------------------------------------------------------------------------------------


@main.command()
@click.argument("text", nargs=-1)
@click.option("--kind")
@click.option("--license", "flavor", help="Only assets offered under this license.")
@click.option("--max-price", help="Only assets that cost at most this many tokens.")
@click.option("--price", help='Only assets in this band of prices, e.g. free or "1 to 10".')
@click.option("--task", help="Only assets for this, e.g. image-classification.")
@click.option("--format", help="Only assets with files of this media type, e.g. text/csv.")
@click.option("--tag", help="Only assets with this tag.")
@click.option("--owner", help="Only assets of this account.")
@click.option("--verified", is_flag=True, help="Only of publishers that the DAO vouches for.")
@click.option(
    "--sort", default="relevance", show_default=True, help="relevance, newest, price, popular, reputation, name."
)
@click.option("--page", default=1, show_default=True)
def search(text: tuple[str, ...], flavor: str | None, **options: Any) -> None:
    """Search the market."""
    _show(_lab().market.search(" ".join(text), license=flavor, **options))


@main.command()
@click.argument("name")
def show(name: str) -> None:
    """Show one asset: versions, offers, what it is made from."""
    _show(_lab().market.get(name))


@main.command()
@click.argument("name")
@click.option("--license", "flavor")
def quote(name: str, flavor: str | None) -> None:
    """Show what a license costs and who gets it."""
    _show(_lab().market.quote(name, flavor))


@main.command()
@click.argument("name")
@click.option("--license", "flavor", help="Which of the offered licenses; the cheapest when left out.")
@click.option("--max-price", help="The most to pay, in tokens. Without it you are shown the quote and asked.")
def license(name: str, flavor: str | None, max_price: str | None) -> None:
    """Get a license for an asset."""
    market = _lab().market
    if max_price is None:
        offered = market.quote(name, flavor)
        _show(offered)
        if offered.price and not sys.stdin.isatty():
            raise InputError("a purchase needs a cap", hint="Add --max-price")
        if offered.price:
            click.confirm("Buy it?", abort=True)
        max_price = str(offered.price_tokens)
    _show(market.license(name, license=flavor, max_price=max_price))


@main.command()
@click.argument("name")
@click.option("--max-price", required=True, help="The most to pay, in tokens.")
def renew(name: str, max_price: str) -> None:
    """Pay for more time on a license you hold, at the price of its terms."""
    _show(_lab().market.renew(name, max_price=max_price))


@main.command()
@click.argument("name")
def refund(name: str) -> None:
    """Give back a license while its refund window is open; access ends at once."""
    from sahara_lab.units import format_tokens

    click.echo(f"paid back {format_tokens(_lab().market.refund(name))}")


@main.command()
@click.argument("name")
@click.argument("account")
@click.option("--license", "flavor", help="Which of the offered licenses; default: the cheapest.")
def give(name: str, account: str, flavor: str | None) -> None:
    """Give an account a license of an own asset, without payment."""
    _show(_lab().market.give(name, account, license=flavor))


@main.command()
@click.argument("source")
def describe(source: str) -> None:
    """Show what a listing of SOURCE could say: a folder, a Hugging Face snapshot or a Croissant file."""
    _show(_lab().market.propose(source))


@main.command()
@click.argument("source")
@click.option("--name", required=True)
@click.option("--kind")
@click.option("--title")
@click.option("--description")
@click.option("--tag", "tags", multiple=True)
@click.option("--task", default="", help="What it is for, e.g. image-classification.")
@click.option("--preview", default=0, help="Rows of each table that everyone may see, at most 10.")
@click.option("--parent", "parents", multiple=True)
@click.option("--price", help="Offer it under Commercial Remix at this price, in tokens.")
@click.option("--royalty", default="10%", show_default=True, help="What derivatives owe; used with --price.")
@click.option("--open", "open_use", is_flag=True, help="Offer it free for any use.")
@click.option("--use", help="Choose the license: study, work, build, anything or compute; see `sahara-lab choose`.")
@click.option("--back", help="With --use: what makers of derivatives give.")
@click.option("--lasts", default="for ever", help='With --use: how long a license lasts, e.g. "1 year".')
@click.option("--update", is_flag=True, help="Publish a new version of an own asset.")
def publish(
    source: str,
    name: str,
    price: str | None,
    royalty: str,
    open_use: bool,
    use: str | None,
    back: str | None,
    lasts: str,
    **options: Any,
) -> None:
    """Publish a folder, a file or a finished job (SOURCE is a path or a job's id)."""
    from sahara_lab.licensing.terms import License

    opened = _lab()
    what: Any = source
    if not Path(source).exists() and source.startswith("train-"):
        what = opened.compute.job(source)
    terms = License.asked(price, royalty, open_use=open_use, use=use, back=back, lasts=lasts)
    _show(opened.market.publish(what, name=name, license=terms, progress=_tell, **options))


@main.command()
@click.argument("name")
@click.option("--note", default="", help="What it is for; everyone can read it.")
@click.option("--license", "flavor", help="Which of the offered licenses; default: the cheapest.")
def request(name: str, note: str, flavor: str | None) -> None:
    """Ask an asset's owner for a license."""
    _show(_lab().market.request(name, note=note, license=flavor))


@main.command()
@click.option("--sent", is_flag=True, help="What you asked for, and what became of it.")
def requests(sent: bool) -> None:
    """List the open requests for your assets."""
    _show(_lab().market.requests(sent=sent))


@main.command()
@click.argument("number", type=int)
def grant(number: int) -> None:
    """Grant a request: issue the license that was asked for, without payment."""
    _show(_lab().market.grant(number))


@main.command()
@click.argument("number", type=int)
def decline(number: int) -> None:
    """Say no to a request, for who asked to see."""
    _lab().market.decline(number)
    click.echo(f"request {number} is declined")


@main.command()
@click.argument("name")
@click.option("--weight", "weights", multiple=True, metavar="ASSET=N", help="Of a member; may be repeated.")
@click.option("--join", "joining", multiple=True, metavar="ASSET", help="An own asset that may be a member.")
@click.option("--leave", "leaving", multiple=True, metavar="ASSET", help="An own asset to take out.")
@click.option("--collect", is_flag=True, help="Pass on what members have earned.")
def collection(
    name: str, weights: tuple[str, ...], joining: tuple[str, ...], leaving: tuple[str, ...], collect: bool
) -> None:
    """Show a collection's members; join, leave, weigh them, or pass on what they earned."""
    from sahara_lab.market.collections import parse_weights

    found = _lab().market.collection(name)
    found.change(join=joining, leave=leaving, weights=parse_weights(weights), collect=collect)
    _show(found)


@main.command()
def mine() -> None:
    """List the assets you published."""
    _show(_lab().market.mine())


@main.command()
def licenses() -> None:
    """List the licenses you hold."""
    _show(_lab().market.licenses())


@main.command()
def claim() -> None:
    """Pay out what you earned."""
    from sahara_lab.units import format_tokens

    click.echo(f"paid out {format_tokens(_lab().market.claim())}")


main.add_command(vault)


# -- the vault --------------------------------------------------------------------------------------------------------


@main.command()
@click.argument("name")
@click.argument("account")
@click.option("--path", default="", help="A folder or file inside the asset; all of it when left out.")
@click.option("--for", "lasts", help='How long, e.g. "30 days"; for ever when left out.')
def share(name: str, account: str, path: str, lasts: str | None) -> None:
    """Give ACCOUNT (or team:NAME, or license:NAME) the key of an own asset, without a license."""
    _lab().vault.share(name, account, path, not_after=lasts or 0)
    click.echo(f"{account} can read {name}{'/' + path if path else ''}")


@main.command()
@click.argument("name")
@click.argument("account")
@click.option("--path", help="What was shared; everything shared with them when left out.")
def unshare(name: str, account: str, path: str | None) -> None:
    """Take back what was shared with ACCOUNT (or team:NAME, or license:NAME), by new keys that it does not get."""
    _show(_lab().vault.unshare(name, account, path))


@main.group()
def team() -> None:
    """Teams: groups of accounts to share with, as team:NAME."""


@team.command("new")
@click.argument("name")
@click.argument("members", nargs=-1)
def team_new(name: str, members: tuple[str, ...]) -> None:
    """Found the team NAME with MEMBERS."""
    made = _lab().teams.new(name, members)
    click.echo(f"{made.name}: {', '.join(made.members) or 'nobody yet'}")


@team.command("add")
@click.argument("name")
@click.argument("members", nargs=-1, required=True)
def team_add(name: str, members: tuple[str, ...]) -> None:
    """Add MEMBERS to the own team NAME."""
    click.echo(f"{name}: {', '.join(_lab().teams.add(name, *members).members)}")


@team.command("remove")
@click.argument("name")
@click.argument("members", nargs=-1, required=True)
def team_remove(name: str, members: tuple[str, ...]) -> None:
    """Remove MEMBERS from the own team NAME; no key is released to them from then on."""
    click.echo(f"{name}: {', '.join(_lab().teams.remove(name, *members).members) or 'nobody'}")


@team.command("list")
def team_list() -> None:
    """List the own teams."""
    _show(_lab().teams.mine())


@main.command()
@click.argument("name")
def who(name: str) -> None:
    """List everybody who can get the keys of an own asset now."""
    _show(_lab().vault.who_can_read(name))


@main.command()
@click.argument("name")
def rotate(name: str) -> None:
    """Renew the keys of an own asset; no file is encrypted again, and what is shared stays shared."""
    _show(_lab().vault.rotate(name))


@main.command()
@click.argument("name")
def audit(name: str) -> None:
    """Show who could read an asset, and when, as the key servers' receipts prove."""
    found = _lab().vault.audit(name)
    _show(found)
    if not found.sound:
        click.get_current_context().exit(1)


@main.command()
@click.argument("name")
def verify(name: str) -> None:
    """Check every stored byte of an asset against the chain."""
    _show(_lab().vault.verify(name))


@main.command()
@click.argument("name")
@click.argument("target", type=click.Path(path_type=Path))
def get(name: str, target: Path) -> None:
    """Decrypt an asset's files (owner/name[@version][/path]) into TARGET."""
    if target.exists() and any(target.iterdir()):
        raise InputError(f"{str(target)!r} is not empty", hint="Choose a new folder")
    target.mkdir(parents=True, exist_ok=True)
    _lab().vault.fs.get(f"vault://{name.rstrip('/')}/", f"{target}/", recursive=True)
    click.echo(f"decrypted into {target}")


# -- the DAO ----------------------------------------------------------------------------------------------------------


@main.command()
def proposals() -> None:
    """List proposals."""
    from sahara_lab.display import text_table

    rows = [(p.number, p.title, p.state, p.my_vote or "") for p in _lab().dao.proposals()]
    click.echo(text_table(("Number", "Proposal", "State", "Your vote"), rows))


@main.command()
@click.argument("parameter")
@click.argument("value")
@click.option("--title")
@click.option("--reason", default="")
def propose(parameter: str, value: str, title: str | None, reason: str) -> None:
    """Propose a new VALUE ("3%") for a PARAMETER ("fee")."""
    _show(_lab().dao.propose_parameter(parameter, value, title, reason))


@main.command()
@click.argument("number", type=int)
@click.argument("choice")
@click.option("--reason", default="")
def vote(number: int, choice: str, reason: str) -> None:
    """Vote for, against or abstain on a proposal."""
    _show(_lab().dao.vote(number, choice, reason))


@main.command()
@click.argument("number", type=int)
def queue(number: int) -> None:
    """Put a proposal that succeeded into the timelock."""
    _show(_lab().dao.queue(number))


@main.command()
@click.argument("number", type=int)
def execute(number: int) -> None:
    """Carry out a queued proposal."""
    _show(_lab().dao.execute(number))


@main.command()
@click.argument("number", type=int)
def cancel(number: int) -> None:
    """Cancel a queued proposal, as the founding guardian."""
    click.echo(f"{_lab().dao.cancel(number)}")


# -- stake ------------------------------------------------------------------------------------------------------------


def _pool(command: Any) -> Any:
    """The options that say which stake is meant."""
    command = click.option("--role", default="provider", show_default=True, help="provider, key-server or curator.")(
        command
    )
    return click.option("--behind", help="The account it stands behind; your own when left out.")(command)


@main.command()
@click.argument("amount", required=False)
@_pool
@click.option("--yes", is_flag=True, help="Stake without being asked.")
def stake(amount: str | None, behind: str | None, role: str, yes: bool) -> None:
    """Put AMOUNT tokens behind an account's word; without AMOUNT, show what stands there."""
    staking = _lab().staking
    if amount is None:
        _show(staking.status(behind=behind, role=role))
        return
    if not yes:
        click.echo(staking.quote(amount, behind=behind, role=role))
        if not sys.stdin.isatty():
            raise InputError("staking needs your word", hint="Add --yes")
        click.confirm("Stake it?", abort=True)
    _show(staking.stake(amount, behind=behind, role=role))


@main.command()
@click.argument("amount", default="all")
@_pool
def unstake(amount: str, behind: str | None, role: str) -> None:
    """Begin to take stake back; it can be withdrawn after the cool-down."""
    _show(_lab().staking.unstake(amount, behind=behind, role=role))


@main.command()
@_pool
def withdraw(behind: str | None, role: str) -> None:
    """Pay out stake that has cooled down."""
    from sahara_lab.units import format_tokens

    click.echo(f"paid out {format_tokens(_lab().staking.withdraw(behind=behind, role=role))}")


# -- accounts ---------------------------------------------------------------------------------------------------------


@main.group()
def agent() -> None:
    """Agents (ERC-8004): register, rate, have work checked. AGENT is an id, or the handle it goes by."""


@agent.command("register")
@click.argument("name")
@click.option("--description", default="", help="What it does.")
@click.option("--service", "services", multiple=True, help="KIND=URL; may be repeated.")
@click.option("--uri", help="A registration file of your own, instead of one on chain.")
def agent_register(name: str, description: str, services: tuple[str, ...], uri: str | None) -> None:
    """Register an agent of yours."""
    from sahara_lab.identity import services_of

    _show(_lab().identity.register(name, description, services=services_of(services), uri=uri))


@agent.command("list")
def agent_list() -> None:
    """List all agents."""
    _show(_lab().identity.agents())


@agent.command("show")
@click.argument("agent")
def agent_show(agent: str) -> None:
    """Show an agent: its file, its owner, where it is paid."""
    _show(_lab().identity.agent(agent))


@agent.command("rate")
@click.argument("agent")
@click.argument("value")
@click.option("--tag", default="starred", show_default=True, help="What the number measures.")
@click.option("--license", type=int, help="The license behind it; one of yours when left out.")
def agent_rate(agent: str, value: str, tag: str, license: int | None) -> None:
    """Give feedback on an agent; it counts with a license of its owner's behind it."""
    _show(_lab().identity.rate(agent, value, tag, license=license))


@agent.command("reputation")
@click.argument("agent")
@click.option("--tag", default="starred", show_default=True, help="The measure.")
def agent_reputation(agent: str, tag: str) -> None:
    """Show what clients with a receipt say of an agent."""
    _show(_lab().identity.reputation(agent, tag))


@agent.command("feedback")
@click.argument("agent")
def agent_feedback(agent: str) -> None:
    """List everything said of an agent."""
    _show(_lab().identity.feedback(agent))


@agent.command("validations")
@click.argument("agent")
def agent_validations(agent: str) -> None:
    """List requests to check an agent's work, and their answers."""
    _show(_lab().identity.validations(agent))


@main.command()
def wallet() -> None:
    """Show the account's address, tokens and voting power."""
    _show(_lab().wallet)


@main.command()
@click.argument("to")
@click.argument("amount")
def transfer(to: str, amount: str) -> None:
    """Send AMOUNT tokens TO a handle or address."""
    _lab().wallet.transfer(to, amount)
    click.echo(f"sent {amount} SAHARA to {to}")


@main.command()
@click.argument("handle")
@click.password_option(help="At least 10 characters; asked for when left out.")
def account(handle: str, password: str) -> None:
    """Make a new account, HANDLE, under a password of your own."""
    if _profile().name != "local":
        from sahara_lab import networks

        name = _profile().name
        address = networks.create_account(name, handle, password)
        click.echo(
            f"{handle} is {address}; send it coins for gas, then: sahara-lab network join {name} --account {handle}"
        )
        return
    from sahara_lab.localnet import create_account

    _lab()
    wallet = create_account(_profile(), handle, password)
    click.echo(f"{handle} is {wallet.address}; give it tokens with: sahara-lab transfer {handle} 100")


@main.command()
@click.argument("account")
def use(account: str) -> None:
    """Make ACCOUNT the one that acts from now on."""
    click.get_current_context().obj["account"] = account
    _lab()
    choose_account(account)
    click.echo(f"{account} acts from now on")


if __name__ == "__main__":
    main()
