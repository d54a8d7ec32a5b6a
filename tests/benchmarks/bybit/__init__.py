"""The Bybit adapter against the official client, on the same bytes from one venue."""
