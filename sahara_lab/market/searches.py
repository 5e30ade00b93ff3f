"""Saved searches: what a person looks for again and again, and what came in since they last looked."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from sahara_lab.display import bundle, table, text_table
from sahara_lab.errors import InputError, NotFound
from sahara_lab.market.catalog.query import Query

if TYPE_CHECKING:
    from sahara_lab.market.listings import Page

#: What of a search is saved; where a page begins is not.
FIELDS = ("kind", "license", "price", "max_price", "task", "format", "tag", "owner", "verified", "sort")
MOST = 200

_NAME = re.compile(r"[\w .,:'+-]{1,64}")


@dataclass(frozen=True)
class SavedSearch:
    """One search by name.

    Attributes:
        filters: as :meth:`sahara_lab.market.Market.search` takes them.
        seen: the newest asset that was there when it was last run; later ones are fresh.
    """

    name: str
    text: str = ""
    filters: dict[str, str] = field(default_factory=dict)
    seen: int = 0

    def __str__(self) -> str:
        chosen = " ".join(f"{key}={value}" for key, value in self.filters.items())
        return f"{self.name}: {' '.join(filter(None, (self.text, chosen))) or 'everything'}"


class SavedSearchList(list[SavedSearch]):
    """Saved searches as people see them."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        headers = ("Name", "Words", "Filters")
        rows = [(one.name, one.text, ", ".join(f"{k}: {v}" for k, v in one.filters.items())) for one in self]
        return bundle(text_table(headers, rows), table(headers, rows, caption="Saved searches"))


class SavedSearches:
    """The saved searches of this network on this machine, in one small file.

    Args:
        search: :meth:`sahara_lab.market.Market.search`.
    """

    def __init__(self, file: Path, search: Callable[..., Page]) -> None:
        self._file = file
        self._search = search

    def __iter__(self) -> Any:
        return iter(self.all())

    def all(self) -> SavedSearchList:
        """Every saved search, by name. A file that cannot be read is none."""
        try:
            found = orjson.loads(self._file.read_bytes())
            return SavedSearchList(SavedSearch(**entry) for entry in found)
        except (OSError, ValueError, TypeError):
            return SavedSearchList()

    def get(self, name: str) -> SavedSearch:
        """A search by its name.

        Raises:
            NotFound: there is none.
        """
        for one in self.all():
            if one.name == name:
                return one
        raise NotFound(f"no search is saved as {name!r}", hint="See: sahara-lab searches list")

    def save(self, name: str, text: str = "", **filters: Any) -> SavedSearch:
        """Keep a search under a name, in place of one that had it.

        Raises:
            InputError: a name that is none, an unknown filter or value, or more than 200 searches.
        """
        if not _NAME.fullmatch(name):
            raise InputError(f"{name!r} cannot be a search's name", hint="Up to 64 letters, digits, spaces and .,:'+-")
        chosen = {key: str(value) for key, value in filters.items() if value not in (None, False)}
        if unknown := [key for key in chosen if key not in FIELDS]:
            raise InputError(f"there is no filter {unknown[0]!r}", hint=f"Filters are: {', '.join(FIELDS)}")
        asked: dict[str, Any] = {key: value for key, value in chosen.items() if key != "max_price"}
        Query(text, **asked).checked()
        made = SavedSearch(name, text, chosen)
        others = [one for one in self.all() if one.name != name]
        if len(others) >= MOST:
            raise InputError(f"{MOST} searches are saved already", hint="Remove one: sahara-lab searches remove NAME")
        self._write([*others, made])
        return made

    def remove(self, name: str) -> None:
        """Forget a search.

        Raises:
            NotFound: there is none of that name.
        """
        gone = self.get(name)
        self._write([one for one in self.all() if one.name != gone.name])

    def run(self, name: str, **page: Any) -> Page:
        """Search again; what is there now counts as seen. See :meth:`fresh` for what came in since the last time."""
        one = self.get(name)
        found = self._search(one.text, **{**one.filters, **page})
        newest = max((item.id for item in self._newest(one)), default=0)
        if newest > one.seen:
            self._write([SavedSearch(**{**asdict(o), "seen": newest}) if o.name == name else o for o in self.all()])
        return found

    def fresh(self, name: str) -> int:
        """How many of the newest hundred were published since the search was last run."""
        one = self.get(name)
        return sum(item.id > one.seen for item in self._newest(one))

    def _newest(self, one: SavedSearch) -> Page:
        return self._search(one.text, **{**one.filters, "sort": "newest"}, per_page=100)

    def _write(self, searches: list[SavedSearch]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_name(f".{self._file.name}.{secrets.token_hex(4)}")
        try:
            draft.write_bytes(orjson.dumps(sorted(map(asdict, searches), key=lambda one: str(one["name"]))))
            draft.replace(self._file)
        finally:
            with suppress(FileNotFoundError):
                draft.unlink()
