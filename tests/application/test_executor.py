"""The executor: leverage, batches, closes of all, deadlines, and the bound of what waits."""

import attrs
import pytest
from tidegate.adapters.memory.options import Arrival, RequestKind
from tidegate.application.clocks import SeededKeys
from tidegate.application.engine import fold
from tidegate.application.executor import OrderExecutor
from tidegate.application.runner import WriterStopped
from tidegate.domain.core import events as ev
from tidegate.domain.core.evolve_orders import put_order
from tidegate.domain.core.state import FINISHED_KEPT
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Price, Qty, Rate
from tidegate.domain.orders import ClientId, Symbol
from tidegate.domain.reports import RejectReason
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.trade import CloseReason
from tidegate.ports.orders import (
    Closing,
    Failed,
    Fill,
    Placed,
    Reduced,
    Refused,
    Rejected,
    TimedOut,
    Unresolved,
)

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.application.order_bench import holding, orders, resting
from tests.domain.core.scenes import config, held, limit, only, our_orders
from tests.domain.samples import BTCUSDT

ETH = Symbol("ETHUSDT")
ETHUSDT = attrs.evolve(BTCUSDT, symbol=ETH, base_coin="ETH")


def two() -> Bench:
    bench = make_bench(config=config(), instruments=(BTCUSDT, ETHUSDT))
    bench.venue.script.move(ETH, last=Price.of("65000"))
    bench.runner.drain()
    return bench


def test_the_desk_and_its_executor_are_one() -> None:
    bench = make_bench(config=config())
    assert isinstance(bench.desk.orders.execute(signal()), Placed)
    again = bench.desk.execute(signal())
    assert isinstance(again, Refused)
    assert [breach.rule.value for breach in again.breaches] == ["duplicate signal"]


@pytest.mark.parametrize("leverage", ["2", "5"])
def test_a_signal_is_executed_at_another_leverage_and_is_else_the_same(leverage: str) -> None:
    bench = make_bench(config=config())
    outcome = orders(bench).execute_with_leverage(signal(), Rate.of(leverage))
    assert isinstance(outcome, Placed)
    (intent,) = only(bench, ev.EntryIntended)
    assert intent.signal == attrs.evolve(signal(), leverage=Rate.of(leverage))
    assert bench.venue.position(BTC).leverage == Rate.of(leverage)


def test_a_leverage_above_the_cap_is_refused_by_its_rule() -> None:
    outcome = orders(make_bench(config=config())).execute_with_leverage(signal(), Rate.of(50))
    assert isinstance(outcome, Refused)
    assert "leverage cap" in [breach.rule.value for breach in outcome.breaches]


def test_a_batch_has_one_outcome_for_each_in_its_order_and_no_failure_hides_another() -> None:
    bench = two()
    bench.venue.script.reject_next(RejectReason.RATE_LIMITED, request=RequestKind.PLACE)
    batch = (
        signal("rejected", entry=limit("64500")),
        signal("placed", entry=limit("64500")),
        signal("placed"),
        signal("other", symbol=ETH, entry=limit("64500")),
        signal("unknown", symbol=Symbol("NOSUCHUSDT")),
    )
    outcomes = orders(bench).execute_batch(batch)
    assert [type(outcome) for outcome in outcomes] == [
        Rejected,
        Placed,
        Refused,
        Placed,
        Refused,
    ]
    assert len(our_orders(bench)) == 2


class StumblingKeys(SeededKeys):
    """Keys that fail for one signal, as a runner whose writer has stopped does for all."""

    def key(self, cause: str) -> str:
        if cause == "second":
            raise WriterStopped("the desk has stopped")
        return super().key(cause)


def test_a_signal_that_cannot_be_decided_on_fails_alone() -> None:
    bench = two()
    executor = OrderExecutor(
        runner=bench.runner, state_port=bench.state_port, keys=StumblingKeys(7)
    )
    outcomes = executor.execute_batch(
        tuple(signal(name, entry=limit("64500")) for name in ("first", "second", "third"))
    )
    assert [type(outcome) for outcome in outcomes] == [Placed, Failed, Placed]
    assert outcomes[1] == Failed(signal_id="second", error="the desk has stopped")
    assert len(our_orders(bench)) == 2


def test_a_long_batch_is_taken_one_after_the_other() -> None:
    bench = make_bench(
        config=attrs.evolve(
            config(),
            limits=attrs.evolve(
                config().limits,
                orders_per_second_max=5_000,
                orders_per_minute_max=5_000,
                risk_per_trade_max=Rate.of("0.1"),  # all of them are one trade
            ),
        )
    )
    outcomes = orders(bench).execute_batch(
        tuple(signal(f"s{n}", entry=limit("64500")) for n in range(40))
    )
    assert [type(outcome) for outcome in outcomes] == [Placed] * 40
    assert len(our_orders(bench)) == 40


def test_an_empty_batch_has_no_outcome() -> None:
    assert orders(make_bench(config=config())).execute_batch(()) == ()


def test_each_deadline_is_the_one_that_was_given() -> None:
    bench = make_bench(config=config(not_found_final_ms=5_000))
    bench.venue.script.time_out_next(Arrival.LATE, request=RequestKind.PLACE)
    assert isinstance(orders(bench).execute(signal(entry=limit("64500")), timeout_ms=3), Unresolved)
    (order,) = bench.runner.state.books.orders.values()
    name = order.request.client_id
    assert orders(bench).wait_for_fill(name, timeout_ms=4) == TimedOut(waited_ms=4)
    assert orders(bench).cancel(name, timeout_ms=5) == TimedOut(waited_ms=5)
    assert orders(bench).cancel_all(timeout_ms=6) == TimedOut(waited_ms=6)


@pytest.mark.parametrize("call", ["reduce", "amend"])
def test_a_record_that_does_not_come_is_waited_for_as_long_as_was_asked(call: str) -> None:
    bench = holding() if call == "reduce" else resting()
    bench.venue.script.delay_messages()
    bench.venue.script.fail_queries(100)
    if call == "reduce":
        outcome: object = orders(bench).reduce(BTC, price=Price.of("66000"), timeout_ms=8)
    else:
        (order,) = bench.runner.state.books.orders.values()
        outcome = orders(bench).amend(order.request.client_id, qty=Qty.of("0.009"), timeout_ms=8)
    assert outcome == TimedOut(waited_ms=8)


def test_every_position_is_closed_with_one_outcome_for_each() -> None:
    bench = two()
    orders(bench).execute(signal())
    orders(bench).execute(signal("s2", symbol=ETH))
    assert orders(bench).close_all() == (
        Closing(symbol=BTC, qty=Qty.of("0.010")),
        Closing(symbol=ETH, qty=Qty.of("0.010")),
    )
    assert bench.venue.positions() == ()
    closed = only(bench, ev.TradeClosed)
    assert [event.trade.reason for event in closed] == [CloseReason.OPERATOR] * 2
    assert orders(bench).close_all() == ()


def test_a_position_that_cannot_be_closed_hides_no_other() -> None:
    bench = two()
    orders(bench).execute(signal())
    orders(bench).execute(signal("s2", symbol=ETH))
    bench.venue.script.reject_next(RejectReason.RATE_LIMITED, request=RequestKind.PLACE)
    outcomes = orders(bench).close_all(timeout_ms=1)
    assert [outcome.symbol for outcome in outcomes] == [BTC, ETH]
    assert [position.symbol for position in bench.venue.positions()] == [BTC]
    bench.pass_time(1_000)
    assert bench.venue.positions() == ()


def test_the_closing_of_one_symbol_leaves_the_others() -> None:
    bench = two()
    orders(bench).execute(signal())
    orders(bench).execute(signal("s2", symbol=ETH))
    assert orders(bench).close_position(ETH) == Closing(symbol=ETH, qty=Qty.of("0.010"))
    assert [position.symbol for position in bench.venue.positions()] == [BTC]


def test_a_fill_is_waited_for_by_the_orders_id() -> None:
    bench = holding()
    (intent,) = only(bench, ev.EntryIntended)
    fill = orders(bench).wait_for_fill(intent.order.client_id, timeout_ms=5)
    assert fill == Fill(
        client_id=intent.order.client_id,
        qty_filled=Qty.of("0.010"),
        value_filled=Price.of("65000") * Qty.of("0.010"),
        is_finished=True,
    )


# The bound of what waits


def bounded(most: int, *, not_found_final_ms: int = 0) -> Bench:
    limits = RiskLimits(loss_cooldown_ms=0, market_age_ms_max=3_600_000, pending_orders_max=most)
    return make_bench(
        config=attrs.evolve(config(not_found_final_ms=not_found_final_ms), limits=limits)
    )


def test_at_the_bound_entries_are_refused_and_what_finishes_makes_room() -> None:
    bench = bounded(2)
    for name in ("s1", "s2"):
        assert isinstance(orders(bench).execute(signal(name, entry=limit("64500"))), Placed)
    refused = orders(bench).execute(signal("s3", entry=limit("64500")))
    assert isinstance(refused, Refused)
    assert [breach.rule.value for breach in refused.breaches] == ["pending orders"]
    first = our_orders(bench)[0].client_id
    assert first is not None
    orders(bench).cancel(first)
    assert isinstance(orders(bench).execute(signal("s4", entry=limit("64500"))), Placed)


def test_at_the_bound_a_position_is_still_reduced_and_closed() -> None:
    bench = bounded(1)
    orders(bench).execute(signal())
    for price in ("66000", "66100", "66200"):
        assert isinstance(orders(bench).reduce(BTC, price=Price.of(price)), Reduced)
    orders(bench).close_position(BTC)
    assert held(bench) == Qty.of(0)


def test_finished_orders_expire_and_one_of_unknown_outcome_never_does() -> None:
    bench = make_bench(config=config(not_found_final_ms=10**9))
    bench.venue.script.time_out_next(Arrival.LOST, request=RequestKind.PLACE)
    lost = orders(bench).execute(signal("lost", entry=limit("64000.1")))
    assert isinstance(lost, Unresolved)
    settings = bench.runner.engine.config
    books = bench.runner.state.books
    template = books.orders[lost.client_id]
    for number in range(FINISHED_KEPT + 50):
        name = ClientId(f"tgfinished{number:09d}-e-0")
        request = attrs.evolve(template.request, client_id=name)
        ended = attrs.evolve(template, request=request, status=Status.CANCELLED)
        books = put_order(books, ended)
    assert settings.limits.pending_orders_max == 400
    assert len(books.finished) == FINISHED_KEPT
    assert books.orders[lost.client_id].status is Status.UNKNOWN
    assert next(iter(books.finished)) == "tgfinished000000050-e-0"


def test_how_much_is_remembered_is_a_setting_that_a_restart_takes_over() -> None:
    """The newest are kept; a snapshot of a desk with other settings is cut as it goes on."""
    bench = make_bench(
        config=attrs.evolve(
            config(), finished_kept=3, signals_remembered=40, executions_remembered=50
        )
    )
    names = []
    for number in range(5):
        placed = orders(bench).execute(signal(f"s{number}", entry=limit("64500")))
        assert isinstance(placed, Placed)
        orders(bench).cancel(placed.client_id)
        names.append(placed.client_id)
    books = bench.runner.state.books
    assert list(books.finished) == names[2:]
    assert (books.signals.keep, books.executions.keep) == (40, 50)
    bench.runner.engine.save_snapshot()
    more = attrs.evolve(config(), finished_kept=2, signals_remembered=60, executions_remembered=70)
    again, _ = fold(bench.state_port, more)
    assert (again.finished_kept, again.signals.keep, again.executions.keep) == (2, 60, 70)
    assert "s0" in again.signals
    ended = attrs.evolve(books.finished[names[4]], status=Status.CANCELLED)
    assert list(put_order(again, ended).finished) == names[3:]
