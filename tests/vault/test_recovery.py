"""Guardians: k of them give an owner's key back, fewer learn nothing, and who lies is named."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sahara_lab.errors import AccessDenied, InputError, IntegrityError
from sahara_lab.signing import LocalSigner
from sahara_lab.vault import Asking, Guardianship, appoint, fingerprint, help_recover, new_seed, public_bytes, recover

CHAIN, REGISTRY = 31337, "0x" + "ab" * 20


class Person:
    def __init__(self) -> None:
        self.signer = LocalSigner.generate()
        self.seed = new_seed()

    @property
    def address(self) -> str:
        return self.signer.address


@pytest.fixture(scope="module")
def people() -> tuple[Person, list[Person]]:
    return Person(), [Person() for _ in range(4)]


@pytest.fixture(scope="module")
def guardianship(people: tuple[Person, list[Person]]) -> Guardianship:
    owner, guardians = people
    known = [(one.address, public_bytes(one.seed)) for one in guardians]
    made = appoint(owner.signer, owner.seed, known, 3, chain_id=CHAIN, registry=REGISTRY)
    return Guardianship.decode(made.encode())


def answers(guardianship: Guardianship, asking: Asking, guardians: list[Person]) -> list[bytes]:
    return [help_recover(guardianship, asking.request(), one.address, one.seed) for one in guardians]


def test_any_three_of_four_give_the_key_back(people: Any, guardianship: Guardianship) -> None:
    owner, guardians = people
    for chosen in combinations(guardians, 3):
        asking = Asking(guardianship.digest)
        assert recover(guardianship, asking, answers(guardianship, asking, list(chosen))).seed == owner.seed


def test_two_are_too_few_also_when_one_answers_twice(people: Any, guardianship: Guardianship) -> None:
    _, guardians = people
    asking = Asking(guardianship.digest)
    two = answers(guardianship, asking, guardians[:2])
    for given_answers in (two, [*two, two[0]], [*two, two[1], two[0]]):
        with pytest.raises(AccessDenied, match="2 right answers, 3 are needed"):
            recover(guardianship, asking, given_answers)


def test_a_guardian_who_lies_is_named_and_the_others_suffice(people: Any, guardianship: Guardianship) -> None:
    from sahara_lab.vault.recovery import _answer_info
    from sahara_lab.vault.sealing import seal_to

    owner, guardians = people
    asking = Asking(guardianship.digest)
    honest = answers(guardianship, asking, guardians[1:])
    public = public_bytes(asking.seed)
    sealed = seal_to(public, _answer_info(asking.document, 1, public), bytes(32))
    lie = orjson.dumps({"v": 1, "index": 1, "sealed": sealed.hex()})
    found = recover(guardianship, asking, [lie, b"nonsense", *honest])
    assert (found.seed, found.liars) == (owner.seed, (guardians[0].address, "somebody"))
    with pytest.raises(AccessDenied, match=guardians[0].address):
        recover(guardianship, asking, [lie, *honest[:2]])


def test_an_answer_opens_for_its_request_only(people: Any, guardianship: Guardianship) -> None:
    _, guardians = people
    asking, other = Asking(guardianship.digest), Asking(guardianship.digest)
    with pytest.raises(AccessDenied, match="0 right answers"):
        recover(guardianship, other, answers(guardianship, asking, guardians))
    assert fingerprint(asking.request()) != fingerprint(other.request())


def test_who_is_no_guardian_cannot_help(people: Any, guardianship: Guardianship) -> None:
    owner, guardians = people
    asking = Asking(guardianship.digest)
    with pytest.raises(AccessDenied, match="no guardian"):
        help_recover(guardianship, asking.request(), owner.address, owner.seed)
    with pytest.raises(IntegrityError, match="another document"):
        help_recover(guardianship, Asking(bytes(32)).request(), guardians[0].address, guardians[0].seed)
    with pytest.raises(IntegrityError):  # another guardian's share, with the own key
        help_recover(guardianship, asking.request(), guardians[1].address, guardians[0].seed)


def test_a_document_that_was_changed_is_not_believed(people: Any, guardianship: Guardianship) -> None:
    raw = orjson.loads(guardianship.encode())
    mallory = Person()
    for change in (
        {"threshold": 1},
        {"shares": raw["shares"][:3]},
        {"shares": [*raw["shares"][1:], raw["shares"][0]]},
        {"account": mallory.address},
        {"public_key": public_bytes(mallory.seed).hex()},
        {"chain_id": 1},
        {"signature": "00"},
        {"v": 2},
    ):
        with pytest.raises(IntegrityError):
            Guardianship.decode(orjson.dumps({**raw, **change}))


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reading_of_a_document(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        Guardianship.decode(data)


def test_a_document_shows_nothing_of_the_key(people: Any, guardianship: Guardianship) -> None:
    owner, _ = people
    asking = Asking(guardianship.digest)
    text = guardianship.encode() + asking.request() + repr(guardianship).encode() + repr(asking).encode()
    assert owner.seed not in text
    assert owner.seed.hex().encode() not in text
    assert asking.seed.hex().encode() not in text


def test_guardians_are_different_people(people: Any) -> None:
    owner, guardians = people
    known = [(one.address, public_bytes(one.seed)) for one in guardians]
    for wrong, threshold in ((known[:1] * 2, 2), (known, 5), (known, 1), ([(owner.address, known[0][1]), *known], 2)):
        with pytest.raises(InputError):
            appoint(owner.signer, owner.seed, wrong, threshold, chain_id=CHAIN, registry=REGISTRY)
