"""The first trade of the demonstration, as a person sees it."""

import subprocess
import sys

__all__ = ["demo_excerpt", "tidegate"]

_BARS = 100
_SECONDS_MAX = 120
_RUN = "from tidegate.application.main import main; main()"


def tidegate(*arguments: str) -> str:
    """Run the command line as a user does, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=_SECONDS_MAX,
        check=True,
    )
    return done.stdout


def demo_excerpt() -> str:
    """Return the demonstration's first trade, from its ticket to its end."""
    lines = [line.rstrip() for line in tidegate("demo", "--bars", str(_BARS)).splitlines()]
    begin = next(number for number, line in enumerate(lines) if "Ticket 1" in line)
    end = next(number for number, line in enumerate(lines) if "closed by" in line)
    return "\n".join(["```text", *lines[begin : end + 1], "```"])
