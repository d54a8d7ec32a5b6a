"""Recorded market data that the package brings along; README.md says whose it is."""
