"""Which transactions belong together, judged from their facts alone.

Belongs here: likeness of texts, strength of evidence, one-to-one assignment. Pure: no database, no clock.
Does not belong here: where candidates come from (`storage.candidates`), what a decision does
(`storage.links`), the steps of a linking (`sync.belonging`).
"""
