"""Work on machines: today one's own; licenses of the inputs are checked before anything starts."""

from sahara_lab.rental.training import Training

__all__ = ["Training"]
