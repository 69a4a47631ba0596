"""The words of the business as plain frozen data: standard library only, no input or output.

Belongs here: records, money arithmetic, error types. Does not belong here: anything that talks to a
provider, a database or Dagster.
"""
