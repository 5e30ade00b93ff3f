"""Governance: proposals, votes, and the parameters that the DAO owns."""

from sahara_lab.governance.dao import Dao, Parameter, Proposal

__all__ = ["Dao", "Parameter", "Proposal"]
