"""The shapes of the journal, each used once: what they need is then made before any fork."""

from tidegate.application.codec import decode, decode_books, encode, encode_books

from tests.domain.core.scenes import opened

from .event_samples import samples

__all__ = ["use_every_shape"]


def use_every_shape() -> None:
    """Write and read an event of every kind, and the books of a desk that holds a trade."""
    for event in samples().values():
        assert decode(encode(event, time_ms=0)) == event
    books = opened().runner.state.books
    assert decode_books(encode_books(books)) == books
