"""Every method may be called from any thread."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from tidegate.contracts.exchange_bench import ExchangeBench
from tidegate.contracts.exchange_stage import Stage
from tidegate.domain.orders import Side
from tidegate.domain.reports import RejectReason
from tidegate.domain.risk.approval import Approved
from tidegate.ports.exchange import Accepted, Rejected, Unknown

__all__: list[str] = []

_THREADS = 8
_ROUNDS = 8
_WAIT_S = 30
_SWITCH_S = 1e-6


@contextmanager
def _restless() -> Iterator[None]:
    """Let the interpreter change threads as often as it can, so that races show."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _together(*tasks: Callable[[], None]) -> None:
    """Run all tasks at once, and pass on what any of them raised."""
    start = threading.Barrier(len(tasks))
    raised: list[BaseException] = []

    def run(task: Callable[[], None]) -> None:
        try:
            start.wait(_WAIT_S)
            task()
        except BaseException as error:  # noqa: BLE001  (handed to the case below)
            raised.append(error)

    threads = [threading.Thread(target=run, args=(task,), daemon=True) for task in tasks]
    with _restless():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(_WAIT_S)
    assert not any(thread.is_alive() for thread in threads), "a call did not return"
    for error in raised:
        raise error


def test_orders_from_many_threads_are_all_distinct(exchange_bench: ExchangeBench) -> None:
    """As many orders as were sent, each under its own ids, and a position that is their sum."""
    stage = Stage(exchange_bench)
    batches = [
        [exchange_bench.approve(stage.order(Side.BUY)) for _ in range(_ROUNDS)]
        for _ in range(_THREADS)
    ]
    outcomes: list[Accepted | Rejected | Unknown] = []

    def send(batch: list[Approved]) -> None:
        for approved in batch:
            outcomes.append(stage.port.place(approved))

    _together(*(partial(send, batch) for batch in batches))
    stage.drive.settle()
    venue_ids = {outcome.venue_id for outcome in outcomes if isinstance(outcome, Accepted)}
    assert len(venue_ids) == _THREADS * _ROUNDS
    assert stage.held() == stage.unit.times(_THREADS * _ROUNDS)
    sent = {approved.order.client_id for batch in batches for approved in batch}
    assert {row.client_id for row in stage.fills()} == sent
    assert stage.signed_fills() == stage.held()


def test_one_client_id_from_many_threads_opens_once(exchange_bench: ExchangeBench) -> None:
    """Of many simultaneous sends of one client id, exactly one is accepted."""
    stage = Stage(exchange_bench)
    approved = exchange_bench.approve(stage.order(Side.BUY))
    outcomes: list[Accepted | Rejected | Unknown] = []
    _together(*(lambda: outcomes.append(stage.port.place(approved)) for _ in range(_THREADS)))
    stage.drive.settle()
    assert sum(isinstance(outcome, Accepted) for outcome in outcomes) == 1
    refused = {outcome.reason for outcome in outcomes if isinstance(outcome, Rejected)}
    assert refused == {RejectReason.DUPLICATE_CLIENT_ID}
    assert stage.held() == stage.unit


def test_queries_beside_orders_see_whole_states(exchange_bench: ExchangeBench) -> None:
    """While one thread opens and closes, another never sees the equation of the account broken."""
    stage = Stage(exchange_bench)

    def trade() -> None:
        for _ in range(10):
            stage.buy()
            stage.close()

    def watch() -> None:
        for _ in range(50):
            report = stage.port.position(stage.symbol)
            assert report.qty in (stage.unit.times(0), stage.unit)
            assert (report.entry_price is None) is (report.qty.sign == 0)

    _together(trade, watch)
