"""The notebook's magics: ``%load_ext sahara_lab``, then ``%sahara help``."""

from __future__ import annotations

from typing import Any


def load(ipython: Any) -> None:
    """Register ``%sahara`` and ``%%sahara`` with their completion; loading twice changes nothing."""
    from sahara_lab.magics.completion import Completer
    from sahara_lab.magics.sahara import SaharaMagics

    if getattr(ipython, "_sahara_matcher", None) is not None:
        return
    magics = SaharaMagics(ipython)
    ipython.register_magics(magics)
    ipython._sahara_matcher = Completer(magics).matcher()
    ipython.Completer.custom_matchers.append(ipython._sahara_matcher)


def unload(ipython: Any) -> None:
    """Take the magics and their completion away."""
    matcher = getattr(ipython, "_sahara_matcher", None)
    if matcher is None:
        return
    ipython.Completer.custom_matchers.remove(matcher)
    ipython._sahara_matcher = None
    for kind in ("line", "cell"):
        ipython.magics_manager.magics[kind].pop("sahara", None)
