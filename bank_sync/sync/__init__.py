"""What bank_sync exists for: pulling rounds, projecting them to the ledger, deciding when is what due.

Plain library functions over `Services`; Dagster and the command line call them. Nothing here imports either.
"""
