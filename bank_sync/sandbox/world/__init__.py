"""The made-up people, their banks and their money: the truth the three protocols speak about.

Here: who exists, what they own, what happens to them on each day, and what a bank would show at a given
instant. Not here: any provider's field names, signs, identifiers or paging.
"""
