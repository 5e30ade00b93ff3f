"""The error tree: every failure a user can meet says what went wrong and what to do next.

Each class has a stable ``code`` for programs and a ``hint`` for people. Faces print
``str(error)``; notebooks show it as one line because of ``_render_traceback_``.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager


class SaharaError(Exception):
    """Base of all errors raised on purpose by Sahara Lab.

    Args:
        message: what went wrong, one sentence without a trailing period.
        hint: what the user can do about it, usually a command to run.
    """

    code: str = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.hint))

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


def _rebuild(kind: type[SaharaError], message: str, hint: str) -> SaharaError:
    return kind(message, hint=hint)


class InputError(SaharaError):
    """A value given by the user cannot be used."""

    code = "input"


class NotFound(SaharaError):
    """A named asset, version, job, proposal or account does not exist."""

    code = "not-found"


class NameTaken(SaharaError):
    """The name or handle belongs to someone already."""

    code = "name-taken"


class NetworkError(SaharaError):
    """The network (chain node or key servers) cannot be reached or is not healthy."""

    code = "network"


class ChainError(SaharaError):
    """The chain refused a call or a transaction; the message carries the contract's reason in words."""

    code = "chain"


class WalletError(SaharaError):
    """A keystore cannot be opened or an account cannot sign."""

    code = "wallet"


class LimitError(WalletError):
    """The session's own limit of spending does not allow the amount."""

    code = "limit"


class FundsError(ChainError):
    """The account cannot pay for what was asked."""

    code = "funds"


class PriceError(SaharaError):
    """The price is above the cap the user gave, or changed since the quote."""

    code = "price"


class AccessDenied(SaharaError):
    """No valid license or grant covers the intended use."""

    code = "access-denied"


class LicenseExpired(AccessDenied):
    """The license that covered the use has expired."""

    code = "license-expired"


class LicenseConflict(SaharaError):
    """Assets, or the terms of what is made of them, do not go together."""

    code = "license-conflict"


class KeyServersUnavailable(SaharaError):
    """Fewer key servers answered than the threshold needs."""

    code = "key-servers"


class IntegrityError(SaharaError):
    """Stored bytes are not what the owner published: truncated, altered or rolled back."""

    code = "integrity"


class StorageError(SaharaError, OSError):
    """Something could not be stored: the disk is full, read-only, failing, or not ours to write to."""

    code = "storage"


class JobError(SaharaError):
    """A training job could not start, failed, or is in the wrong state for what was asked."""

    code = "job"


class GovernanceError(ChainError):
    """A proposal is not in the state that the action needs, or the account may not vote."""

    code = "governance"


_REMEDIES = {
    errno.ENOSPC: "Free some space, then do it again",
    errno.EDQUOT: "Free some space, then do it again",
    errno.EROFS: "Choose another folder: this one is read-only",
    errno.EACCES: "Check whose folder it is",
    errno.EPERM: "Check whose folder it is",
    errno.EIO: "The disk may be failing: save what matters elsewhere",
}


@contextmanager
def storing(what: str) -> Iterator[None]:
    """Say in one line why something could not be stored.

    Args:
        what: what fails, as the beginning of the sentence.

    Raises:
        StorageError: the disk is full, read-only, failing, or not ours to write to.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, SaharaError) or error.errno not in _REMEDIES:
            raise
        where = f" ({os.fspath(error.filename)})" if isinstance(error.filename, str | os.PathLike) else ""
        reason = os.strerror(error.errno).lower()
        raise StorageError(f"{what}: {reason}{where}", hint=_REMEDIES[error.errno]) from error
