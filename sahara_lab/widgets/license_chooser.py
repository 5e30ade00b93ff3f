"""The license chooser: four plain questions, and the terms that the answers mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import traitlets

from sahara_lab.licensing.answers import Answers
from sahara_lab.licensing.terms import License
from sahara_lab.widgets.front import ActionWidget, module, source


class LicenseChooser(ActionWidget):
    """Choose terms by answering questions; ``license`` is what to publish with.

    Args:
        answers: what to begin with.
    """

    _esm = module("license_chooser.js")
    _css = source("widgets.css")
    state_name = "chooser"
    chooser = traitlets.Dict().tag(sync=True)

    def __init__(self, answers: Answers | None = None) -> None:
        self.answers = answers or Answers()
        self.license: License = self.answers.license
        super().__init__()

    def actions(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        return {"answer": self._answer}

    def _answer(self, content: dict[str, Any]) -> None:
        """Take the answers that name a question; those that contradict each other leave the license as it was."""
        given = {name: value for name, value in content.items() if name in asdict(self.answers)}
        flags = {name: value is True for name, value in given.items() if name in ("files", "money")}
        texts = {name: str(value)[:40] for name, value in given.items() if name not in flags}
        changes: dict[str, Any] = {**flags, **texts}
        answers = replace(self.answers, **changes)
        self.license = answers.license
        self.answers = answers

    def read(self) -> dict[str, Any]:
        return {
            **asdict(self.answers),
            "flavor": self.license.flavor,
            "summary": self.license.summary,
            "text": self.license.text,
            "allows": ", ".join(self.license.allowed),
        }

    def twins(self) -> dict[str, str]:
        from sahara_lab.display import bundle, card, text_card

        rows = [("License", self.license.summary), ("In words", self.license.text)]
        return bundle(text_card("License", rows), card("License", rows, badge=self.license.flavor))
