"""Tests of what the ports themselves do."""
