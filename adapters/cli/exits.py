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
    FINDINGS = 12
    UNVERIFIED = 13
    VIOLATION = 14
    CHECK_SETTINGS = 20
    CHECK_STATE = 21
    CHECK_KEYS_PRESENT = 22
    CHECK_CONNECTION = 23
    CHECK_CLOCK = 24
    CHECK_INSTRUMENT = 25
    CHECK_KEYS_VALID = 26
    CHECK_PERMISSIONS = 27
    CHECK_WITHDRAWAL = 28
    CHECK_KEY_LIFE = 29
    CHECK_ACCOUNT = 30
    CHECK_MARGIN_MODE = 31
    CHECK_POSITION_MODE = 32
    CHECK_FEES = 33
    CHECK_BALANCE = 34
    CHECK_LIMIT_PRICE = 35
    CHECK_RATE_LIMITS = 36
    CHECK_DISCONNECT = 37
    CHECK_PRIVATE_STREAM = 38
    CHECK_PUBLIC_STREAM = 39
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
    Exit.FINDINGS: "books and venue differ, or could not be compared; the findings say how",
    Exit.UNVERIFIED: "a journal's snapshot is not what it folds to, or an archive is missing",
    Exit.VIOLATION: "a simulated seed broke a rule; the report says how to replay it",
    Exit.CHECK_SETTINGS: "doctor: the settings contradict each other or the venue",
    Exit.CHECK_STATE: "doctor: the state store cannot be written or read",
    Exit.CHECK_KEYS_PRESENT: "doctor: there is no API key, or no secret to it",
    Exit.CHECK_CONNECTION: "doctor: the venue does not answer",
    Exit.CHECK_CLOCK: "doctor: this machine's clock is too far from the venue's",
    Exit.CHECK_INSTRUMENT: "doctor: the symbol is unknown, unreadable or not trading",
    Exit.CHECK_KEYS_VALID: "doctor: the venue does not accept the API key",
    Exit.CHECK_PERMISSIONS: "doctor: the API key may not trade contracts",
    Exit.CHECK_WITHDRAWAL: "doctor: the API key may withdraw, and the mode is live",
    Exit.CHECK_KEY_LIFE: "doctor: the API key has expired",
    Exit.CHECK_ACCOUNT: "doctor: the account is no unified account, or cannot be read",
    Exit.CHECK_MARGIN_MODE: "doctor: the account's margin mode is not supported",
    Exit.CHECK_POSITION_MODE: "doctor: the account is in hedge mode",
    Exit.CHECK_FEES: "doctor: the fee rates cannot be read",
    Exit.CHECK_BALANCE: "doctor: the wallet is below the least balance",
    Exit.CHECK_LIMIT_PRICE: "doctor: the venue moves a limit price instead of refusing it",
    Exit.CHECK_RATE_LIMITS: "doctor: the rate limits cannot be kept",
    Exit.CHECK_DISCONNECT: "doctor: cancel on disconnect cannot be read or set",
    Exit.CHECK_PRIVATE_STREAM: "doctor: the private stream does not come up",
    Exit.CHECK_PUBLIC_STREAM: "doctor: the public stream does not come up, or is stale",
    Exit.INTERRUPTED: "stopped by Ctrl-C (SIGINT), after a summary; it can be resumed",
    Exit.TERMINATED: "stopped by SIGTERM, after a summary; it can be resumed",
}


def exit_table(*codes: Exit) -> str:
    """Write the meaning of some codes, for a command's help."""
    rows = [f"{code.value:>3}  {code.meaning}" for code in sorted(codes)]
    return "\n".join(rows)
