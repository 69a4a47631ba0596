"""`python -m bank_sync.cli`: the command where its script is not on the PATH. Nothing else belongs here."""

from bank_sync.cli.main import main

main()
