"""Governance: proposals, votes, and the parameters that the DAO owns."""

from sahara_lab.governance.dao import Action, Dao, Guardian, Parameter, Proposal

__all__ = ["Action", "Dao", "Guardian", "Parameter", "Proposal"]
