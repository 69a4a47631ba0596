"""Telling people: what is worth telling (`events`) and, later, through which channel."""
