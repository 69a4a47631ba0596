"""The only package that imports dagster: assets, checks, schedules, sensors, jobs and how they are assembled.

Asset bodies are a few lines: they call the library and report what it returns. Business rules do not belong
here. This file imports nothing, so that `bank-sync dbt` starts without loading dagster.
"""
