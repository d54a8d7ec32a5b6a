"""Random sessions at the paper venue: market data and requests, as Hypothesis draws them."""

from collections.abc import Callable, Iterator
from random import Random

import attrs
from hypothesis import strategies as st
from tidegate.domain.money import Distance, Price, Rate
from tidegate.domain.orders import Side, TimeInForce
from tidegate.ports.exchange import PositionStop
from tidegate.ports.feed import FeedItem

from tests.adapters.paper.bench import SYMBOL, Bench

__all__ = ["Act", "carry_out", "run", "session", "sessions"]

_KINDS = (
    ["bar"] * 4
    + ["trade"] * 3
    + ["quote", "mark", "funding"]
    + ["order"] * 8
    + ["cancel", "amend", "protect", "protect", "leverage"]
)


@attrs.frozen
class Act:
    """One step: a name and its numbers."""

    name: str
    numbers: tuple[int, ...]
    side: Side = Side.BUY


def session(seed: int, steps: int) -> list[Act]:
    """Draw a session around a wandering price; every step may be refused by the venue."""
    random = Random(seed)  # noqa: S311 - a sweep that can be repeated
    price, acts = 20_000, []
    for _ in range(steps):
        side = random.choice(list(Side))
        kind = random.choice(_KINDS)
        if kind in {"bar", "trade", "quote", "mark"}:
            price += random.randint(-300, 300)
        acts.append(Act(kind, _numbers(random, kind, price), side))
    return acts


def _numbers(random: Random, kind: str, price: int) -> tuple[int, ...]:
    def near(spread: int) -> int:
        return price + random.randint(-spread, spread)

    def upto(most: int) -> int:
        return random.randint(0, most)

    draws: dict[str, Callable[[], tuple[int, ...]]] = {
        "bar": lambda: (near(50), near(400), near(400), near(200), upto(40)),
        "trade": lambda: (price, upto(9)),
        "quote": lambda: (price, 1 + upto(200)),
        "mark": lambda: (near(100),),
        "funding": lambda: (upto(800) - 400,),
        "order": lambda: (1 + upto(4000), near(150), upto(12), near(500)),
        "cancel": lambda: (upto(9),),
        "amend": lambda: (upto(9), near(300)),
        "protect": lambda: (near(500), near(500), upto(900)),
        "leverage": lambda: (random.choice([2, 10, 50, 100]),),
    }
    return draws[kind]()


def sessions() -> st.SearchStrategy[list[Act]]:
    """Draw sessions by seed and length."""
    return st.builds(session, seed=st.integers(0, 2**32), steps=st.integers(5, 40))


def run(bench: Bench, acts: list[Act]) -> Iterator[None]:
    """Carry a session out, pausing after every request and every piece of market data."""
    bench.price("20000", volume="50")
    yield
    for act in acts:
        yield from carry_out(bench, act)


def carry_out(bench: Bench, act: Act) -> Iterator[None]:
    """Carry one step out, pausing as :func:`run` does."""
    if act.name in {"bar", "trade", "quote", "mark", "funding"}:
        yield from _feed(bench, act)
    else:
        _request(bench, act)
        yield


def _feed(bench: Bench, act: Act) -> Iterator[None]:
    index = bench.venue.cursor()
    item = _item(bench, act)
    while bench.venue.cursor() == index:
        # One piece from each offer: the venue that goes on may be another one by now.
        next(bench.venue.offer(item, index=index), None)
        yield


def _item(bench: Bench, act: Act) -> FeedItem:
    n = [str(number) for number in act.numbers]
    match act.name:
        case "bar":
            ordered = sorted(act.numbers[:4])
            return bench.bar(n[0], str(ordered[3]), str(ordered[0]), n[3], volume=n[4])
        case "trade":
            return bench.trade(n[0], n[1], side=act.side)
        case "quote":
            return bench.quote(n[0], str(act.numbers[0] + act.numbers[1]), size="3")
        case "mark":
            return bench.mark(n[0])
        case _:
            return bench.funding(f"{act.numbers[0]}e-5")


def _request(bench: Bench, act: Act) -> None:
    venue, n = bench.venue, act.numbers
    orders = venue.open_orders()
    match act.name:
        case "order":
            _order(bench, act)
        case "cancel" if orders:
            venue.cancel(SYMBOL, orders[n[0] % len(orders)].venue_id)
        case "amend" if orders:
            order = orders[n[0] % len(orders)]
            price = Price.of(n[1])
            if order.trigger is None:
                venue.amend(SYMBOL, order.venue_id, price=price)
            else:
                venue.amend(SYMBOL, order.venue_id, trigger_price=price)
        case "protect":
            venue.set_position_stop(
                PositionStop(
                    symbol=SYMBOL,
                    stop_loss=Price.of(n[0]),
                    take_profit=Price.of(n[1]),
                    trailing_distance=Distance.of(n[2]),
                )
            )
            venue.set_position_stop(PositionStop(symbol=SYMBOL, stop_loss=Price.of(n[0])))
            venue.set_position_stop(PositionStop(symbol=SYMBOL, take_profit=Price.of(n[0])))
            venue.set_position_stop(
                PositionStop(symbol=SYMBOL, trailing_distance=Distance.of(n[2]))
            )
        case "leverage":
            venue.set_leverage(SYMBOL, Rate.of(n[0]))
        case _:
            pass


def _order(bench: Bench, act: Act) -> None:
    size, price, kind, other = act.numbers
    qty = f"{size}e-3"
    limits = [TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.POST_ONLY]
    reducing = kind % 3 == 0
    at = str(price) if kind in {1, 2, 3, 4, 5, 6, 11} else None
    trigger = str(other) if kind in {9, 10, 11} else None
    guard = None if reducing or kind % 2 else str(other)
    bench.venue.submit(
        bench.order(
            act.side,
            qty,
            at=at,
            trigger=trigger,
            tif=limits[kind % 4] if at is not None and trigger is None else TimeInForce.GTC,
            reduce_only=reducing,
            stop=guard if act.side is Side.BUY else None,
            target=guard if act.side is Side.SELL else None,
        )
    )
