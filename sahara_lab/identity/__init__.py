"""Who is who: handles, addresses and encryption keys; teams; agents and their reputation."""

from sahara_lab.identity.agents import Identity, services_of
from sahara_lab.identity.directory import Directory
from sahara_lab.identity.enrolment import enroll
from sahara_lab.identity.teams import Team, TeamRows, Teams
from sahara_lab.identity.values import Agent, Feedback, Reputation, Validation, WalletProof

__all__ = [
    "Agent", "Directory", "Feedback", "Identity", "Reputation", "Team", "TeamRows", "Teams", "Validation",
    "WalletProof", "enroll", "services_of",
]  # fmt: skip
