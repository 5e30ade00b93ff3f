"""What computing a segment again has shown."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from sahara_lab.display import bundle, card
from sahara_lab.errors import InputError

SAME, WITHIN, DIFFERENT, UNDECIDED = "same", "within", "different", "undecided"


@dataclass(frozen=True)
class Tolerance:
    """How far a number may be off where the last bits need not agree: ``absolute + relative * scale``.

    ``scale`` is the largest magnitude in the number's own tensor.
    """

    absolute: float = 1e-5
    relative: float = 1e-3

    def __post_init__(self) -> None:
        if not all(math.isfinite(bound) and 0 <= bound <= 1 for bound in (self.absolute, self.relative)):
            raise InputError("a tolerance is a number from 0 to 1", hint="For example 1e-5 and 1e-3")

    def __str__(self) -> str:
        return f"{self.absolute:g} + {self.relative:g} of the tensor's largest"

    def as_json(self) -> dict[str, str]:
        """As a package and a manifest state it; canonical JSON has no fractions."""
        return {"absolute": repr(self.absolute), "relative": repr(self.relative)}

    @classmethod
    def of(cls, found: Any) -> Tolerance:
        """From :meth:`as_json`.

        Raises:
            InputError: it is malformed.
        """
        try:
            return cls(float(found["absolute"]), float(found["relative"]))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError("the tolerance is malformed", hint='Give {"absolute": …, "relative": …}') from error


@dataclass(frozen=True)
class Difference:
    """The largest difference of two checkpoints. ``relative`` is to the largest magnitude in its tensor.

    Attributes:
        where: the entry that differs most, or whose shape or kind does.
        same: they agree to the last bit.
        within: no number is further off than the tolerance allows.
    """

    absolute: float = 0.0
    relative: float = 0.0
    where: str = ""
    same: bool = True
    within: bool = True

    def __str__(self) -> str:
        if math.isinf(self.absolute):
            return f"{self.where} is another"
        return f"{self.where} is off by {self.absolute:.3g} ({self.relative:.3g} relative)"


@dataclass(frozen=True)
class Verdict:
    """A segment of a job was computed again; this is how it compares.

    Attributes:
        outcome: ``same`` (to the last bit), ``within`` the tolerance, ``different``, or ``undecided``.
        exact: whether the last bits had to agree; ``why`` says why not, or why nothing could be decided.
        seed: what the segment was chosen with; empty when somebody named it.
        request: hash of the validation request on chain that this answers, in hex; empty when there is none.
    """

    job: str
    segment: int
    of: int
    begin: int
    end: int
    outcome: str
    difference: Difference
    tolerance: Tolerance = field(default_factory=Tolerance)
    exact: bool = True
    why: str = ""
    seed: str = ""
    request: str = ""

    @property
    def ok(self) -> bool:
        """Whether the segment is what it was claimed to be; ``undecided`` is not."""
        return self.outcome in (SAME, WITHIN)

    @property
    def attestation(self) -> str:
        """``recomputed`` when a check was passed, else ``none``. It speaks of one segment, not of all."""
        return "recomputed" if self.ok else "none"

    def __str__(self) -> str:
        head = f"job {self.job}: segment {self.segment} of {self.of} (step {self.begin} to {self.end})"
        match self.outcome:
            case "same":
                return f"{head} recomputed: the same to the last bit"
            case "within":
                return f"{head} recomputed ({self.why}): {self.difference}, within {self.tolerance}"
            case "different":
                bound = "has to be the same to the last bit" if self.exact else f"may be off by {self.tolerance}"
                return f"{head} is WRONG: {self.difference}, and {bound}"
        return f"{head} is undecided: {self.why}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        rows: list[tuple[str, object]] = [
            ("Segment", f"{self.segment} of {self.of}, step {self.begin} to {self.end}"),
            ("Found", str(self).partition(": ")[2]),
            ("Attestation", self.attestation),
        ]
        return bundle(str(self), card(f"Job {self.job}", rows, badge=self.outcome))

    def as_json(self) -> dict[str, Any]:
        """As plain values; fractions as text."""
        found = asdict(self)
        found["difference"] |= {name: repr(getattr(self.difference, name)) for name in ("absolute", "relative")}
        return {**found, "tolerance": self.tolerance.as_json(), "attestation": self.attestation, "text": str(self)}
