"""The Teller protocol: REST with bare arrays, text amounts whose sign depends on the account."""

from bank_sync.sandbox.teller.routes import routes

__all__ = ["routes"]
