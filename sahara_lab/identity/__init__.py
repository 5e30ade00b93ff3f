"""Who is who: handles, addresses and encryption keys."""

from sahara_lab.identity.directory import Directory
from sahara_lab.identity.enrolment import enroll

__all__ = ["Directory", "enroll"]
