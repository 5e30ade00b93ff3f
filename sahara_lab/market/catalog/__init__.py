"""The catalog of everything listed: a database keeps it, a search index finds it.

``Catalog(folder)`` is the whole of it; ``sync(catalog, source)`` brings it up to a chain.
"""

from sahara_lab.market.catalog.catalog import Catalog, shared_store
from sahara_lab.market.catalog.interfaces import CatalogStore, Cursor, SearchIndex, Waiting
from sahara_lab.market.catalog.prices import BAND_NAMES
from sahara_lab.market.catalog.query import FACETS, SORTS, CatalogPage
from sahara_lab.market.catalog.records import Offer, Record
from sahara_lab.market.catalog.sync import Changes, ChangeSource, sync

__all__ = [
    "BAND_NAMES", "FACETS", "SORTS", "Catalog", "CatalogPage", "CatalogStore", "ChangeSource", "Changes", "Cursor",
    "Offer", "Record", "SearchIndex", "Waiting", "shared_store", "sync",
]  # fmt: skip
