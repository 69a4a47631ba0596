"""Teller: complete lists per account, newest first, no cursors."""
