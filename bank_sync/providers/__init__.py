"""Clients of the banks' aggregators: one folder per provider behind one protocol (`providers.base`).

A new provider costs one folder here and one line in `services`; nothing else changes.
"""
