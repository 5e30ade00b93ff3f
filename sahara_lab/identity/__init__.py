"""Who is who: handles, addresses and encryption keys, and teams."""

from sahara_lab.identity.directory import Directory
from sahara_lab.identity.enrolment import enroll
from sahara_lab.identity.teams import Team, TeamRows, Teams

__all__ = ["Directory", "Team", "TeamRows", "Teams", "enroll"]
