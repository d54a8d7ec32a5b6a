"""The real command line on a machine whose clock is ahead: ``python ahead.py MS run ...``.

A served venue can be moved forward in time, and a desk refuses a venue whose clock is not its own.
"""

import sys
import time

__all__ = ["run_ahead"]


def run_ahead(ahead_ms: int) -> None:
    """Set the clock ahead before anything of tidegate is imported, and run the command line."""
    read_ns = time.time_ns
    time.time_ns = lambda: read_ns() + ahead_ms * 1_000_000
    from tidegate.application.main import main

    main()


if __name__ == "__main__":
    ahead = int(sys.argv.pop(1))
    run_ahead(ahead)
