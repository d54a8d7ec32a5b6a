"""Bybit V5 WebSocket streams: connections, supervision, books and the trade socket."""
