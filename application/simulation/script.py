"""The acts of the script: what an operator, a strategy, a market and somebody else do."""

import random
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from tidegate.adapters.memory.options import ScriptError
from tidegate.adapters.memory.script import Script
from tidegate.application.desk import Desk
from tidegate.domain.management import BreakEven, Management, TrailingStop
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Distance, Price, Qty, Rate
from tidegate.domain.orders import ClientId, OrderKind, Role, Side, Symbol, TimeInForce
from tidegate.domain.reports import OrderReport, Origin
from tidegate.domain.signal import (
    Entry,
    ExactQty,
    RungSpec,
    Signal,
    StopAtPrice,
    StopPercent,
    StopSpec,
)
from tidegate.domain.triggers import TriggerSpec
from tidegate.ports.account import PositionStop
from tidegate.ports.exchange import Amendment
from tidegate.ports.orders import CancelScope

from .names import Fault
from .plan import Act
from .timeline import Timeline
from .venue import SimulatedVenue
from .watch import Watch

__all__ = ["OPENING_PRICE", "Outside", "operate"]

OPENING_PRICE = 65_000
REFILL_MS = 800
_STEP = Rate.of("0.001")
_LADDERS = (
    (),
    (RungSpec(Rate.of(1), Rate.of("0.5")), RungSpec(Rate.of(2), Rate.of("0.5"))),
    (RungSpec(Rate.of("0.5"), Rate.of("0.4")),),
)


def _price_of(venue: SimulatedVenue, symbol: Symbol) -> int:
    return int(venue.truth.quote(symbol).last.value)


def _signal(desk: Desk, venue: SimulatedVenue, symbol: Symbol, dice: random.Random) -> None:
    price, side = _price_of(venue, symbol), dice.choice((Side.BUY, Side.BUY, Side.SELL))
    away = dice.choice((300, 600, 1_000, 1_500))
    stops: tuple[StopSpec, ...] = (
        StopAtPrice(Price.of(price - side.sign * away)),
        StopPercent(Rate.of("0.012")),
    )
    ladder = dice.choice(_LADDERS)
    desk.execute(
        Signal(
            signal_id=f"s{dice.getrandbits(40)}",
            symbol=symbol,
            side=side,
            sizing=ExactQty(Qty.of(dice.choice((20, 150, 400, 600, 700, 850))) * _STEP),
            stop=dice.choice(stops),
            ladder=ladder,
            entry=_entry(price, side, dice),
            leverage=Rate.of(dice.choice((3, 3, 3, 5))),
            management=_management(dice, has_ladder=bool(ladder)),
        ),
        timeout_ms=0,
    )


def _entry(price: int, side: Side, dice: random.Random) -> Entry:
    toward = side.sign * dice.choice((-50, 30, 150))
    match dice.randrange(8):
        case 0 | 1 | 2:
            return Entry()
        case 3:
            post = TimeInForce.POST_ONLY
            behind = Price.of(price - side.sign * 60)
            return Entry(kind=OrderKind.LIMIT, price=behind, time_in_force=post)
        case 4:
            beyond = TriggerSpec(price=Price.of(price + side.sign * 120))
            return Entry(trigger=beyond)
        case _:
            return Entry(kind=OrderKind.LIMIT, price=Price.of(price - toward))


def _management(dice: random.Random, *, has_ladder: bool) -> Management:
    match dice.randrange(6):
        case 0 if has_ladder:
            return Management(break_even=BreakEven())
        case 1:
            return Management(trailing=TrailingStop(distance=Distance.of(900)))
        case _:
            return Management()


def _resting(desk: Desk, roles: frozenset[Role]) -> list[ClientId]:
    orders = desk.state.books.orders
    return [name for name, o in orders.items() if o.role in roles and o.is_open]


def _amend(desk: Desk, venue: SimulatedVenue, symbol: Symbol, dice: random.Random) -> None:
    names = _resting(desk, frozenset({Role.ENTRY, Role.EXIT}))
    if not names:
        return
    price = Price.of(_price_of(venue, symbol) + dice.choice((-90, -40, 40, 90)))
    qty = Qty.of(dice.choice((30, 200, 500, 800))) * _STEP
    what = dice.randrange(3)
    order = desk.state.books.orders[dice.choice(names)].request
    desk.orders.amend(
        order.client_id,
        price=price if what != 1 and order.price is not None else None,
        qty=qty if what != 0 or order.price is None else None,
        timeout_ms=0,
    )


def _cancel(desk: Desk, _: SimulatedVenue, __: Symbol, dice: random.Random) -> None:
    names = _resting(desk, frozenset({Role.ENTRY, Role.EXIT, Role.TAKE_PROFIT}))
    if names:
        desk.orders.cancel(dice.choice(names), timeout_ms=0)


def _cancel_all(desk: Desk, _: SimulatedVenue, symbol: Symbol, dice: random.Random) -> None:
    scope = dice.choice((CancelScope.OURS, CancelScope.EVERYONES))
    desk.orders.cancel_all(symbol, scope=scope, timeout_ms=0)


def _reduce(desk: Desk, venue: SimulatedVenue, symbol: Symbol, dice: random.Random) -> None:
    held = desk.state.books.position(symbol)
    if held.side is None:
        return
    qty = Qty.of(dice.choice((20, 100, 300))) * _STEP
    beyond = _price_of(venue, symbol) + held.side.sign * dice.choice((40, 200))
    price = dice.choice((None, Price.of(beyond)))
    desk.orders.reduce(symbol, qty=qty, price=price, timeout_ms=0)


def _protect(desk: Desk, venue: SimulatedVenue, symbol: Symbol, dice: random.Random) -> None:
    trade = desk.state.books.trades.get(symbol)
    if trade is None:
        return
    price, sign = _price_of(venue, symbol), trade.side.sign
    match dice.randrange(3):
        case 0:
            desk.protection.set_stop(symbol, Price.of(price - sign * 250), timeout_ms=0)
        case 1:
            desk.protection.set_take_profit(symbol, Price.of(price + sign * 700), timeout_ms=0)
        case _:
            desk.protection.set_trailing(symbol, Distance.of(800), timeout_ms=0)


def _panic(desk: Desk, _: SimulatedVenue, __: Symbol, ___: random.Random) -> None:
    desk.panic("drill", timeout_ms=0)


def _reset(desk: Desk, _: SimulatedVenue, __: Symbol, ___: random.Random) -> None:
    desk.reset_panic(confirmation="RESET")
    if desk.state.books.trading_state is not TradingState.ACTIVE:
        desk.set_trading_state(TradingState.ACTIVE, "script")


def _state(desk: Desk, _: SimulatedVenue, __: Symbol, dice: random.Random) -> None:
    desk.set_trading_state(dice.choice((TradingState.REDUCING, TradingState.HALTED)), "script")


def _close(desk: Desk, _: SimulatedVenue, symbol: Symbol, __: random.Random) -> None:
    desk.close_position(symbol, timeout_ms=0)


_Operation = Callable[[Desk, SimulatedVenue, Symbol, random.Random], None]
_OPERATIONS: Mapping[Act, _Operation] = MappingProxyType(
    {
        Act.SIGNAL: _signal,
        Act.CLOSE: _close,
        Act.REDUCE: _reduce,
        Act.AMEND: _amend,
        Act.CANCEL: _cancel,
        Act.CANCEL_ALL: _cancel_all,
        Act.PROTECT: _protect,
        Act.PANIC: _panic,
        Act.RESET: _reset,
        Act.STATE: _state,
    }
)


def operate(
    act: Act, desk: Desk | None, venue: SimulatedVenue, symbol: Symbol, dice: random.Random
) -> bool:
    """Ask something of a desk that runs; tells whether it was an act of that kind."""
    operation = _OPERATIONS.get(act)
    if operation is not None and desk is not None:
        operation(desk, venue, symbol, dice)
    return operation is not None


class Outside:
    """What a market does, and somebody in the venue's app.

    ``count`` is told what went wrong, and ``watch`` what the desk cannot be blamed for.

    ``is_begun`` tells whether the books were opened: what somebody traded before is in the wallet
    that they begin with, and no record of the desk's.
    """

    def __init__(
        self,
        venue: SimulatedVenue,
        timeline: Timeline,
        *,
        count: Callable[[Fault], None],
        watch: Watch,
        is_begun: Callable[[], bool],
    ) -> None:
        self._venue = venue
        self._is_begun = is_begun
        self._timeline = timeline
        self._script: Script = venue.script
        self._count = count
        self._watch = watch
        self._acts: Mapping[Act, Callable[[Symbol, random.Random], None]] = {
            Act.MOVE: partial(self._move, reach=(60, 150)),
            Act.LEAP: partial(self._move, reach=(400, 900, 1_600)),
            Act.FILL: self._fill,
            Act.OUTRUN: self._outrun,
            Act.FUNDING: self._funding,
            Act.LIQUIDATE: self._liquidate,
            Act.CLOSE_BY_HAND: self._close,
            Act.STOP_BY_HAND: self._take_stop,
            Act.LEVERAGE_BY_HAND: self._lever,
            Act.ENTRY_BY_HAND: self._enlarge,
            Act.FOREIGN: self._foreign,
        }

    def act(self, act: Act, symbol: Symbol, dice: random.Random) -> bool:
        """Do it, unless no venue could just now; tells whether it was an act of this kind."""
        done = self._acts.get(act)
        if done is None:
            return False
        try:
            done(symbol, dice)
        except ScriptError:
            # There is nothing to fill, to close or to liquidate: it does not happen.
            return True
        return True

    def _move(self, symbol: Symbol, dice: random.Random, *, reach: tuple[int, ...]) -> None:
        price = _price_of(self._venue, symbol) + dice.choice(reach) * dice.choice((-1, 1))
        thin = dice.choice((None, None, Qty.of(dice.choice((5, 40, 200))) * _STEP))
        self._script.move(symbol, last=Price.of(max(price, 1_000)), bid_size=thin, ask_size=thin)
        if thin is not None:
            # Somebody else offers again soon: a close on a thin market comes to its end.
            self._timeline.after(REFILL_MS, partial(self._script.move, symbol))

    def _live(self, symbol: Symbol) -> list[OrderReport]:
        orders = self._venue.truth.live(symbol)
        return [o for o in orders if o.client_id is not None and o.trigger is None]

    def _fill(self, symbol: Symbol, dice: random.Random) -> None:
        live = self._live(symbol)
        if not live:
            return
        order = dice.choice(live)
        left = order.qty - order.qty_filled
        part = dice.choice((left, min(left, Qty.of(dice.choice((1, 20, 90))) * _STEP)))
        self._script.fill(order.venue_id, part)
        if part < left:
            self._count(Fault.PARTIAL_FILL)

    def fill_youngest(self) -> None:
        """Fill the order that came last, whole: nobody watches, and the history alone shows it."""
        truth = self._venue.truth
        for order in reversed(truth.orders.values()):
            if truth.is_live(order) and order.client_id is not None and order.trigger is None:
                self._script.fill(order.venue_id, order.qty - order.qty_filled)
                return

    def _outrun(self, symbol: Symbol, dice: random.Random) -> None:
        resting = [order for order in self._live(symbol) if order.price is not None]
        if resting:
            order = dice.choice(resting)
            assert order.price is not None, f"{order.venue_id} rests without a price"
            self._script.outrun_cancel(order.venue_id, order.price)
            self._count(Fault.CANCEL_OUTRUN)

    def _funding(self, symbol: Symbol, dice: random.Random) -> None:
        self._script.pay_funding(symbol, Rate.of(dice.choice(("0.0001", "-0.0002"))))

    def _liquidate(self, symbol: Symbol, _: random.Random) -> None:
        side = self._venue.truth.position(symbol).side
        if side is None:
            return
        far = Price.of(_price_of(self._venue, symbol) - side.sign * 20_000)
        self._script.liquidate(symbol, far)
        self._count(Fault.LIQUIDATED)

    def _close(self, symbol: Symbol, _: random.Random) -> None:
        self._script.close_by_hand(symbol)
        self._count(Fault.CLOSED_BY_HAND)

    def _take_stop(self, symbol: Symbol, _: random.Random) -> None:
        if self._venue.truth.leg(symbol, Origin.STOP_LOSS) is None:
            return
        self._watch.excuse(symbol)
        self._venue.clear_stop(PositionStop(symbol=symbol, stop_loss=Price.of(0)))
        self._count(Fault.STOP_REMOVED)

    def _lever(self, symbol: Symbol, dice: random.Random) -> None:
        if self._venue.lever(symbol, Rate.of(dice.choice((2, 5, 8)))):
            self._watch.levered(symbol)
            self._count(Fault.LEVERAGE_CHANGED)

    def _enlarge(self, symbol: Symbol, dice: random.Random) -> None:
        entries = [o for o in self._venue.truth.live(symbol) if self._watch.is_entry(o.client_id)]
        if not entries:
            return
        order = dice.choice(entries)
        assert order.client_id is not None, "an entry of the desk's without its id"
        more = Qty.of(dice.choice((10, 300))) * _STEP
        change = Amendment(symbol=symbol, client_id=order.client_id, qty=order.qty + more)
        self._watch.enlarged(order.client_id, order.qty)
        if self._venue.change(change):
            self._count(Fault.ENTRY_ENLARGED)

    def _foreign(self, symbol: Symbol, dice: random.Random) -> None:
        if not self._is_begun():
            return
        side, qty = dice.choice(list(Side)), Qty.of(dice.choice((3, 60))) * _STEP
        price = _price_of(self._venue, symbol) - side.sign * 200
        at = dice.choice((None, Price.of(price)))
        self._script.foreign_order(symbol, side=side, qty=qty, price=at)
        self._count(Fault.FOREIGN_ORDER)
