"""Keeping secrets secret: sealed tokens. No storage, no network."""
