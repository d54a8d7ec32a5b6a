"""One event of every kind, with every kind of value that a field can hold."""

import attrs
from tidegate.application.codec import EVENT_TAGS
from tidegate.domain.account_settings import LeverageSetting, MarginModeSetting, MarginSetting
from tidegate.domain.core import events as ev
from tidegate.domain.lifecycle import Status
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Money, Qty, Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import FundingPayment, MarginMode, RejectReason

from tests.application.bench import make_bench, signal
from tests.domain.core.scenes import LADDER, config

from .protection_samples import protection_samples

__all__ = ["samples"]


def _from_life() -> dict[type, ev.Event]:
    """Collect events from a desk that trades, stops, panics and starts again."""
    bench = make_bench(config=config())
    bench.desk.execute(signal("s1", ladder=LADDER))
    bench.desk.execute(signal("s1"))
    bench.move("65500")
    bench.desk.close_position(signal("s").symbol)
    return {type(event): event for event in bench.events()}


def _by_hand(entry: ev.EntryIntended) -> tuple[ev.Event, ...]:
    """Build the events about what an operator asks."""
    client_id, symbol, price = entry.order.client_id, entry.order.symbol, entry.worst_price
    return (
        ev.RequestRefused(key="k", symbol=symbol, client_id=client_id, fault="no", time_ms=5),
        ev.AmendIntended(
            key="k",
            client_id=client_id,
            request=entry.order,
            signal=entry.signal,
            worst_price=price,
            time_ms=5,
        ),
        ev.AmendRejected(client_id=client_id, message="no"),
        ev.AmendSettled(client_id=client_id, request=entry.order, shown_ms=4, time_ms=5),
        ev.CancelRequested(key="k", client_ids=(client_id,), time_ms=5),
        ev.RungsDropped(symbol=symbol, numbers=(1, 2), time_ms=5),
        ev.MassCancelStarted(key="k", symbol=None, with_stops=True, time_ms=5),
        ev.MassCancelEnded(key="k", remaining=("BTCUSDT order v1",), time_ms=5),
    )


def _settings(symbol: Symbol) -> tuple[ev.Event, ...]:
    """Return one event of each kind about settings of the account."""
    return (
        ev.SettingIntended(
            key="k",
            setting=LeverageSetting(symbol=symbol, leverage=Rate.of("2.5")),
            note="capped",
            time_ms=5,
        ),
        ev.SettingDone(
            key="k",
            setting=MarginModeSetting(mode=MarginMode.CROSS),
            was_already=True,
            time_ms=5,
        ),
        ev.SettingDeclined(
            key="k",
            setting=MarginSetting(symbol=symbol, amount=Money.of("-5.5")),
            cause=ev.SettingCause.UNKNOWN,
            message="no answer",
            time_ms=5,
        ),
    )


def samples() -> dict[type, ev.Event]:
    """Return an event of each kind: real ones where a life has them, built ones elsewhere."""
    symbol = signal("s").symbol
    found = _from_life()
    filled, entry = found[ev.Filled], found[ev.EntryIntended]
    assert isinstance(filled, ev.Filled)
    assert isinstance(entry, ev.EntryIntended)
    client_id, price = entry.order.client_id, filled.execution.price
    venue_id = filled.execution.venue_id
    payment = FundingPayment(
        payment_id="f1",
        symbol=symbol,
        rate=Rate.of("-0.0001"),
        mark=price,
        qty=Qty.of("0.010"),
        amount=Money.of("-0.065"),
        time_ms=5,
    )
    built: tuple[ev.Event, ...] = (
        ev.SessionStopped(reason="end of data"),
        ev.HistoryRead(until_ms=5),
        ev.TransferBooked(
            change_id="c1",
            amount=Money.of("-25.5"),
            word="TRANSFER_OUT",
            equity_before=Money.of("10000"),
            time_ms=5,
        ),
        ev.JournalTagged(tag="ab12", has_untagged=True),
        ev.LeverageRefused(symbol=symbol, leverage=Rate.of("2.5"), message="no"),
        ev.OrderRefused(
            client_id=client_id, reason=RejectReason.OTHER, code=None, message="no", time_ms=5
        ),
        ev.OrderAcknowledged(client_id=client_id, venue_id=venue_id),
        ev.OrderUnknown(client_id=client_id, sent_ms=5, cause="no answer"),
        ev.OrderLapsed(client_id=client_id, time_ms=5),
        ev.UpdateIgnored(
            client_id=client_id, present=Status.FILLED, reported=Status.CANCELLED, time_ms=5
        ),
        ev.CancelIntended(symbol=symbol, client_id=None, venue_id=venue_id),
        ev.CancelRefused(symbol=symbol, client_id=client_id, venue_id=None, message="gone"),
        *_by_hand(entry),
        ev.FundingBooked(payment=payment),
        ev.StopMoveIntended(symbol=symbol, price=price),
        ev.StopMoveRefused(symbol=symbol, price=price, message="no", unknown_ms=5),
        ev.StopLost(symbol=symbol, shown=None, verify_by_ms=10, time_ms=5),
        ev.StopMissing(symbol=symbol, wanted=None, time_ms=5),
        ev.DayRolled(equity=Money.of("9999.5"), time_ms=5),
        ev.TradingStateChanged(state=TradingState.REDUCING, cause="test"),
        ev.StreamsLost(cause="down", since_ms=3, time_ms=5),
        ev.StreamsRegained(time_ms=5),
        ev.PanicStarted(cause="drill", key="k", time_ms=5),
        ev.PanicEnded(remaining=("BTCUSDT 0.010",), time_ms=5),
        ev.PanicReset(time_ms=5),
        ev.FindingRaised(
            finding_id="x:y", symbol=None, text="differs", blocks_entries=True, time_ms=5
        ),
        ev.FindingSettled(finding_id="x:y", time_ms=5),
        *_settings(symbol),
        *protection_samples(symbol),
    )
    every = {**{type(event): event for event in built}, **found}
    every[ev.EntryIntended] = attrs.evolve(entry, time_ms=5)
    missing = set(EVENT_TAGS) - set(every)
    assert not missing, f"no sample for {sorted(kind.__name__ for kind in missing)}"
    return every
