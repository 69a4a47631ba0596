"""Pretend banks that speak the real wire protocols of Plaid, Teller and GoCardless Bank Account Data.

Here: a made-up world of people and banks (`world`), one package per protocol (`plaid`, `teller`,
`gocardless`), the state that outlives a restart (`state`), the clock that can be moved (`clock`), the door
for tests and demos (`admin`), and the server (`app`, `serve`).

Not here: anything shared with the rest of bank_sync. A pretend bank that used our own wire models would share
our misreadings of the wire, so this package imports nothing from its siblings.
"""
