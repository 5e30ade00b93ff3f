"""The Jupyter server extension: the sidebar's questions, answered by the SDK. Only ``SaharaLabApp`` is for others."""

from sahara_lab.server.app import SaharaLabApp

__all__ = ["SaharaLabApp"]
