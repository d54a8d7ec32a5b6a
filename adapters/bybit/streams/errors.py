"""What can go wrong with a stream, as one small tree. None of it ever reaches the core as such.

A supervisor answers each of these with a new connection; the caller of a request sees it.
"""

__all__ = [
    "AnswerOverdue",
    "AuthRefused",
    "ConnectFailed",
    "ConnectionLost",
    "StreamTrouble",
    "SubscriptionRefused",
]


class StreamTrouble(Exception):
    """A stream did not do what was asked; the text says what, of which stream."""


class ConnectFailed(StreamTrouble):
    """No connection came about: refused, no handshake, or not within the deadline."""


class AuthRefused(StreamTrouble):
    """The venue refused the key, the signature or its expiry (reference: auth of a WebSocket)."""


class SubscriptionRefused(StreamTrouble):
    """The venue refused a subscription; the whole request counts as failed."""


class AnswerOverdue(StreamTrouble):
    """An answer did not come within its deadline."""


class ConnectionLost(StreamTrouble):
    """The connection ended while something still waited for it."""
