"""Tests of the venue on loopback."""
