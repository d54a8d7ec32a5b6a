"""SIGTERM at each step of an opening: the account is consistent, and the next start goes on."""

import os
import signal
import threading
from pathlib import Path

import pytest
from tidegate.adapters.v5server.faults import Target
from tidegate.domain.core import events as ev
from tidegate.domain.core.events import Event
from tidegate.domain.orders import Role
from tidegate.ports.exchange import TimeRange

from .desk_bench import BTC, QTY, WAIT_MS, DeskBench, until

SLOW_MS = 120
"""How late each answer is, so that the signal meets a request that is under way."""

STEPS: tuple[type[Event], ...] = (
    ev.EntryIntended,
    ev.LeverageSet,
    ev.EntryReleased,
    ev.OrderUpdated,
    ev.Filled,
    ev.Replanned,
    ev.OrderIntended,
    ev.StopConfirmed,
)


class _SignalAt:
    """Sends SIGTERM to this process when the first event of a kind has been written down."""

    def __init__(self, kind: type[Event]) -> None:
        self._kind = kind
        self.has_sent = threading.Event()

    def __call__(self, event: Event, _: int) -> None:
        if isinstance(event, self._kind) and not self.has_sent.is_set():
            self.has_sent.set()
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("step", STEPS, ids=lambda kind: kind.__name__)
def test_sigterm_at_any_step_leaves_the_account_consistent(
    step: type[Event], tmp_path: Path
) -> None:
    with DeskBench(tmp_path, with_signals=True) as bench:
        at = _SignalAt(step)
        bench.engine.listen(at)
        bench.control.delay_next_answer(SLOW_MS, Target.REQUESTS, count=100)
        opening = threading.Thread(target=bench.open, args=("interrupted",))
        opening.start()
        assert bench.application.wait_until_stop_asked(timeout_ms=WAIT_MS), f"no {step.__name__}"
        bench.application.stop()
        opening.join(WAIT_MS / 1_000)
        assert at.has_sent.is_set()
        _is_consistent(bench)

        bench.control.clear_faults()
        bench.restart()
        bench.wait_up()
        bench.agree()
        if not bench.books.position(BTC).is_flat:
            until(lambda: bench.books.trades[BTC].is_stop_confirmed, "its stop is confirmed")
            until(lambda: len(_targets(bench)) == 2, "the ladder is whole")
        bench.close()
        bench.agree()
        assert set(bench.sent_ids().values()) <= {1}, "an order was sent twice"


def _is_consistent(bench: DeskBench) -> None:
    """Nothing is held without its stop, and no more was opened than was wanted."""
    held = bench.server.server.call(lambda e: e.accounts.first.venue.position(BTC))
    orders = bench.server.server.call(lambda e: e.accounts.first.venue.open_orders(BTC))
    history = bench.server.server.call(
        lambda e: e.accounts.first.venue.executions(BTC, TimeRange(start_ms=0, end_ms=2**53))
    )
    if held.qty.sign == 0:
        assert history.rows == ()
        assert orders == ()
        return
    assert held.qty == QTY
    assert held.stop_loss is not None


def _targets(bench: DeskBench) -> list[object]:
    return [order for order in bench.books.orders.values() if order.role is Role.TAKE_PROFIT]
