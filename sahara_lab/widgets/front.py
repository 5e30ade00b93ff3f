"""Where the widgets' front-end sources are, and what all of them share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget

from sahara_lab.errors import SaharaError


def source(name: str) -> Path:
    """A front-end file: beside this module in an installed package, in ``widgets/src`` of a checkout."""
    installed = Path(__file__).parent / "static" / name
    return installed if installed.exists() else Path(__file__).parents[2] / "widgets" / "src" / name


class ActionWidget(anywidget.AnyWidget):
    """A widget whose front end sends actions by name.

    A message is a wish, not an order: every action reads what it needs from the kernel's own state and from the
    chain again. Failures are shown in the widget in one line.
    """

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.on_msg(self._take)

    def actions(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        """Actions by name."""
        raise NotImplementedError

    def show(self, *, busy: bool = False, error: str = "") -> None:
        """Read the state again and show it."""
        raise NotImplementedError

    def twins(self) -> dict[str, str]:
        """``text/plain`` and ``text/html`` for places where no widget can run."""
        raise NotImplementedError

    def _take(self, widget: Any, content: Any, buffers: Any) -> None:
        if not isinstance(content, dict):
            return
        action = self.actions().get(str(content.get("action")))
        if action is None:
            return
        error = ""
        try:
            self.show(busy=True)
            action(content)
        except SaharaError as failure:
            error = str(failure)
        self.show(error=error)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        made = super()._repr_mimebundle_(**options)
        if made is None:
            return self.twins()
        data, metadata = made if isinstance(made, tuple) else (made, {})
        return {**data, **self.twins()}, metadata
