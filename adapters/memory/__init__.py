"""Venue and state in memory: a scripted exchange, and a journal that does not persist."""
