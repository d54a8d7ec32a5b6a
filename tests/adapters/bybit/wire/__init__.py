"""Tests of the wire mapping."""
