"""Whole desks and stock clients against the venue over real sockets, and what crossed them."""
