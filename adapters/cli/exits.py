"""How a command ended, for scripts; the help and the documents show this table."""

import enum

__all__ = ["Exit", "exit_table"]


class Exit(enum.IntEnum):
    """Exit codes. Each has its meaning beside it."""

    OK = 0
    BAD_INPUT = 2
    STATE = 3
    SESSION = 4
    VENUE = 5
    REFUSED = 10
    INCOMPLETE = 11
    INTERRUPTED = 130
    TERMINATED = 143

    @property
    def meaning(self) -> str:
        """Say what the code means."""
        return _MEANINGS[self]


_MEANINGS = {
    Exit.OK: "done",
    Exit.BAD_INPUT: "a wrong command, file or setting; the message says how to mend it",
    Exit.STATE: "a state store is missing, busy, damaged or of a newer release",
    Exit.SESSION: "the session could not run",
    Exit.VENUE: "the venue gave no usable answer",
    Exit.REFUSED: "the rules refuse the trade",
    Exit.INCOMPLETE: "panic has halted the desk, and something is still open",
    Exit.INTERRUPTED: "stopped by Ctrl-C (SIGINT), after a summary; it can be resumed",
    Exit.TERMINATED: "stopped by SIGTERM, after a summary; it can be resumed",
}


def exit_table(*codes: Exit) -> str:
    """Write the meaning of some codes, for a command's help."""
    rows = [f"{code.value:>3}  {code.meaning}" for code in sorted(codes)]
    return "\n".join(rows)
