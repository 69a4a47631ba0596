"""Plaid: cursor reads, every call a POST with JSON."""
