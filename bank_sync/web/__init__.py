"""The web side: webhooks, the JSON API of the embedding application, and the pages people open.

Belongs here: HTTP. Does not belong here: what a link or a sync is (`sync`), anything of Dagster: what has to
run is written into the database, where a sensor finds it.
"""
