"""The version of this package, read by the build and by the extension's handshake."""

__version__ = "0.1.0"
