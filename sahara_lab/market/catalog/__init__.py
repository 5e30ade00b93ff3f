"""The catalog of everything listed: SQLite keeps it, tantivy finds it.

``Catalog(folder)`` is the whole of it; ``sync(catalog, source)`` brings it up to a chain.
"""

from sahara_lab.market.catalog.catalog import Catalog
from sahara_lab.market.catalog.interfaces import CatalogStore, Cursor, SearchIndex
from sahara_lab.market.catalog.query import SORTS, CatalogPage
from sahara_lab.market.catalog.records import Offer, Record
from sahara_lab.market.catalog.sync import Changes, ChangeSource, sync

__all__ = [
    "SORTS", "Catalog", "CatalogPage", "CatalogStore", "ChangeSource", "Changes", "Cursor", "Offer", "Record",
    "SearchIndex", "sync",
]  # fmt: skip
