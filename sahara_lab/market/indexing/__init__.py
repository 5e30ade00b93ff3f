"""The indexer: follows the chain's events and the documents they point to into the catalog."""

from sahara_lab.market.indexing.documents import Away, Documents, Refused
from sahara_lab.market.indexing.indexer import Indexer, IndexStatus

__all__ = ["Away", "Documents", "IndexStatus", "Indexer", "Refused"]
