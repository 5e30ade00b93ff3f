"""The catalog's source: what the chain's events and the public metadata documents say about each asset."""

from __future__ import annotations

import hashlib
from typing import Any

from sahara_lab.chain import Chain, EventLog
from sahara_lab.errors import SaharaError
from sahara_lab.identity import Directory
from sahara_lab.licensing.access import locate
from sahara_lab.licensing.terms import format_duration
from sahara_lab.market.catalog import Changes, Cursor, Offer, Record
from sahara_lab.market.metadata import Summary, read_summary
from sahara_lab.market.names import KINDS
from sahara_lab.market.publish import METADATA
from sahara_lab.market.sales import Sales
from sahara_lab.profile import Profile
