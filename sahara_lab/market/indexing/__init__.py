"""The indexer: follows the chain's events and the documents they point to into the catalog."""

from sahara_lab.market.indexing.documents import Altered, Away, Documents, Refused
from sahara_lab.market.indexing.indexer import Indexer, IndexStatus

__all__ = ["Altered", "Away", "Documents", "IndexStatus", "Indexer", "Refused"]
