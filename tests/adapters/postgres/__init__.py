"""Tests of the journal in PostgreSQL, on a real server."""
