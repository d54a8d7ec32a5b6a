"""Random lives of a desk on a venue that misbehaves, each from one seed."""

import random
from collections.abc import Callable

from tidegate.adapters.memory.exchange import MemoryVenue
from tidegate.adapters.memory.options import Arrival, FillMode, MemoryOptions, ScriptError
from tidegate.application.recovery import recover
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.mode import TradingMode, TradingState, VenueKind
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import ClientId, OrderKind, Side
from tidegate.domain.reports import OrderReport, RejectReason
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.signal import Entry, ExactQty, RungSpec, StopAtPrice, StopPercent, StopSpec
from tidegate.ports.exchange import QueryFailed

from tests.application.bench import BTC, Bench, make_bench, signal
from tests.domain.samples import BTCUSDT, FEES

__all__ = ["Life"]

LADDERS = ((), (RungSpec(Rate.of(1), Rate.of("0.5")), RungSpec(Rate.of(2), Rate.of("0.5"))))


class Life:
    """One desk, one venue and one seed; :meth:`act` does something that a market or a net does."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a replayable script, no secret
        self.price = 65_000
        self.count = 0
        mode = self.random.choice(list(FillMode))
        venue = MemoryVenue(
            instruments={BTC: BTCUSDT},
            fees=FEES,
            wallet=Money.of("100000"),
            options=MemoryOptions(fill_mode=mode),
        )
        limits = RiskLimits(
            loss_cooldown_ms=0,
            stops_in_window_max=10_000,
            symbol_losses_in_row_max=10_000,
            market_age_ms_max=86_400_000,
            orders_per_second_max=10_000,
            orders_per_minute_max=10_000,
        )
        final_ms = self.random.choice([0, 3_000])
        config = CoreConfig(
            mode=TradingMode.PAPER,
            venue=VenueKind.MEMORY,
            limits=limits,
            not_found_final_ms=final_ms,
        )
        self.bench: Bench = make_bench(venue=venue, config=config)

    def act(self) -> None:
        """Do one thing and let the desk react."""
        acts: list[tuple[int, Callable[[], object]]] = [
            (6, self._signal),
            (6, self._move),
            (5, self._fill),
            (3, self._wait),
            (2, self._close),
            (4, self._trouble),
            (1, self._outside),
            (1, self._command),
        ]
        weights = [weight for weight, _ in acts]
        (chosen,) = self.random.choices([act for _, act in acts], weights)
        try:
            chosen()
        except ScriptError:
            return
        finally:
            self.bench.runner.drain()
            self.bench.runner.check_time()

    def _signal(self) -> None:
        self.count += 1
        side = self.random.choice(list(Side))
        away = 500 * self.random.randint(1, 4)
        stop_at = self.price - away if side is Side.BUY else self.price + away
        limit_at = self.price - side.sign * self.random.choice([-50, 50, 200])
        stops: list[StopSpec] = [StopAtPrice(Price.of(stop_at)), StopPercent(Rate.of("0.02"))]
        self.bench.desk.execute(
            signal(
                f"s{self.count}",
                side=side,
                sizing=ExactQty(Qty.of(self.random.randint(2, 20)) * Rate.of("0.001")),
                stop=self.random.choice(stops),
                ladder=self.random.choice(LADDERS),
                entry=self.random.choice(
                    [Entry(), Entry(kind=OrderKind.LIMIT, price=Price.of(limit_at))]
                ),
                leverage=self.random.choice(["3", "3", "5"]),
            )
        )

    def _move(self) -> None:
        self.price += self.random.randint(-400, 400)
        size = self.random.choice([None, Qty.of("0.003")])
        self.bench.venue.script.move(BTC, last=Price.of(self.price), bid_size=size, ask_size=size)

    def _at_venue(self, order_id: ClientId) -> OrderReport | None:
        try:
            return self.bench.venue.find_order(BTC, order_id)
        except QueryFailed:
            return None

    def _fill(self) -> None:
        orders = self.bench.runner.state.books.orders
        live = [o for i in orders if (o := self._at_venue(i)) is not None]
        if not live:
            return
        order = self.random.choice(live)
        left = order.qty - order.qty_filled
        part = self.random.choice([left, Qty.of("0.001")])
        price = Price.of(self.price) if order.price is None else order.price
        self.bench.venue.script.fill(order.venue_id, part, price)

    def _wait(self) -> None:
        self.bench.venue.script.advance(self.random.choice([1, 500, 1_000, 6_000]))

    def _close(self) -> None:
        self.bench.desk.close_position(BTC)

    def _trouble(self) -> None:
        script, pick = self.bench.venue.script, self.random
        acts: list[Callable[[], object]] = [
            lambda: script.reject_next(RejectReason.OTHER),
            lambda: script.time_out_next(pick.choice(list(Arrival))),
            script.delay_messages,
            script.release,
            script.reorder,
            script.duplicate_next,
            script.drop_next,
            script.arrive,
            script.disconnect,
            script.reconnect,
            lambda: script.fail_queries(1),
        ]
        pick.choice(acts)()

    def _outside(self) -> None:
        script = self.bench.venue.script
        acts: list[Callable[[], object]] = [
            lambda: script.close_by_hand(BTC),
            lambda: script.liquidate(BTC),
            lambda: script.pay_funding(BTC, Rate.of("0.0001")),
            lambda: script.foreign_order(BTC, side=Side.SELL, qty=Qty.of("0.002")),
        ]
        self.random.choice(acts)()

    def _command(self) -> None:
        desk = self.bench.desk
        acts: list[Callable[[], object]] = [
            lambda: desk.panic("drill"),
            lambda: desk.reset_panic(confirmation="RESET"),
            lambda: desk.set_trading_state(TradingState.ACTIVE, "test"),
            lambda: desk.set_trading_state(TradingState.REDUCING, "test"),
        ]
        self.random.choice(acts)()

    def come_to_rest(self) -> None:
        """End every trouble, and let the desk find the venue's truth."""
        script = self.bench.venue.script
        script.fail_queries(0)
        script.reconnect()
        script.release()
        script.arrive()
        for _ in range(20):
            self.bench.pass_time(1_000)
        for _ in range(3):
            recover(self.bench.runner, frozenset({BTC}))
            for _ in range(14):
                self.bench.pass_time(2_000)
