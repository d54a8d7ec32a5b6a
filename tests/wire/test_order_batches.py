"""Batches of the desk at the served venue: how many requests cross the wire, and the outcomes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tidegate.adapters.bybit.batches import BATCH_SIZE_MAX
from tidegate.application.settings_bybit import OrderEntry
from tidegate.domain.core.events import AmendIntended, CancelRequested, EntryIntended, Event
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    OrderRequest,
    Purpose,
    Reduction,
    Role,
    Side,
)
from tidegate.domain.signal import Entry, ExactQty
from tidegate.domain.triggers import TriggerSpec
from tidegate.ports.exchange import Amendment, Cancellation, Rejected
from tidegate.ports.orders import Amended, Cancels, OrderChange, Placed

from tests.domain.core.scenes import limit

from .desk_bench import BTC, START, WAIT_MS, DeskBench, until

COUNT = 25
FULL = [BATCH_SIZE_MAX, COUNT - BATCH_SIZE_MAX]
PATHS = (
    "/v5/order/create-batch",
    "/v5/order/amend-batch",
    "/v5/order/amend",
    "/v5/order/cancel-batch",
)
LATE_MS = 2_500
"""How late the venue answers the request that the others wait behind."""


def _below(parts: int) -> Price:
    """Return a price so many parts of a thousand below the one that the venue starts at."""
    return Price.of(int(START.value) * (1_000 - parts) // 1_000)


def _sizes(bench: DeskBench, path: str) -> list[int]:
    """Return how many orders each request of a kind carried."""
    bodies = [request.json.get("request") for request in bench.tap.requests(path)]
    return [len(rows) if isinstance(rows, list) else 1 for rows in bodies]


def _learn_the_limits(bench: DeskBench) -> None:
    """Let two of each kind be refused: the first answer of a kind tells the account's limit."""
    orders = [
        OrderRequest(
            client_id=ClientId(f"nobody{n}"),
            symbol=BTC,
            side=Side.SELL,
            qty=Qty.of("0.001"),
            kind=OrderKind.MARKET,
            purpose=Purpose(Role.CLOSE),
            reduce_only=True,
        )
        for n in range(2)
    ]
    refused = (
        *bench.venue.place_batch([Reduction(order) for order in orders]),
        *bench.venue.amend_batch(
            [Amendment(symbol=BTC, client_id=one.client_id, qty=one.qty) for one in orders]
        ),
        *bench.venue.cancel_batch(
            [Cancellation(symbol=BTC, order_id=one.client_id) for one in orders]
        ),
    )
    assert [type(outcome) for outcome in refused] == [Rejected] * 6


@contextmanager
def _behind(
    bench: DeskBench, path: str, first: Callable[[], object], kind: type[Event], more: int
) -> Iterator[None]:
    """Let the lane wait for a late answer until all that the block asks for is recorded."""
    before, sent = bench.happened(kind), len(bench.tap.requests(path))
    bench.control.delay_next_answer(LATE_MS, path)
    busy = threading.Thread(target=first)
    busy.start()
    until(lambda: len(bench.tap.requests(path)) == sent + 1, "the first request is under way")
    yield
    busy.join(20)
    assert bench.happened(kind) == before + more


def test_orders_changes_and_cancels_leave_in_as_few_requests_as_the_venue_takes(
    tmp_path: Path,
) -> None:
    """Of 25: one full batch of 20 and one of five. A conditional order is changed alone."""
    with DeskBench(tmp_path, order_entry=OrderEntry.REST) as bench:
        bench.wait_up()
        orders, small = bench.desk.orders, ExactQty(Qty.of("0.001"))

        def wish(name: str, entry: Entry) -> object:
            made = bench.signal(name, entry=entry, ladder=(), sizing=small)
            return orders.execute(made, timeout_ms=WAIT_MS)

        _learn_the_limits(bench)
        learned = {path: len(_sizes(bench, path)) for path in PATHS}

        def sizes(path: str) -> list[int]:
            return _sizes(bench, path)[learned[path] :]

        # The venue knows the leverage from here on.
        kept = wish("kept", limit(str(_below(3))))
        waits = wish("waits", Entry(trigger=TriggerSpec(price=_below(-20))))
        assert isinstance(kept, Placed)
        assert isinstance(waits, Placed)

        signals = [
            bench.signal(f"s{n}", entry=limit(str(_below(4))), ladder=(), sizing=small)
            for n in range(COUNT)
        ]
        busy = lambda: wish("busy", limit(str(_below(3))))  # noqa: E731
        with _behind(bench, "/v5/order/create", busy, EntryIntended, 1 + COUNT):
            placed = orders.execute_batch(signals, timeout_ms=WAIT_MS)
        assert sizes("/v5/order/create-batch") == FULL
        names: list[ClientId] = []
        for one, outcome in zip(signals, placed, strict=True):
            assert isinstance(outcome, Placed), outcome
            intended = next(
                event
                for event in bench.events
                if isinstance(event, EntryIntended) and event.signal == one
            )
            assert outcome.client_id == intended.order.client_id
            names.append(outcome.client_id)

        changed = [*names[:10], waits.client_id, *names[10:]]
        changes = [OrderChange(client_id=name, qty=Qty.of("0.002")) for name in changed]
        again = lambda: wish("busy again", limit(str(_below(3))))  # noqa: E731
        with _behind(bench, "/v5/order/create", again, EntryIntended, 1):
            amended = orders.amend_batch(changes, timeout_ms=WAIT_MS)
        assert [o.client_id for o in amended if isinstance(o, Amended)] == changed, amended
        assert bench.happened(AmendIntended) == COUNT + 1
        assert sizes("/v5/order/amend-batch") == [10, COUNT - 10]
        assert sizes("/v5/order/amend") == [1]
        shown = {order.client_id: order.qty for order in bench.venue.open_orders(BTC)}
        assert {shown[name] for name in changed} == {Qty.of("0.002")}

        cancel = lambda: orders.cancel(kept.client_id, timeout_ms=WAIT_MS)  # noqa: E731
        with _behind(bench, "/v5/order/cancel", cancel, CancelRequested, 1 + COUNT):
            ended = orders.cancel_batch(names, timeout_ms=WAIT_MS)
        assert sizes("/v5/order/cancel-batch") == FULL
        for name, end in zip(names, ended, strict=True):
            assert isinstance(end, Cancels), end
            assert [(o.client_id, o.status) for o in end.orders] == [(name, Status.CANCELLED)]
        assert isinstance(orders.cancel_all(timeout_ms=WAIT_MS), Cancels)
        bench.agree()
