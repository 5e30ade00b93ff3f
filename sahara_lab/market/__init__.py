"""The market: publish, search, quote, license, earn."""

from sahara_lab.market.service import Market
from sahara_lab.market.values import Asset, Earnings, LicenseGrant, Quote

__all__ = ["Asset", "Earnings", "LicenseGrant", "Market", "Quote"]
