"""Errors are one line that says what to do next, wherever they surface."""

import pickle

import pytest

from sahara_lab import errors
from sahara_lab.errors import AccessDenied, SaharaError

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SaharaError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_survives_the_way_back_from_a_worker(kind: type[SaharaError]) -> None:
    error = pickle.loads(pickle.dumps(kind("it broke", hint="Run: x")))
    assert type(error) is kind
    assert str(error) == "it broke. Run: x"


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in KINDS]
    assert len(set(codes)) == len(codes)


def test_a_notebook_shows_one_line() -> None:
    assert AccessDenied("no license", hint="Run: y")._render_traceback_() == ["AccessDenied: no license. Run: y"]
