"""Serving: models as an HTTP service on Ray Serve, behind keys and prepaid channels, and calls of others' models.

The door of this package. Nothing here imports Ray or torch: the gateway is an actor of the keeper's Ray, each copy of a
model a process of its own.
"""

from sahara_lab.serving.service import Serving
from sahara_lab.serving.values import KeyRows, NewKey, Prepaid, Served, ServedRows, UsageRows

__all__ = ["KeyRows", "NewKey", "Prepaid", "Served", "ServedRows", "Serving", "UsageRows"]
