"""Asking a strategy: what it needs and wishes, or which fault of its own ends the session."""

import reprlib
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import PurePath

from tidegate.domain.reports import Bar
from tidegate.domain.signal import Signal
from tidegate.ports.session import ExitAtOnce, SessionError
from tidegate.ports.strategy import Exit, StrategyPort, StrategyView

__all__ = ["StrategyFailed", "decide", "window_of"]


class StrategyFailed(SessionError):
    """It raised, or told what nobody can use; the message names the strategy, and a bar if any."""


def window_of(strategy: StrategyPort) -> int:
    """Return how many bars the strategy needs: one at least.

    Raises:
        StrategyFailed: it raised, or told something else than such a number.
        ExitAtOnce: the process is told to end meanwhile.

    """
    try:
        window: object = strategy.window
    except ExitAtOnce:
        raise
    except (Exception, SystemExit) as fault:
        what = f"{type(fault).__name__}: {fault}{_place(fault)}"
        raise StrategyFailed(_window_text(what, strategy)) from fault
    if isinstance(window, int) and not isinstance(window, bool) and window > 0:
        return window
    what = f"it told {reprlib.repr(window)}; accepted: a whole number above zero"
    raise StrategyFailed(_window_text(what, strategy))


def decide(strategy: StrategyPort, bars: Sequence[Bar], view: StrategyView) -> Signal | Exit | None:
    """Return the wish at the close of ``bars[-1]``: a ``Signal``, an ``Exit``, or ``None``.

    An exit of the interpreter that the strategy asks for is a fault of its own; one that somebody
    outside asks for is not.

    Raises:
        StrategyFailed: it raised, or returned something else than a wish.
        ExitAtOnce: the process is told to end meanwhile.

    """
    try:
        wish: object = strategy.decide(bars, view)
    except ExitAtOnce:
        raise
    except (Exception, SystemExit) as fault:
        what = f"{type(fault).__name__}: {fault}{_place(fault)}"
        raise StrategyFailed(_text(what, strategy, bars[-1])) from fault
    if wish is None or isinstance(wish, Signal | Exit):
        return wish
    what = f"it returned {reprlib.repr(wish)}; accepted: a Signal, an Exit or None"
    raise StrategyFailed(_text(what, strategy, bars[-1]))


def _place(fault: BaseException) -> str:
    last = traceback.extract_tb(fault.__traceback__)[-1]
    return f" ({PurePath(last.filename).name}, line {last.lineno})"


def _window_text(what: str, strategy: StrategyPort) -> str:
    return f"the strategy failed: {what}; the window of strategy {type(strategy).__name__}"


def _text(what: str, strategy: StrategyPort, bar: Bar) -> str:
    start = datetime.fromtimestamp(bar.start_ms // 1_000, UTC)
    return (
        f"the strategy failed: {what}; strategy {type(strategy).__name__}, "
        f"{bar.symbol} bar of {start:%Y-%m-%d %H:%M} UTC"
    )
