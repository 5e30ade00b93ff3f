"""A chain of these tests' own, which they may reorganize."""

from tests.chain.conftest import world

__all__ = ["world"]
