"""Where the widgets' front-end sources are, and what all of them share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

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

    #: The synced trait that holds everything the front end draws; never a key, a signature or a password.
    state_name: ClassVar[str]

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.on_msg(self._take)

    def actions(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        """Actions by name."""
        raise NotImplementedError

    def show(self, error: str = "") -> None:
        """Read the state again and show it, with what went wrong before."""
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
        self._mark(busy=True, error="")
        try:
            action(content)
        except SaharaError as failure:
            error = str(failure)
        except Exception as failure:  # a widget that stays busy for ever tells nobody anything
            error = f"{type(failure).__name__}: {failure}"
        try:
            self.show(error)
        except SaharaError as failure:
            self._mark(busy=False, error=error or str(failure))

    def _mark(self, **changes: Any) -> None:
        """Change what is shown without reading anything."""
        setattr(self, self.state_name, {**getattr(self, self.state_name), **changes})

    def _repr_mimebundle_(self, **options: Any) -> Any:
        made = super()._repr_mimebundle_(**options)
        if made is None:
            return self.twins()
        data, metadata = made if isinstance(made, tuple) else (made, {})
        return {**data, **self.twins()}, metadata
