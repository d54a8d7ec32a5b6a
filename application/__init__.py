"""Wiring and running: the one writer, the lanes, the desk, sessions and the entry points."""
