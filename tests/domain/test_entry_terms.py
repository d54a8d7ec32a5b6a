"""The exact terms of an entry, for every family: golden values by hand on a tick of 0.5."""

import pytest
from tidegate.domain.costs import Costs
from tidegate.domain.entry_terms import EntryFault, EntryTerms, entry_terms, time_in_force_of
from tidegate.domain.instrument import FeeRates
from tidegate.domain.money import Distance, Price, Rate
from tidegate.domain.orders import OrderKind, Side, TimeInForce, Trigger, TriggerDirection
from tidegate.domain.signal import Entry
from tidegate.domain.triggers import TriggerSpec

TICK = Distance.of("0.5")
COSTS = Costs(
    fees=FeeRates(maker=Rate.of("0.0002"), taker=Rate.of("0.00055")),
    entry_slippage=Rate.of("0.001"),
    stop_slippage=Rate.of("0.001"),
)
LIMIT, MARKET = OrderKind.LIMIT, OrderKind.MARKET
RISES, FALLS = TriggerDirection.RISES_TO, TriggerDirection.FALLS_TO


def price(text: str | None) -> Price | None:
    return None if text is None else Price.of(text)


def terms(entry: Entry, side: Side = Side.BUY) -> EntryTerms | EntryFault:
    return entry_terms(
        entry,
        side=side,
        reference=Price.of(65000),
        watched=Price.of(64900),
        tick=TICK,
        costs=COSTS,
    )


@pytest.mark.parametrize(
    ("kind", "limit", "trigger", "side", "wanted"),
    [
        # kind, price, trigger, side -> entry, worst, trigger sent, direction
        (MARKET, None, None, Side.BUY, ("65000", "65065", None, None)),
        (MARKET, None, None, Side.SELL, ("65000", "64935", None, None)),
        (LIMIT, "64000.3", None, Side.BUY, ("64000", "64000", None, None)),
        (LIMIT, "64000.3", None, Side.SELL, ("64000.5", "64000.5", None, None)),
        (MARKET, None, "66000.3", Side.BUY, ("66000.5", "66066.5005", "66000.5", RISES)),
        (MARKET, None, "64000.3", Side.SELL, ("64000", "63936", "64000", FALLS)),
        (MARKET, None, "64000.3", Side.BUY, ("64000", "64064", "64000", FALLS)),
        (LIMIT, "66100.3", "66000.3", Side.BUY, ("66100", "66100", "66000.5", RISES)),
        (LIMIT, "63900.3", "64000.3", Side.SELL, ("63900.5", "63900.5", "64000", FALLS)),
    ],
)
def test_each_family_has_its_decision_price_its_worst_fill_and_its_trigger(
    kind: OrderKind,
    limit: str | None,
    trigger: str | None,
    side: Side,
    wanted: tuple[str, str, str | None, TriggerDirection | None],
) -> None:
    spec = None if trigger is None else TriggerSpec(price=Price.of(trigger))
    made = terms(Entry(kind=kind, price=price(limit), trigger=spec), side)
    assert isinstance(made, EntryTerms), made
    sent = made.trigger
    assert (made.entry, made.worst) == (Price.of(wanted[0]), Price.of(wanted[1]))
    assert (None if sent is None else (sent.price, sent.direction)) == (
        None if wanted[2] is None else (Price.of(wanted[2]), wanted[3])
    )


@pytest.mark.parametrize(
    ("side", "asked", "sent"), [(Side.BUY, "66000.3", "66000"), (Side.SELL, "64000.3", "64000.5")]
)
def test_a_take_profit_rounds_toward_the_entry(side: Side, asked: str, sent: str) -> None:
    made = terms(Entry(take_profit=Price.of(asked)), side)
    assert isinstance(made, EntryTerms)
    assert made.take_profit == Price.of(sent)


@pytest.mark.parametrize(("side", "near"), [(Side.BUY, "65000.5"), (Side.SELL, "64999.5")])
def test_a_take_profit_one_tick_away_is_the_nearest(side: Side, near: str) -> None:
    assert isinstance(terms(Entry(take_profit=Price.of(near)), side), EntryTerms)
    fault = terms(Entry(take_profit=Price.of(65000)), side)
    where = "above" if side is Side.BUY else "below"
    assert fault == EntryFault(
        observed="take-profit 65000.0 of an entry at 65000",
        limit=f"{where} 65000 by one tick of 0.5 or more",
        remedy=f"give a take-profit {where} the entry",
    )


@pytest.mark.parametrize(
    ("entry", "observed", "limit", "remedy"),
    [
        (
            Entry(price=Price.of(1)),
            "a market entry with price 1",
            "a market entry has no price",
            "leave the price out, or ask for a limit entry",
        ),
        (
            Entry(kind=LIMIT),
            "a limit entry without a price",
            "a limit entry has a price",
            "give a price, or ask for a market entry",
        ),
        (
            Entry(time_in_force=TimeInForce.GTC),
            "a market entry with time in force gtc",
            "a market entry is ioc",
            "leave it out, or ask for a limit entry",
        ),
        (
            Entry(kind=LIMIT, price=Price.of(0)),
            "an entry with price 0",
            "above 0",
            "give a price above zero, or none",
        ),
        (
            Entry(trigger=TriggerSpec(price=Price.of(-1))),
            "an entry with trigger -1",
            "above 0",
            "give a trigger above zero, or none",
        ),
        (
            Entry(take_profit=Price.of(0)),
            "an entry with take-profit 0",
            "above 0",
            "give a take-profit above zero, or none",
        ),
        (
            Entry(trigger=TriggerSpec(price=Price.of(64000), direction=RISES)),
            "trigger 64000.0 has been passed: the last price is 64900",
            "a trigger that the price rises to must lie above 64900",
            "give a trigger above 64900, the other direction, or an order without a trigger",
        ),
    ],
)
def test_what_contradicts_itself_is_refused_with_what_would_do(
    entry: Entry, observed: str, limit: str, remedy: str
) -> None:
    assert terms(entry) == EntryFault(observed=observed, limit=limit, remedy=remedy)


def test_a_market_order_that_says_ioc_says_what_it_is() -> None:
    assert terms(Entry(time_in_force=TimeInForce.IOC)) == terms(Entry())


def test_a_trigger_is_not_planned_without_a_present_price() -> None:
    entry = Entry(trigger=TriggerSpec(price=Price.of(66000)))
    with pytest.raises(AssertionError, match="without a present price"):
        entry_terms(
            entry, side=Side.BUY, reference=Price.of(65000), watched=None, tick=TICK, costs=COSTS
        )


def test_without_a_wish_a_market_order_does_not_rest_and_a_limit_does() -> None:
    assert time_in_force_of(MARKET, None) is TimeInForce.IOC
    assert time_in_force_of(LIMIT, None) is TimeInForce.GTC
    for wish in TimeInForce:
        assert time_in_force_of(LIMIT, wish) is wish


def test_the_direction_given_is_the_direction_sent() -> None:
    spec = TriggerSpec(price=Price.of(64000), direction=FALLS)
    made = terms(Entry(trigger=spec))
    assert isinstance(made, EntryTerms)
    assert made.trigger == Trigger(price=Price.of(64000), direction=FALLS)
