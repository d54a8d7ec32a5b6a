"""Tests of the instrument catalogue."""
