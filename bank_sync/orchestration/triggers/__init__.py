"""What starts by itself, one module per kind of reason.

`starts`: syncs of single connections. `webhooks`: what providers said. `upkeep` and `freshness`: work on all
connections, by the clock. `failures`: runs that failed. What each does is in the library; here is only when,
and as which job.
"""
