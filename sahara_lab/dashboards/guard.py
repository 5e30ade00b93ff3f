"""Whether people in front of a dashboard may act, or only look.

In a notebook the server's token has let them in. Voila asks for no token unless it is told to, and answers under any
host name, so that a page on the web could reach it through its visitor's browser: there, a dashboard only shows,
unless :mod:`sahara_lab.dashboards.__main__` (which always sets a token) started it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

ACTIONS_VARIABLE = "SAHARA_LAB_DASHBOARD_ACTIONS"


def may_act(environment: Mapping[str, str] | None = None) -> bool:
    """True in a notebook, and under Voila when whoever started it said so."""
    variables = os.environ if environment is None else environment
    served = variables.get("SERVER_SOFTWARE", "").startswith("voila") or any(
        name.startswith("VOILA_") for name in variables
    )
    return not served or variables.get(ACTIONS_VARIABLE) == "1"
