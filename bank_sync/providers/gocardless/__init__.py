"""GoCardless Bank Account Data: complete lists per account and window, four successful reads a day."""
