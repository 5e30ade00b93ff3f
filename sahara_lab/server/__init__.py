"""The Jupyter server extension: the sidebar's questions, answered by the SDK."""

from sahara_lab.server.app import SaharaLabExtension

__all__ = ["SaharaLabExtension"]
