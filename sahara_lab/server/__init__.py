"""The Jupyter server extension: the sidebar's questions, answered by the SDK. Only ``SaharaLabExtension`` is for others."""

from sahara_lab.server.app import SaharaLabExtension

__all__ = ["SaharaLabExtension"]
