"""The desk's books equal the oracle's and the venue's at every journal event of whole sessions."""

from pathlib import Path

import attrs
import pytest
from tidegate.adapters.memory.state import MemoryState
from tidegate.adapters.paper.config import PaperConfig, PathRule
from tidegate.adapters.paper.store import PaperStore
from tidegate.adapters.paper.venue import PaperVenue
from tidegate.adapters.strategies import DonchianBreakout
from tidegate.domain.money import ONE, Money, Qty, Rate
from tidegate.domain.orders import Side
from tidegate.domain.reports import Execution, FundingPayment, MarginMode, VenueMessage
from tidegate.domain.risk.limits import RiskLimits
from tidegate.domain.signal import ExactQty, MarginAtLeverage
from tidegate.domain.trade import CloseReason
from tidegate.ports.session import SessionReport

from .market import BTC_MONTH, BYBIT, XRP, btc_month, bybit_half_day, made_up, xrp_week
from .oracle import BooksFault
from .recorder import Log, RecordedVenue
from .sessions import (
    DEMO,
    HOUR_MS,
    LAX,
    QUICK,
    Opener,
    Parts,
    Plan,
    hours,
    open_venue,
    parts_in_files,
    parts_in_memory,
)
from .watch import Watch, run_watched

_RECKLESS = attrs.evolve(
    LAX,
    stop_required=False,
    leverage_max=Rate.of("50"),
    liquidation_distance_min=Rate.of("0.001"),
    exposure_max=Rate.of("60"),
    concentration_max=Rate.of("60"),
    risk_per_trade_max=Rate.of("60"),
    position_notional_max=Money.of("1000000"),
    loss_cooldown_ms=0,
    symbol_losses_in_row_max=1_000,
)
"""Limits that let a position be lost to the venue."""


def _run(plan: Plan) -> tuple[SessionReport, Watch]:
    return run_watched(plan, parts_in_memory(plan))


def _assert_present(watch: Watch, *names: str) -> None:
    missing = [name for name in (*names, "open", "flat", "equal to the venue")
               if not watch.counts[name]]  # fmt: skip
    assert not missing, f"the run never had {missing}: {dict(watch.counts)}"


@pytest.mark.parametrize("latency_ms", [0, pytest.param(250, marks=pytest.mark.sweep), 1_500_000])
def test_the_books_are_exact_at_every_event_of_a_slice(latency_ms: int, *, whole: bool) -> None:
    plan = Plan(feed=hours(0, 900 if whole else 550), config=PaperConfig(latency_ms=latency_ms))
    report, watch = _run(plan)
    assert report.is_complete
    _assert_present(watch, "funding", "stop", "target", "signal", "refusals")
    assert watch.counts["trades"] == report.summary.trades >= 15


def test_the_books_are_exact_in_files_too(tmp_path: Path) -> None:
    plan = Plan(feed=hours(2_000, 2_300))
    _, watch = run_watched(plan, parts_in_files(plan, tmp_path))
    _assert_present(watch, "funding", "trades")


def test_the_books_are_exact_over_the_bundled_hours(*, whole: bool) -> None:
    plan = Plan(
        feed=hours(0, None if whole else 1_800),
        strategy=DonchianBreakout(),
        config=PaperConfig(latency_ms=250),
        limits=RiskLimits(market_age_ms_max=HOUR_MS),
    )
    report, watch = _run(plan)
    assert report.items_done == len(plan.feed)
    _assert_present(watch, "funding", "stop", "target", "signal", "refusals")


@pytest.mark.parametrize("path", list(PathRule), ids=lambda rule: rule.name.lower())
def test_the_books_are_exact_whatever_way_the_price_takes(path: PathRule, *, whole: bool) -> None:
    plan = Plan(feed=hours(4_000, 4_400 if whole else 4_200), config=PaperConfig(path=path, seed=3))
    _, watch = _run(plan)
    _assert_present(watch, "trades")


def test_the_books_are_exact_when_volume_is_thin(*, whole: bool) -> None:
    config = PaperConfig(latency_ms=60_000, participation=Rate.of("0.002"))
    _, watch = _run(Plan(feed=hours(900, 1_500 if whole else 1_200), config=config))
    _assert_present(watch, "partial fills", "trades")


@pytest.mark.parametrize("mode", list(MarginMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("side", list(Side), ids=lambda side: side.value)
def test_a_forced_liquidation_leaves_the_books_exact(mode: MarginMode, side: Side) -> None:
    # Flat at 1000, then a bar that moves 20 % against a position of leverage 20.
    flat = ("1000", "1001", "999", "1000")
    crash = ("1000", "1000", "800", "805") if side is Side.BUY else ("1000", "1200", "1000", "1195")
    plan = Plan(
        feed=made_up([flat, flat, flat, crash, ("900", "901", "899", "900")]),
        strategy=Opener(
            sizing=MarginAtLeverage(Money.of("500")), side=side, leverage=Rate.of("20"), every=100
        ),
        config=PaperConfig(margin_mode=mode, participation=ONE),
        limits=_RECKLESS,
        wallet=Money.of("1000"),
    )
    report, watch = _run(plan)
    _assert_present(watch, "liquidation fills", CloseReason.LIQUIDATION.value)
    assert report.books.position(DEMO).is_flat
    if mode is MarginMode.ISOLATED:
        # The position's margin is lost, with the fees of entry and exit, and nothing of the rest.
        assert report.summary.net > Money.of("-520")


def test_positions_are_lost_in_recorded_data_with_the_books_exact(*, whole: bool) -> None:
    strategy = Opener(sizing=MarginAtLeverage(Money.of("150")), leverage=Rate.of("40"), every=7)
    plan = Plan(feed=hours(3_000, 3_900 if whole else 3_450), strategy=strategy, limits=_RECKLESS)
    _, watch = _run(plan)
    _assert_present(watch, "liquidation fills", "funding")
    assert watch.counts[CloseReason.LIQUIDATION.value] > 3


def test_an_order_larger_than_the_volume_is_filled_in_part() -> None:
    # A point has a quarter of the bar's 40 BTC. A tenth of that is 1 BTC, the order wants 3: the
    # entry ends with what there was. With all of the volume to take, the same order fills whole.
    bars = made_up([("1000", "1001", "999", "1000")] * 6, volume="40")
    wish = Opener(sizing=ExactQty(Qty.of("3")), stop=Rate.of("0.05"), every=100_000)
    thin = Plan(feed=bars, strategy=wish, config=PaperConfig(participation=Rate.of("0.1")))
    deep = attrs.evolve(thin, config=PaperConfig(participation=ONE))
    (thin_report, thin_watch), (deep_report, deep_watch) = _run(thin), _run(deep)
    assert thin_report.books.position(DEMO).qty == Qty.of("1")
    assert thin_watch.counts["partial fills"] == 1
    assert deep_report.books.position(DEMO).qty == Qty.of("3")
    assert deep_watch.counts["partial fills"] == 0


@pytest.mark.sweep
def test_the_books_are_exact_over_a_month_of_minutes(*, whole: bool) -> None:
    bars = 45_031 if whole else 12_000
    feed = btc_month(bars)
    assert sum(1 for item in feed.items() if hasattr(item, "open")) == bars
    plan = Plan(
        feed=feed,
        instrument=BTC_MONTH,
        strategy=DonchianBreakout(channel=120, ladder=(("1", "0.3"), ("2", "0.7"))),
        config=PaperConfig(latency_ms=250),
    )
    report, watch = _run(plan)
    assert report.is_complete
    _assert_present(watch, "funding", "stop", "target", "refusals")


def test_the_books_are_exact_on_trades_with_quotes() -> None:
    # Stops further away than the fees cost, and risk to suit the balance.
    strategy = DonchianBreakout(channel=20, stop_multiple="8", risk_fraction="0.002")
    plan = Plan(
        feed=bybit_half_day(),
        instrument=BYBIT,
        strategy=strategy,
        config=PaperConfig(latency_ms=100),
    )
    report, watch = _run(plan)
    assert report.is_complete
    _assert_present(watch, "trades")


def test_the_books_are_exact_with_recorded_marks_and_funding() -> None:
    plan = Plan(feed=xrp_week(), instrument=XRP, strategy=QUICK)
    report, watch = _run(plan)
    assert report.is_complete
    _assert_present(watch, "trades", "funding")


class _Lost(RecordedVenue):
    """Shows the desk fills without their fee."""

    def show(self, message: VenueMessage) -> tuple[VenueMessage, ...]:
        if isinstance(message, Execution):
            return (attrs.evolve(message, fee=Money.of("0")),)
        return (message,)


class _Doubled(RecordedVenue):
    """Shows the desk every fill of a position's opening twice, under two names."""

    def show(self, message: VenueMessage) -> tuple[VenueMessage, ...]:
        if isinstance(message, Execution):
            again = attrs.evolve(message, execution_id=f"{message.execution_id}-again")
            return (message, again)
        return (message,)


class _Repeated(RecordedVenue):
    """Shows the desk every fill and payment twice, under one name: a duplicate delivery."""

    def show(self, message: VenueMessage) -> tuple[VenueMessage, ...]:
        is_money = isinstance(message, Execution | FundingPayment)
        return (message, message) if is_money else (message,)


class _Turned(RecordedVenue):
    """Shows the desk funding with the wrong sign."""

    def show(self, message: VenueMessage) -> tuple[VenueMessage, ...]:
        if isinstance(message, FundingPayment):
            return (attrs.evolve(message, amount=-message.amount),)
        return (message,)


class _Dropped(RecordedVenue):
    """Never shows the desk any funding."""

    def show(self, message: VenueMessage) -> tuple[VenueMessage, ...]:
        return () if isinstance(message, FundingPayment) else (message,)


def _run_tampered(kind: type[RecordedVenue], *, whole: bool) -> tuple[SessionReport, Watch]:
    plan, log = Plan(feed=hours(0, 400 if whole else 250)), Log()
    venue = open_venue(plan, PaperStore(":memory:"), PaperVenue)
    return run_watched(plan, Parts(venue=kind(venue, log), state_port=MemoryState()), log)


@pytest.mark.parametrize("kind", [_Lost, _Doubled, _Turned, _Dropped])
def test_the_judge_catches_a_desk_that_was_shown_something_else(
    kind: type[RecordedVenue], *, whole: bool
) -> None:
    with pytest.raises(AssertionError):
        _run_tampered(kind, whole=whole)


def test_a_duplicate_delivery_changes_no_books(*, whole: bool) -> None:
    report, _ = _run_tampered(_Repeated, whole=whole)
    plain, _ = _run_tampered(RecordedVenue, whole=whole)
    assert report.books.ledger == plain.books.ledger


def test_every_kind_of_count_is_checked() -> None:
    """A run without a trade would satisfy the judge: the counts do not let it pass."""
    still = Plan(feed=made_up([("1000", "1001", "999", "1000")] * 30))
    _, watch = _run(still)
    with pytest.raises(AssertionError, match="the run never had"):
        _assert_present(watch, "trades")


def test_an_oracle_with_other_fee_rates_disagrees() -> None:
    plan = Plan(feed=hours(0, 300))
    with pytest.raises(BooksFault, match="fee due"):
        run_watched(plan, parts_in_memory(plan), taker="0.0006")
