"""Code that runs without coverage's tracer."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["is_traced", "untraced"]


def is_traced() -> bool:
    """Tell whether coverage's tracer looks at this thread; a debugger is none."""
    return type(sys.gettrace()).__module__.startswith("coverage")


@contextmanager
def untraced() -> Iterator[None]:
    """Take coverage's tracer from this thread and from the ones that begin meanwhile."""
    if not is_traced():
        yield
        return
    tracer, of_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)
        threading.settrace(of_threads)
