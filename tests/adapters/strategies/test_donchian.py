"""The shipped breakout strategy: golden decisions by hand, and rules over any bars."""

from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.adapters.strategies import DonchianBreakout
from tidegate.domain.indicators import donchian
from tidegate.domain.money import Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import OrderKind, Side, Symbol
from tidegate.domain.position import FLAT, Position
from tidegate.domain.reports import Bar
from tidegate.domain.signal import RiskFraction, RungSpec, Signal, StopAtr
from tidegate.ports.strategy import Exit, StrategyView

SYMBOL = Symbol("BTCUSDT-DEMO")
START_MS = 1_500_000_000_000
HOUR_MS = 3_600_000
LONG = Position(qty=Qty.of(1), cost=Money.of(100))
SHORT = Position(qty=Qty.of(-1), cost=Money.of(-100))


def bars(*rows: tuple[str, str, str]) -> list[Bar]:
    """Return bars of (high, low, close) that open at their close."""
    return [
        Bar(
            symbol=SYMBOL,
            start_ms=START_MS + i * HOUR_MS,
            end_ms=START_MS + (i + 1) * HOUR_MS,
            open=Price.of(close),
            high=Price.of(high),
            low=Price.of(low),
            close=Price.of(close),
            volume=Qty.of(1),
        )
        for i, (high, low, close) in enumerate(rows)
    ]


def view(position: Position = FLAT, *, has_pending_entry: bool = False) -> StrategyView:
    return StrategyView(
        symbol=SYMBOL,
        position=position,
        has_pending_entry=has_pending_entry,
        equity=Money.of(10_000),
    )


SMALL = DonchianBreakout(channel=3, atr_bars=2)
BEFORE = (("105", "95", "100"), ("110", "98", "104"), ("108", "99", "106"))
# The channel of the three bars before is 95 to 110.
UP = bars(*BEFORE, ("114", "105", "111"))
DOWN = bars(*BEFORE, ("107", "90", "94"))
INSIDE = bars(*BEFORE, ("120", "90", "110"))


def test_a_close_above_the_channel_goes_long_with_a_stop_of_two_ranges() -> None:
    # True ranges of the last two bars: bar 3: 108 - 99 = 9, its previous close 104 lies inside;
    # bar 4: high 114, low 105, previous close 106 inside: 9. Mean of 9 and 9: 9.
    assert SMALL.decide(UP, view()) == Signal(
        signal_id=f"donchian3-BTCUSDT-DEMO-{START_MS + 3 * HOUR_MS}",
        symbol=SYMBOL,
        side=Side.BUY,
        sizing=RiskFraction(Rate.of("0.01")),
        stop=StopAtr(Rate.of(2), Distance.of(9)),
        ladder=(
            RungSpec(Rate.of(1), Rate.of("0.3")),
            RungSpec(Rate.of(2), Rate.of("0.3")),
            RungSpec(Rate.of(3), Rate.of("0.4")),
        ),
    )


def test_a_close_below_the_channel_goes_short() -> None:
    # True ranges: 9 as above; bar 4: high 107, low 90, previous close 106 inside: 17. Mean: 13.
    signal = SMALL.decide(DOWN, view())
    assert isinstance(signal, Signal)
    assert signal.side is Side.SELL
    assert signal.stop == StopAtr(Rate.of(2), Distance.of(13))
    assert signal.entry.kind is OrderKind.MARKET


def test_the_range_counts_from_the_previous_close_across_a_jump() -> None:
    # Bar 4 trades from 120 to 125 after a close of 106: 125 - 106 = 19. Mean of 9 and 19: 14.
    signal = SMALL.decide(bars(*BEFORE, ("125", "120", "121")), view())
    assert isinstance(signal, Signal)
    assert signal.stop == StopAtr(Rate.of(2), Distance.of(14))


@pytest.mark.parametrize("close", ["110", "95", "100"])
def test_a_close_at_the_channel_or_inside_is_no_break(close: str) -> None:
    assert SMALL.decide(bars(*BEFORE, ("130", "80", close)), view()) is None


def test_the_channel_is_that_of_the_bars_before_and_no_older() -> None:
    # With an average of 4 bars the window is 5; the oldest bar, up to 200, is outside the channel.
    strategy = DonchianBreakout(channel=3, atr_bars=4)
    assert strategy.window == 5
    signal = strategy.decide(bars(("200", "1", "100"), *BEFORE, ("114", "105", "111")), view())
    assert isinstance(signal, Signal)


@pytest.mark.parametrize(
    ("window", "position", "has_pending", "expected"),
    [
        (UP, LONG, False, None),
        (UP, SHORT, False, Exit),
        (UP, FLAT, True, None),
        (UP, SHORT, True, Exit),
        (DOWN, SHORT, False, None),
        (DOWN, LONG, False, Exit),
        (DOWN, LONG, True, Exit),
        (DOWN, FLAT, True, None),
        (INSIDE, LONG, False, None),
        (INSIDE, SHORT, True, None),
    ],
)
def test_what_is_held_or_pending_decides_what_a_break_means(
    window: list[Bar], position: Position, has_pending: bool, expected: type[Exit] | None
) -> None:
    decision = SMALL.decide(window, view(position, has_pending_entry=has_pending))
    assert (None if decision is None else type(decision)) is expected


def test_an_exit_has_an_id_of_its_own_and_says_why() -> None:
    assert SMALL.decide(DOWN, view(LONG)) == Exit(
        signal_id=f"donchian3-BTCUSDT-DEMO-{START_MS + 3 * HOUR_MS}-exit",
        symbol=SYMBOL,
        reason="close 94 broke the 3-bar channel: sell",
    )


def test_two_channels_on_one_symbol_do_not_share_an_id() -> None:
    longer = bars(("105", "95", "100"), *BEFORE, ("114", "105", "111"))
    ids = {
        decision.signal_id
        for decision in (
            DonchianBreakout(channel=3, atr_bars=4).decide(longer, view()),
            DonchianBreakout(channel=4, atr_bars=4).decide(longer, view()),
        )
        if decision is not None
    }
    assert len(ids) == 2


@pytest.mark.parametrize("count", [0, 3, 5])
def test_another_number_of_bars_is_refused(count: int) -> None:
    rows = (UP * 2)[:count]
    with pytest.raises(ValueError, match=f"^{count} bars; accepted: exactly 4$"):
        SMALL.decide(rows, view())


def test_the_defaults_are_a_channel_of_55_and_a_range_of_14() -> None:
    strategy = DonchianBreakout()
    assert (strategy.window, strategy.atr_bars) == (56, 14)
    assert strategy.risk_fraction == Rate.of("0.01")


def test_parameters_are_taken_as_a_file_or_a_command_line_gives_them() -> None:
    assert DonchianBreakout(
        channel="20",
        atr_bars=10,
        stop_multiple=Decimal("1.5"),
        risk_fraction="0.005",
        ladder=[("1", Decimal("0.5")), (2, "0.5")],
    ) == DonchianBreakout(
        channel=20,
        atr_bars=10,
        stop_multiple=Rate.of("1.5"),
        risk_fraction=Rate.of("0.005"),
        ladder=(RungSpec(Rate.of(1), Rate.of("0.5")), RungSpec(Rate.of(2), Rate.of("0.5"))),
    )


def test_a_strategy_may_have_no_ladder() -> None:
    signal = DonchianBreakout(channel=3, atr_bars=2, ladder=()).decide(UP, view())
    assert isinstance(signal, Signal)
    assert signal.ladder == ()


@pytest.mark.parametrize(
    ("params", "kind", "message"),
    [
        ({"channel": 1}, ValueError, "channel 1; accepted: 2 to 10000"),
        ({"channel": 10_001}, ValueError, "channel 10001; accepted: 2 to 10000"),
        ({"atr_bars": 0}, ValueError, "atr_bars 0; accepted: 1 to 10000"),
        ({"channel": "x"}, TypeError, "'x' is no whole number; accepted: a number such as 55"),
        ({"channel": True}, TypeError, "True is no whole number"),
        ({"channel": Decimal("5.5")}, TypeError, "no whole number"),
        ({"stop_multiple": 0}, ValueError, "stop_multiple 0; accepted: above zero"),
        ({"stop_multiple": 1.5}, TypeError, "1.5 is a float; accepted: Decimal"),
        ({"risk_fraction": 1}, ValueError, "risk_fraction 1; accepted: a fraction above 0"),
        ({"risk_fraction": "-0.01"}, ValueError, "risk_fraction -0.01; accepted"),
        ({"ladder": [("0", "1")]}, ValueError, "reward-to-risk 0; accepted: above zero"),
        ({"ladder": [("2", "0.5"), ("1", "0.5")]}, ValueError, "reward-to-risk 1; accepted"),
        ({"ladder": [("1", "0")]}, ValueError, "close fraction 0; accepted: above 0"),
        ({"ladder": [("1", "1.5")]}, ValueError, "close fraction 1.5; accepted"),
        ({"ladder": [("1", "0.6"), ("2", "0.6")]}, ValueError, "closes 1.2 of the position"),
        ({"ladder": [("1", "0.1", "2")]}, TypeError, "accepted: a pair"),
        ({"ladder": ["12"]}, TypeError, "rung '12'; accepted: a pair"),
        (
            {"ladder": [(i, "0.01") for i in range(1, 12)]},
            ValueError,
            "ladder of 11 rungs; accepted: up to 10",
        ),
    ],
)
def test_a_bad_parameter_is_refused_with_what_is_accepted(
    params: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as error:
        DonchianBreakout(**params)
    assert message in str(error.value)


HUNDREDTHS = st.integers(9_000, 11_000)


@st.composite
def windows(draw: st.DrawFn, count: int) -> list[Bar]:
    rows = []
    for _ in range(count):
        low, close, high = sorted(draw(st.lists(HUNDREDTHS, min_size=3, max_size=3)))
        rows.append((str(high), str(low), str(close)))
    return bars(*rows)


@settings(deadline=None, max_examples=100)
@given(window=windows(7))
def test_it_breaks_out_exactly_where_the_channel_says(window: list[Bar]) -> None:
    decision = DonchianBreakout(channel=6, atr_bars=3).decide(window, view())
    channel = donchian(window[:-1], 6)
    close = window[-1].close
    if close > channel.high or close < channel.low:
        assert isinstance(decision, Signal)
        assert decision.side is (Side.BUY if close > channel.high else Side.SELL)
        assert isinstance(decision.stop, StopAtr)
        assert decision.stop.atr > Distance.of(0)
    else:
        assert decision is None


def mirrored(window: list[Bar]) -> list[Bar]:
    """Turn prices upside down around 10,000."""

    def flip(price: Price) -> Price:
        return Price(20_000 - price.value)

    return [
        attrs.evolve(b, open=flip(b.open), high=flip(b.low), low=flip(b.high), close=flip(b.close))
        for b in window
    ]


@settings(deadline=None, max_examples=100)
@given(window=windows(7))
def test_long_and_short_are_mirror_images(window: list[Bar]) -> None:
    strategy = DonchianBreakout(channel=6, atr_bars=3)
    seen, turned = strategy.decide(window, view()), strategy.decide(mirrored(window), view())
    if seen is None:
        assert turned is None
        return
    assert isinstance(seen, Signal)
    assert turned == attrs.evolve(seen, side=seen.side.opposite)
