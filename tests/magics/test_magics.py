"""``%sahara`` in a notebook."""

from __future__ import annotations

import os

import pytest

from sahara_lab import License
from sahara_lab.errors import ChainError, InputError, JobError, NetworkError, NotFound, SaharaError

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def offered(alice, tmp_path_factory):  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("magic")
    (folder / "rows.csv").write_text("a,b\n1,2\n")
    return alice.market.publish(folder, name="magic-rows", title="Rows by magic", license=License.commercial("2")).name


def test_help_lists_every_command(notebook):  # type: ignore[no-untyped-def]
    text = notebook("%sahara help")._repr_mimebundle_()["text/plain"]
    named = "search license publish train jobs attach stop vote stake unstake withdraw wallet use doctor"
    for name in named.split():
        assert f"%sahara {name}" in text


def test_search_returns_a_page(notebook, offered):  # type: ignore[no-untyped-def]
    page = notebook("%sahara search rows by magic --kind dataset;")
    assert offered in [item.name for item in page]


def test_a_purchase_nobody_confirms_needs_a_cap(notebook, offered):  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="--max-price"):
        notebook(f"%sahara license {offered}")
    assert notebook(f"%sahara license {offered} --max-price 2").holder == "bob"


def test_yes_pays_the_price_that_was_shown(notebook, offered):  # type: ignore[no-untyped-def]
    notebook("%sahara use carol")
    assert notebook(f"%sahara license {offered} --yes").holder == "carol"


def test_pressing_tab_starts_no_network(shell, notebook, monkeypatch):  # type: ignore[no-untyped-def]
    from sahara_lab.magics.completion import Completer

    asked: list[bool] = []

    def connect(profile: str = "local", account: str | None = None, *, start: bool = True) -> None:
        asked.append(start)
        raise NetworkError("the network is down")

    monkeypatch.setattr("sahara_lab.lab.connect", connect)
    complete = Completer(shell.magics_manager.registry["SaharaMagics"]).complete
    assert complete("%sahara license ali") == ("ali", [])
    assert asked == [False]


def test_use_changes_who_acts(notebook):  # type: ignore[no-untyped-def]
    notebook("%sahara use carol")
    assert os.environ["SAHARA_LAB_ACCOUNT"] == "carol"
    assert notebook("%sahara wallet").handle == "carol"
    with pytest.raises(NotFound, match="Accounts here"):
        notebook("%sahara use nobody")
    assert os.environ["SAHARA_LAB_ACCOUNT"] == "carol"


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("%sahara licens x", "Did you mean %sahara license"),
        ("%sahara search --kind poem", "Kinds are"),
        ("%sahara search --page two", "Usage"),
        ('%sahara search "open', "quotation mark"),
        ("%sahara train", "first line of the cell"),
        ("%sahara vote 1 maybe", "for, against or abstain"),
        ("%sahara show nonsense", "owner/name"),
        ("%sahara attach train-none", "%sahara jobs"),
    ],
)
def test_bad_input_is_one_line_that_helps(notebook, line, hint):  # type: ignore[no-untyped-def]
    with pytest.raises(SaharaError, match=hint) as caught:
        notebook(line)
    assert len(caught.value._render_traceback_()) == 1


@pytest.mark.ray
@pytest.mark.parametrize("cell", ["x = 1", "import torch\nmodel = torch.nn.Linear(1, 1)"])
def test_a_cell_that_never_fits_says_so(notebook, cell):  # type: ignore[no-untyped-def]
    with pytest.raises(JobError, match="fit"):
        notebook(f"%%sahara train --workers 1\n{cell}")


def test_agents_in_a_notebook(notebook, fresh):  # type: ignore[no-untyped-def]
    made = notebook(f"%sahara enroll {fresh('magic-agent')} --service web=https://a.example")
    assert notebook(f"%sahara agent {made.id}") == made
    assert notebook(f"%sahara reputation {made.id}").mean is None
    with pytest.raises(ChainError, match="own agent"):
        notebook(f"%sahara rate {made.id} 90")


def test_completion_knows_commands_options_assets_and_accounts(notebook, shell, offered):  # type: ignore[no-untyped-def]
    from sahara_lab.magics.completion import Completer

    complete = Completer(shell.magics_manager.registry["SaharaMagics"]).complete
    notebook("%sahara search")
    assert complete("%sahara lic")[1] == ["license", "licenses"]  # type: ignore[index]
    assert "--workers" in complete("%%sahara train --w")[1]  # type: ignore[index]
    assert complete("%sahara license alice/magic")[1] == [offered]  # type: ignore[index]
    assert complete("%sahara use c")[1] == ["carol"]  # type: ignore[index]
    assert complete("%sahara vote 1 a")[1] == ["abstain", "against"]  # type: ignore[index]
    assert complete("print('%sahara ')") is None


def test_completion_reaches_the_editor(notebook, shell):  # type: ignore[no-untyped-def]
    _, matches = shell.complete("%sahara pub")
    assert "publish" in matches


def test_loading_twice_and_unloading_leaves_nothing(notebook, shell):  # type: ignore[no-untyped-def]
    import sahara_lab

    before = len(shell.Completer.custom_matchers)
    sahara_lab.load_ipython_extension(shell)
    assert len(shell.Completer.custom_matchers) == before
    sahara_lab.unload_ipython_extension(shell)
    assert len(shell.Completer.custom_matchers) == before - 1
    assert "sahara" not in shell.magics_manager.magics["line"]
    sahara_lab.load_ipython_extension(shell)


def test_staking_shows_what_it_means_and_needs_a_word(notebook, capsys):  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="--yes"):
        notebook("%sahara stake 3 --role curator --behind alice")
    assert "3 SAHARA behind alice as curator" in capsys.readouterr().out
    assert "3 SAHARA yours" in str(notebook("%sahara stake 3 --role curator --behind alice --yes"))
    assert "3 SAHARA on its way back" in str(notebook("%sahara unstake --role curator --behind alice"))
    with pytest.raises(ChainError, match="cools down"):
        notebook("%sahara withdraw --role curator --behind alice")


def test_an_owner_shares_looks_and_renews_from_a_notebook(notebook, offered, fresh):  # type: ignore[no-untyped-def]
    notebook("%sahara use alice")
    team = fresh("team")
    assert notebook(f"%sahara team new {team} carol")[0].members == ("carol",)
    assert team in notebook("%sahara team")._repr_mimebundle_()["text/plain"]
    notebook(f"%sahara share {offered} team:{team} --path rows.csv --for '1 day'")
    readers = {reader.account: reader for reader in notebook(f"%sahara who {offered}")}
    assert readers[f"team:alice/{team}"].path == "rows.csv"
    assert notebook(f"%sahara reshare {offered} --servers 1 2 --threshold 2")[0].after == ((1, 2), 2)
    assert notebook(f"%sahara reencrypt {offered}")[0].after == f"{offered}@2"
    assert notebook(f"%sahara audit {offered}").asset == offered
    assert notebook(f"%sahara unshare {offered} team:{team}")[-1].ended == (f"team:alice/{team}",)
