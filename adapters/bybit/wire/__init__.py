"""Bybit V5 wire mapping: rows to domain values and requests to bodies, in one place."""
