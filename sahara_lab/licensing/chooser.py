"""Which license: four plain questions. Questions and answers are data, so that any face can ask them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sahara_lab.display import Rows, mono
from sahara_lab.errors import InputError
from sahara_lab.licensing.terms import License


@dataclass(frozen=True)
class Choice:
    """One answer that can be given: what is said in code, and what it means."""

    key: str
    text: str


@dataclass(frozen=True)
class Question:
    """A question and how it can be answered.

    Attributes:
        key: the argument of :meth:`License.choose` that takes the answer.
        choices: what can be answered.
        free: what else can be typed: an amount in tokens, a share, a duration; empty where nothing else can.
        default: the answer when none is given.
        uses: the answers to the question ``use`` that leave it open; the others settle it.
    """

    key: str
    text: str
    choices: tuple[Choice, ...]
    free: str
    default: str
    uses: tuple[str, ...] = ("study", "work", "build", "anything", "compute")


_SOLD = ("study", "work", "build", "compute")

QUESTIONS = (
    Question(
        "use",
        "What may people do with it?",
        (
            Choice("study", "read it and train on it, for research only"),
            Choice("work", "also use it in their business, but publish nothing made of it"),
            Choice("build", "also publish and sell what they make of it"),
            Choice("anything", "all of that, and pass it on"),
            Choice("compute", "let code train on it where it lies, and never see it"),
        ),
        "",
        "study",
    ),
    Question(
        "price",
        "What does it cost?",
        (Choice("free", "nothing"),),
        "an amount in tokens, like 25",
        "free",
        _SOLD,
    ),
    Question(
        "back",
        "What do you want from those who make something of it?",
        (
            Choice("nothing", "nothing, beyond that they name you"),
            Choice("alike", "that they share what they make in the same way"),
        ),
        "a share of what it earns, like 10%",
        "nothing",
        ("build", "anything"),
    ),
    Question(
        "lasts",
        "How long does a license last?",
        (Choice("for ever", "it never ends"),),
        'a time, like "1 year"',
        "for ever",
        _SOLD,
    ),
)

_FLAVORS = {
    "study": "Non-Commercial Research",
    "work": "Commercial",
    "build": "Commercial Remix",
    "anything": "Open Use",
    "compute": "Compute-Only",
}


def choose(
    use: str, price: str | int, back: str, lasts: str | int, *, seats: int, refund_window: str | int | None
) -> License:
    """The license that fits the answers; see :meth:`License.choose`."""
    if use not in _FLAVORS:
        raise InputError(f"{use!r} is no answer", hint=f"{QUESTIONS[0].text} One of: {', '.join(_FLAVORS)}")
    cost = 0 if price == "free" else price
    duration = None if lasts == "for ever" else lasts
    options: dict[str, Any] = {"duration": duration, "seats": seats, "refund_window": refund_window}
    if back != "nothing" and use not in ("build", "anything"):
        raise InputError("nothing can be asked of what is made of it where nothing may be published", hint=_ALLOW)
    if use == "anything":
        if str(cost).strip() not in ("0", "") or back not in ("nothing", "alike") or any(options.values()):
            raise InputError("what may be passed on freely is free, for ever and for everybody", hint=_BUILD)
        return License.open_use(alike=back == "alike")
    if use == "build":
        alike = back == "alike"
        return License.commercial_remix(cost, 0 if alike or back == "nothing" else back, alike=alike, **options)
    makers = {"study": License.non_commercial_research, "work": License.commercial, "compute": License.compute_only}
    return makers[use](cost, **options)


def open_questions(use: str) -> tuple[Question, ...]:
    """The questions that the answer ``use`` leaves open, itself included."""
    return tuple(question for question in QUESTIONS if use in question.uses)


_ALLOW = 'Answer use="build", or back="nothing"'
_BUILD = 'Answer use="build" to ask for something'


class Questions(Rows):
    """The questions as a table; the answers go into :meth:`License.choose` or ``%sahara choose``."""

    headers = ("Question", "Answer", "What it means")
    title = "Which license?"

    def cells(self, value: tuple[str, str, str]) -> tuple[object, ...]:
        question, answer, meaning = value
        return (question, mono(answer), meaning)


def questions() -> Questions:
    """All questions with their answers, one row an answer."""
    rows = []
    for question in QUESTIONS:
        answers = [(choice.key, choice.text) for choice in question.choices]
        answers += [("…", question.free)] if question.free else []
        rows += [
            (f"{question.text} ({question.key})" if index == 0 else "", key, text)
            for index, (key, text) in enumerate(answers)
        ]
    return Questions(rows)
