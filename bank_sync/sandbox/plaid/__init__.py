"""The Plaid protocol: every call a POST of JSON, money out is positive, changes from an append-only log."""

from bank_sync.sandbox.plaid.routes import routes

__all__ = ["routes"]
