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


def module(name: str) -> str:
    """A widget's front end as one module, what all of them share included."""
    shared = source("front.js").read_text("utf-8").replace("\nexport ", "\n")
    own = source(name).read_text("utf-8").splitlines()
    return "\n".join([shared, *(line for line in own if not line.endswith(' from "./front.js";'))])


class ActionWidget(anywidget.AnyWidget):
    """A widget whose front end sends actions by name.

    A message is a wish, not an order: every action reads what it needs from the kernel's own state and from the
    chain again. It names the turn of the state that was seen, and each turn takes one message: a double click, or a
    press in another view while an action is under way, does nothing. Failures are shown in the widget in one line.
    """

    #: The synced trait that holds everything the front end draws; never a key, a signature or a password.
    state_name: ClassVar[str]

    def __init__(self, **traits: Any) -> None:
        self._turn = 0
        super().__init__(**traits)
        self.on_msg(self._take)
        self.show()

    def actions(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        """Actions by name."""
        raise NotImplementedError

    def read(self) -> dict[str, Any]:
        """What the front end draws, read from the lab."""
        raise NotImplementedError

    def show(self, error: str = "") -> None:
        """Read the state again and show it, with what went wrong before."""
        setattr(self, self.state_name, {**self.read(), "busy": False, "error": error, "turn": self._turn})

    def twins(self) -> dict[str, str]:
        """``text/plain`` and ``text/html`` for places where no widget can run."""
        raise NotImplementedError

    def _take(self, widget: Any, content: Any, buffers: Any) -> None:
        if not isinstance(content, dict):
            return
        action = self.actions().get(str(content.get("action")))
        if action is None or content.get("turn") != self._turn:
            return
        self._turn += 1
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
            self._mark(busy=False, error=error or str(failure), turn=self._turn)

    def _mark(self, **changes: Any) -> None:
        """Change what is shown without reading anything."""
        setattr(self, self.state_name, {**getattr(self, self.state_name), **changes})

    def _repr_mimebundle_(self, **options: Any) -> Any:
        made = super()._repr_mimebundle_(**options)
        if made is None:
            return self.twins()
        data, metadata = made if isinstance(made, tuple) else (made, {})
        return {**data, **self.twins()}, metadata
