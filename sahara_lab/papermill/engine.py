"""``papermill --engine sahara``: no questions, quiet progress, no secrets in parameters."""

from __future__ import annotations

import os
from typing import Any

from papermill.engines import NBClientEngine

from sahara_lab.papermill.storage import refuse_secrets

QUIET_VARIABLE = "SAHARA_NONINTERACTIVE"


class SaharaEngine(NBClientEngine):  # type: ignore[misc]
    """Runs a notebook without questions: purchases need a cap, progress is a line a change."""

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, **options: Any) -> Any:
        """Refuse parameters that look like secrets before the first save writes them out; then run."""
        import nbformat

        refuse_secrets(nbformat.writes(nb))  # type: ignore[no-untyped-call]
        return super().execute_notebook(nb, kernel_name, **options)

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
        """Run the cells in a kernel that knows nobody watches."""
        before = os.environ.get(QUIET_VARIABLE)
        os.environ[QUIET_VARIABLE] = "1"
        try:
            return super().execute_managed_notebook(nb_man, kernel_name, **options)
        finally:
            if before is None:
                os.environ.pop(QUIET_VARIABLE, None)
            else:
                os.environ[QUIET_VARIABLE] = before
