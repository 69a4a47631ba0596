"""Measures categories and merchants on rows whose answers are known.

Belongs here: the sets of rows, the figures, the baselines to beat, the report. Does not belong here: making
the model (`training`) or using it.
"""
