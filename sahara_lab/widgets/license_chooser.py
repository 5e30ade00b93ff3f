"""The license chooser: four plain questions, and the terms that the answers mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import traitlets

from sahara_lab.errors import InputError
from sahara_lab.licensing.chooser import QUESTIONS, open_questions
from sahara_lab.licensing.terms import License
from sahara_lab.widgets.front import ActionWidget, module, source


class LicenseChooser(ActionWidget):
    """Choose terms by answering questions; ``license`` is what to publish with.

    Args:
        answers: what to begin with, as :meth:`License.choose` takes it: ``use="build", price="25"``.

    Raises:
        InputError: answers that are none, or that contradict each other.
    """

    _esm = module("license_chooser.js")
    _css = source("widgets.css")
    state_name = "chooser"
    chooser = traitlets.Dict().tag(sync=True)

    def __init__(self, **answers: str) -> None:
        if unknown := answers.keys() - {question.key for question in QUESTIONS}:
            raise InputError(f"there is no question {min(unknown)!r}", hint=f"Use one of: {_KEYS}")
        self.answers = {question.key: question.default for question in QUESTIONS} | answers
        self.license = _license(self.answers)
        super().__init__()

    def actions(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        return {"answer": self._answer}

    def _answer(self, content: dict[str, Any]) -> None:
        """Take the answers that name a question; those that contradict each other leave the license as it was."""
        given = {key: str(value).strip()[:40] for key, value in content.items() if key in self.answers}
        answers = self.answers | given
        self.license = _license(answers)
        self.answers = answers

    def read(self) -> dict[str, Any]:
        asked = open_questions(self.answers["use"])
        return {
            "questions": [{**asdict(question), "open": question in asked} for question in QUESTIONS],
            "answers": dict(self.answers),
            "flavor": self.license.flavor,
            "summary": self.license.summary,
            "text": self.license.text,
            "allows": ", ".join(self.license.allowed),
        }

    def twins(self) -> dict[str, str]:
        from sahara_lab.display import bundle, card, text_card

        rows = [("License", self.license.summary), ("In words", self.license.text)]
        return bundle(text_card("License", rows), card("License", rows, badge=self.license.flavor))


_KEYS = ", ".join(question.key for question in QUESTIONS)


def _license(answers: dict[str, str]) -> License:
    """The terms that the answers to the open questions mean; the others are kept for when they are asked again."""
    asked: dict[str, Any] = {question.key: answers[question.key] for question in open_questions(answers["use"])}
    return License.choose(**(asked or {"use": answers["use"]}))
