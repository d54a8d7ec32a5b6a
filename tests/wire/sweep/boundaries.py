"""The boundaries at which a desk is killed, by name."""

from collections.abc import Iterator

import attrs

__all__ = ["RECOVERY", "SCRIPT", "TWICE", "Kill", "cases"]


@attrs.frozen
class Kill:
    """Die at the ``ordinal``-th passing of a place, in the process or on the wire."""

    place: str
    ordinal: int = 1

    @property
    def is_on_wire(self) -> bool:
        return self.place.split(" ", 1)[0] in ("request", "answer", "push")


def _around(*acts: str) -> tuple[str, ...]:
    return tuple(f"{side} {act}" for act in acts for side in ("before", "after"))


_RECORDS = (
    "session_started",
    "account_opened",
    "journal_tagged",
    "guard_key_taken",
    "history_read",
    "leverage_set",
    "entry_intended",
    "entry_released",
    "order_intended",
    "order_acknowledged",
    "order_updated",
    "filled",
    "replanned",
    "stop_confirmed",
    "protection_intended",
    "protection_confirmed",
    "amend_intended",
    "amend_settled",
    "cancel_requested",
    "cancel_intended",
    "close_started",
    "trade_closed",
    "equity_marked",
    "panic_started",
    "panic_ended",
    "session_stopped",
)
_CALLS = (
    "set_leverage",
    "place entry",
    "place take_profit",
    "place exit",
    "place close",
    "place panic",
    "set_position_stop",
    "amend",
    "cancel",
    "account",
    "position",
    "executions",
    "holdings",
)
_WIRE = tuple(
    f"{side} {name}"
    for name in (
        "set-leverage",
        "create entry",
        "create reducing",
        "trading-stop",
        "amend",
        "cancel",
    )
    for side in ("request", "answer")
)
_PUSHES = ("push order", "push execution", "push position", "push wallet")

SCRIPT = (
    *_around(*(f"append {kind}" for kind in _RECORDS)),
    *_around(*_CALLS, "snapshot"),
    *_WIRE,
    *_PUSHES,
)
"""Around every kind of record that a trading life writes, around every call that it makes of the
venue, and on the wire: a request that never arrives, an answer or a push that is never read. Not
``protection_taken`` and ``find_order``: where the push outruns the answer there is no such record,
and nothing to ask for. A start after a crash asks for what it finds unanswered: it is killed there.
"""

_FIRST = Kill("answer create entry")
"""What a recovery that is killed too recovers from: the venue has an entry that nobody heard of."""

RECOVERY = _around(
    "account",
    "executions",
    "find_order",
    "position",
    "holdings",
    "append session_started",
    "append filled",
    "append order_updated",
    "append order_intended",
    "append replanned",
    "append stop_confirmed",
    "place take_profit",
    "place close",
)
"""Where the start after a crash is killed again."""

TWICE = _around("place panic", "cancel")
"""Where a life is killed, and the start after it again: it repeats what was meant."""


def cases() -> Iterator[tuple[Kill, ...]]:
    """Give every case once: each place of a life, and each of a start after a crash."""
    for place in SCRIPT:
        yield (Kill(place),)
    for place in RECOVERY:
        yield (_FIRST, Kill(place))
    for place in TWICE:
        yield (Kill(place.replace("after", "before")), Kill(place))
