"""The license chooser and what a license means in plain words."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from itertools import product

import pytest

from sahara_lab.errors import InputError
from sahara_lab.licensing.chooser import QUESTIONS, questions
from sahara_lab.licensing.terms import NOT_ENFORCED, USES, License


def test_there_are_four_questions_and_their_keys_are_the_arguments() -> None:
    assert [question.key for question in QUESTIONS] == ["use", "price", "back", "lasts"]
    assert License.choose(**{question.key: question.default for question in QUESTIONS}).price == 0


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (("study",), License.non_commercial_research()),
        (("work", "25", "nothing", "1 year"), License.commercial("25", duration="1 year")),
        (("build", "25", "10%"), License.commercial_remix("25", "10%")),
        (("build", "3", "nothing"), License.commercial_remix("3", 0)),
        (("build", "free", "alike"), License.commercial_remix("0", 0, alike=True)),
        (("anything",), License.open_use()),
        (("anything", "free", "alike"), License.open_use(alike=True)),
        (("compute", "2"), License.compute_only("2")),
    ],
)
def test_answers_lead_to_the_license_that_they_describe(answers: tuple[str, ...], expected: License) -> None:
    assert License.choose(*answers) == expected


@pytest.mark.parametrize(
    "answers",
    [("steal",), ("work", "5", "10%"), ("study", "free", "alike"), ("anything", "5"), ("build", "5", "half"), ("",)],
)
def test_answers_that_contradict_each_other_say_what_to_answer(answers: tuple[str, ...]) -> None:
    with pytest.raises(InputError) as refused:
        License.choose(*answers)
    assert refused.value.hint


def test_every_flavor_can_be_reached_through_the_questions() -> None:
    free = {"price": ["25"], "back": ["10%"], "lasts": ["1 year"]}
    ways = [[choice.key for choice in question.choices] + free.get(question.key, []) for question in QUESTIONS]
    made = []
    for answers in product(*ways):
        with suppress(InputError):
            made.append(License.choose(*answers))
    assert {license.flavor for license in made} == {
        "Open Use", "Non-Commercial Research", "Commercial", "Commercial Remix", "Compute-Only",
    }  # fmt: skip


def test_the_questions_are_a_table() -> None:
    shown = questions()._repr_mimebundle_()
    assert "What may people do with it?" in shown["text/plain"]
    assert "an amount in tokens" in shown["text/html"]


def test_a_license_in_plain_words_says_may_may_not_and_must() -> None:
    words = License.choose("build", "25", "10%").in_words
    assert "publish and sell what you make of it" in words.may
    assert "pass the files on" in words.may_not
    assert "leave 10% of what comes in for what you make of it" in words.must
    assert "You must" in str(words)


def test_what_no_program_prevents_is_said_to_rest_on_ones_word() -> None:
    deeds = {deed.text: deed for deed in License.non_commercial_research().in_words.deeds}
    assert deeds["use it in a business"].watched == ""
    assert deeds["publish and sell what you make of it"].watched == "the registry refuses it"
    assert "commercial" in NOT_ENFORCED


@pytest.mark.parametrize("license", [License.open_use(), License.open_use(alike=True), License.compute_only("1")])
def test_the_legal_text_has_the_hash_that_the_chain_keeps(license: License) -> None:
    assert license.text
    assert license.in_words.text_hash == hashlib.sha256(license.text.encode()).hexdigest()
    assert license.to_struct("0x" + "1" * 40)[-1].hex() == license.in_words.text_hash


def test_shared_alike_terms_have_a_text_of_their_own() -> None:
    assert License.open_use(alike=True).text_hash != License.open_use().text_hash
    assert "shared alike" in License.open_use(alike=True).summary


@pytest.mark.parametrize("license", [License.open_use(alike=True), License.commercial_remix("1", 0, alike=True)])
def test_shared_alike_terms_come_back_from_the_chain_with_their_flavor(license: License) -> None:
    from tests.licensing.test_terms import FIELDS

    struct = dict(zip(FIELDS, license.to_struct("0x" + "1" * 40), strict=True))
    assert License.from_struct(struct).flavor == license.flavor


def test_unknown_terms_keep_the_hash_of_their_text() -> None:
    from tests.licensing.test_terms import FIELDS

    struct = dict(zip(FIELDS, License.commercial("5").to_struct("0x" + "1" * 40), strict=True))
    struct["textHash"] = b"\7" * 32
    read = License.from_struct(struct)
    assert read.flavor == "Custom"
    assert read.to_struct("0x" + "1" * 40)[-1] == b"\7" * 32


def test_every_use_is_spoken_of() -> None:
    said = {deed.text for deed in License.open_use().in_words.deeds}
    assert len(said) >= len(USES)
