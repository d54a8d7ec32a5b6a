"""Bybit V5: REST through pybit, streams of our own; the only code that touches pybit."""
