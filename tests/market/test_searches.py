"""Searches that are kept by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sahara_lab.errors import InputError, NotFound


def test_a_saved_search_finds_again_and_says_what_is_fresh(
    alice: Any, bob: Any, fresh: Any, table_folder: Path
) -> None:
    word = fresh("sought").replace("-", "")
    alice.market.publish(table_folder, name=fresh("kept"), title=f"{word} one", tags=("wanted",))
    searches = alice.market.searches
    searches.save("my penguins", word, kind="dataset", tag="wanted")
    assert searches.fresh("my penguins") == 1
    assert searches.run("my penguins").total == 1
    assert searches.fresh("my penguins") == 0
    bob.market.publish(table_folder, name=fresh("kept"), title=f"{word} two", tags=("wanted",))
    assert searches.fresh("my penguins") == 1
    again = bob.use("alice").market.searches.run("my penguins", sort="newest")
    assert again[0].title == f"{word} two"
    assert "my penguins" in searches.all()._repr_mimebundle_()["text/plain"]
    searches.remove("my penguins")
    with pytest.raises(NotFound):
        searches.run("my penguins")


def test_what_could_not_be_asked_is_not_saved(alice: Any) -> None:
    searches = alice.market.searches
    for name, filters in (
        ("", {}),
        ("../x/y", {}),
        ("ok", {"kind": "boat"}),
        ("ok", {"page": "2"}),
        ("ok", {"sort": "best"}),
    ):
        with pytest.raises(InputError):
            searches.save(name, "word", **filters)


def test_a_damaged_file_is_no_searches(alice: Any, home: Path) -> None:
    alice.market.searches.save("one", "word")
    (file,) = home.rglob("searches.json")
    file.write_text('[{"name": 1, "oops": 2}]')
    assert list(alice.market.searches) == []
