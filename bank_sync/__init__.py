"""Keeps a PostgreSQL warehouse in step with people's bank connections. Start at docs/architecture.md."""
