"""The `bank-sync` command: one module per group of commands, the processes that `dev` starts, the demo.

Belongs here: reading arguments and printing. Does not belong here: what the commands do. Heavy libraries are
imported inside commands, so that `--help` and `status` answer at once.
"""
