"""A change of protection between its request and its end: when it is asked for, what settles it."""

from collections.abc import Iterable

import attrs
import pytest
from tidegate.domain.core import events as ev
from tidegate.domain.core.changing import next_change_ms
from tidegate.domain.core.draft import Draft
from tidegate.domain.core.effects import ReadPosition, SetProtection
from tidegate.domain.core.inputs import Input, ProtectionAnswered, ProtectRequest, TimePassed
from tidegate.domain.core.managed import Managed
from tidegate.domain.core.state import State
from tidegate.domain.core.step import Step, step
from tidegate.domain.lifecycle import Status
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import ProtectiveLeg
from tidegate.domain.protection import NakedPositions, PartialPair, ProtectionChange
from tidegate.domain.reports import OrderReport, Origin

from tests.application.bench import BTC

from .protection_scenes import policy
from .scenes import config, opened
from .test_naked import foreign, woken

T0 = 1_700_000_000_000
STOP = ProtectionChange(stop_loss=Price.of("64500"))
PAIR = PartialPair(qty=Qty.of("0.004"), stop_loss=ProtectiveLeg(price=Price.of("64500")))


def give(state: State, item: Input, at: int) -> Step:
    return step(state, item, config(), T0 + at)


def sent(change: ProtectionChange = STOP) -> Step:
    """Return the step that sends a change for a position of ours."""
    made = give(
        opened(ladder=()).runner.state, ProtectRequest(symbol=BTC, key="r", change=change), 0
    )
    assert made.effects == (SetProtection(symbol=BTC, key="r", change=change),)
    return made


def asks(made: Step) -> bool:
    """Tell whether a step reads the position."""
    return any(isinstance(effect, ReadPosition) for effect in made.effects)


def kinds(events: Iterable[ev.Event]) -> list[type[ev.Event]]:
    return [type(event) for event in events]


def test_a_change_is_asked_for_a_while_after_its_request_and_after_its_answer() -> None:
    made = sent()
    assert not asks(give(made.state, TimePassed(), 999))
    assert asks(give(made.state, TimePassed(), 1_000))
    taken = give(made.state, ProtectionAnswered(symbol=BTC, key="r", refusal=None), 700)
    assert asks(taken)
    assert not asks(give(taken.state, TimePassed(), 1_699))
    assert asks(give(taken.state, TimePassed(), 1_700))


@pytest.mark.parametrize(
    ("refusal", "cause"), [("connection reset", "connection reset"), (None, "no answer")]
)
def test_an_answer_that_says_nothing_is_recorded_with_its_cause(
    refusal: str | None, cause: str
) -> None:
    answer = ProtectionAnswered(symbol=BTC, key="r", refusal=refusal, is_unknown=True)
    unclear = give(sent().state, answer, 10)
    wait_ms = config().not_found_final_ms + config().stop_verify_ms
    assert unclear.events == (
        ev.ProtectionUnknown(symbol=BTC, key="r", cause=cause, settle_by_ms=T0 + 10 + wait_ms),
    )
    assert unclear.state.books.protecting[BTC].settle_by_ms == T0 + 10 + wait_ms


def test_a_take_profit_is_confirmed_by_a_report_that_shows_it_and_by_no_other() -> None:
    change = ProtectionChange(take_profit=Price.of("70000"))
    state = sent(change).state
    report = state.view.positions[BTC]
    without = give(state, attrs.evolve(report, time_ms=report.time_ms + 1), 10)
    assert ev.ProtectionConfirmed not in kinds(without.events)
    shown = attrs.evolve(report, take_profit=Price.of("70000"), time_ms=report.time_ms + 1)
    assert ev.ProtectionConfirmed in kinds(give(state, shown, 10).events)


def test_a_foreign_position_that_is_flat_has_nothing_left_to_protect() -> None:
    bench = foreign(NakedPositions.PROTECT)
    made = woken(bench.runner.state, bench, NakedPositions.PROTECT)
    (intended,) = [e for e in made.events if isinstance(e, ev.ProtectionIntended)]
    report = made.state.view.positions[BTC]
    flat = attrs.evolve(report, qty=Qty.of(0), time_ms=report.time_ms + 1)
    now_ms = bench.venue.now_ms() + 5_001
    ended = step(made.state, flat, policy(naked_positions=NakedPositions.PROTECT), now_ms)
    assert [e for e in ended.events if isinstance(e, ev.ProtectionFailed)] == [
        ev.ProtectionFailed(
            symbol=BTC,
            key=intended.key,
            reason=None,
            message="BTCUSDT is flat: there is nothing to protect",
            time_ms=now_ms,
        )
    ]
    assert ended.state.books.protecting == {}


def test_a_change_of_a_trade_waits_for_the_execution_that_ends_it() -> None:
    state = sent().state
    report = state.view.positions[BTC]
    flat = attrs.evolve(report, qty=Qty.of(0), stop_loss=None, time_ms=report.time_ms + 1)
    assert ev.ProtectionFailed not in kinds(give(state, flat, 10).events)


def leg(state: State) -> OrderReport:
    """Return the venue's own order for the stop of the pair, made when it was asked for."""
    (full,) = [o for o in opened(ladder=()).venue.open_orders() if o.origin is Origin.STOP_LOSS]
    assert full.trigger is not None
    return attrs.evolve(
        full,
        qty=PAIR.qty,
        trigger=attrs.evolve(full.trigger, price=Price.of("64500")),
        created_ms=state.books.protecting[BTC].intended.time_ms,
    )


def test_an_order_of_a_pair_settles_it_before_its_answer_where_it_is_new_and_open() -> None:
    state = sent(ProtectionChange(pair=PAIR)).state
    order = leg(state)
    assert ev.ProtectionConfirmed in kinds(give(state, order, 10).events)
    for other in (
        attrs.evolve(order, created_ms=order.created_ms - 1),
        attrs.evolve(order, status=Status.CANCELLED),
        attrs.evolve(order, trigger=None),
    ):
        assert ev.ProtectionConfirmed not in kinds(give(state, other, 10).events)


def test_the_wait_after_a_refusal_is_a_millisecond_where_asking_again_needs_none() -> None:
    state = opened(ladder=()).runner.state
    trade = attrs.evolve(state.books.trades[BTC], managed=Managed(refusals=1, refused_ms=T0))
    for ask_again_ms, wait_ms in ((0, 1), (1, 1), (2, 2)):
        settings = policy(ask_again_ms=ask_again_ms)
        assert next_change_ms(Draft(state, settings, T0), trade) == T0 + wait_ms
