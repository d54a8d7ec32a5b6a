"""A held position as the rules of protection look at it: what the books say, and the venue."""

from typing import Any

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.draft import Draft
from tidegate.domain.core.inputs import ProtectRequest
from tidegate.domain.core.protect_requests import held_position
from tidegate.domain.core.state import State
from tidegate.domain.core.step import step
from tidegate.domain.management import Management
from tidegate.domain.money import Distance, Price, Qty
from tidegate.domain.orders import Side
from tidegate.domain.position import FLAT
from tidegate.domain.protection import ProtectionChange
from tidegate.domain.risk.rules_protection import HeldPosition

from tests.application.bench import BTC, make_bench

from .protection_scenes import managed
from .scenes import config, opened

T0 = 1_700_000_000_000


def reported(state: State, **changes: Any) -> State:
    """Return the same desk where the venue's report of the position differs."""
    report = attrs.evolve(state.view.positions[BTC], **changes)
    return attrs.evolve(state, view=attrs.evolve(state.view, positions={BTC: report}))


def ours(side: Side = Side.BUY) -> State:
    """Return a desk that holds 0.010 from 65000, its stop 1000 away."""
    return managed(Management(), side=side, ladder=()).runner.state


def foreign(**changes: Any) -> State:
    """Return a desk whose venue shows a position of which the books know nothing."""
    state = opened(ladder=()).runner.state
    books = attrs.evolve(state.books, positions={BTC: FLAT}, trades={})
    shown: dict[str, Any] = {
        "qty": Qty.of("-0.005"),
        "entry_price": Price.of("64900"),
        "stop_loss": Price.of("66100"),
        "trailing_distance": Distance.of("300"),
        "liquidation_price": Price.of("80000"),
    }
    return reported(attrs.evolve(state, books=books), **{**shown, **changes})


def looked_at(state: State) -> HeldPosition:
    held = held_position(Draft(state, config(), T0), BTC)
    assert isinstance(held, HeldPosition), held
    return held


def fault(state: State) -> str:
    held = held_position(Draft(state, config(), T0), BTC)
    assert isinstance(held, str), held
    return held


def test_a_position_that_the_books_do_not_know_is_as_the_venue_reports_it() -> None:
    held = looked_at(foreign())
    assert (held.symbol, held.side, held.qty) == (BTC, Side.SELL, Qty.of("0.005"))
    assert (held.entry, held.last) == (Price.of("64900"), Price.of("65000"))
    assert (held.stop, held.trailing) == (Price.of("66100"), Distance.of("300"))
    assert (held.liquidation, held.is_reported) == (Price.of("80000"), True)


def test_the_books_tell_what_is_held_and_from_where_where_they_know_it() -> None:
    state = reported(ours(), qty=Qty.of("0.004"), entry_price=Price.of("64000"))
    held = looked_at(state)
    assert (held.side, held.qty, held.entry) == (Side.BUY, Qty.of("0.010"), Price.of("65000"))


@pytest.mark.parametrize(
    ("side", "shown", "stop"),
    [
        (Side.BUY, "64500", "64500"),
        (Side.BUY, "63500", "64000"),
        (Side.BUY, None, "64000"),
        (Side.SELL, "65500", "65500"),
        (Side.SELL, "66500", "66000"),
    ],
)
def test_the_tighter_of_the_stop_that_is_wanted_and_the_one_that_is_shown_counts(
    side: Side, shown: str | None, stop: str
) -> None:
    state = reported(ours(side), stop_loss=None if shown is None else Price.of(shown))
    assert looked_at(state).stop == Price.of(stop)


def test_without_a_report_only_what_is_wanted_is_known() -> None:
    state = ours()
    unreported = attrs.evolve(state, view=attrs.evolve(state.view, positions={}))
    for other in (unreported, reported(state, qty=Qty.of(0), stop_loss=Price.of("64900"))):
        held = looked_at(other)
        assert (held.qty, held.entry) == (Qty.of("0.010"), Price.of("65000"))
        assert (held.stop, held.is_reported) == (Price.of("64000"), False)
        assert (held.trailing, held.liquidation) == (None, None)


def test_nothing_is_held_without_a_quantity_or_an_entry_price() -> None:
    flat = make_bench(config=config()).runner.state
    for state in (flat, foreign(qty=Qty.of(0)), foreign(entry_price=None)):
        assert fault(state).startswith("no position in BTCUSDT: protection needs one")


def test_what_a_position_cannot_be_judged_without_is_named() -> None:
    state = ours()
    without_spec = attrs.evolve(state, view=attrs.evolve(state.view, instruments={}))
    without_price = attrs.evolve(state, view=attrs.evolve(state.view, tickers={}))
    rest = "of BTCUSDT not known: nothing is sent without"
    assert fault(without_spec) == f"instrument specification {rest}"
    assert fault(without_price) == f"price {rest}"


def test_a_refusal_names_the_symbol_and_the_request() -> None:
    change = ProtectionChange(stop_loss=Price.of("64000"))
    flat = make_bench(config=config()).runner.state
    made = step(flat, ProtectRequest(symbol=BTC, key="r", change=change), config(), T0)
    (refused,) = made.events
    assert isinstance(refused, ev.ProtectionRefused)
    assert (refused.symbol, refused.key, refused.time_ms) == (BTC, "r", T0)
