"""Who is who: handles, addresses and encryption keys; agents and their reputation."""

from sahara_lab.identity.agents import Identity, services_of
from sahara_lab.identity.directory import Directory
from sahara_lab.identity.values import Agent, Feedback, Reputation, Validation, WalletProof

__all__ = ["Agent", "Directory", "Feedback", "Identity", "Reputation", "Validation", "WalletProof", "services_of"]
