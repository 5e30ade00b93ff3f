"""Who is who: handles, addresses and encryption keys."""

from sahara_lab.identity.directory import Directory

__all__ = ["Directory"]
