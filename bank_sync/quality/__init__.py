"""Is the data fit to tell people about? Checks that gate notifications; no Dagster here."""
