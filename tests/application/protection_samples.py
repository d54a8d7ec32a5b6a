"""One event of every kind about protection, with every kind of value that a field can hold."""

from tidegate.domain.core import events as ev
from tidegate.domain.money import Distance, Price, Qty, Rate
from tidegate.domain.orders import ProtectiveLeg, Symbol, TriggerBy
from tidegate.domain.protection import PartialPair, ProtectionChange, ProtectionSource
from tidegate.domain.reports import RejectReason
from tidegate.domain.risk.verdict import Breach, Missing, Rule

__all__ = ["CHANGES", "protection_samples"]

CHANGES = (
    ProtectionChange(
        stop_loss=Price.of("64000.5"), stop_loss_by=TriggerBy.MARK, take_profit=Price.of(0)
    ),
    ProtectionChange(trailing_distance=Distance.of("250"), trailing_activation=Price.of("66000")),
    ProtectionChange(
        pair=PartialPair(
            qty=Qty.of("0.004"),
            stop_loss=ProtectiveLeg(price=Price.of("64500"), by=TriggerBy.INDEX),
            take_profit=ProtectiveLeg(price=Price.of("66000")),
            take_profit_limit=Price.of("65990"),
        )
    ),
)
"""Every way to change a protection, partial pairs included."""


def protection_samples(symbol: Symbol) -> tuple[ev.Event, ...]:
    """Return one event of each kind."""
    return (*_of_changes(symbol), *_by_hand(symbol))


def _of_changes(symbol: Symbol) -> tuple[ev.Event, ...]:
    refused = Breach(
        rule=Rule.TRADE_RISK, observed="300 USDT", limit="200 USDT", remedy="a nearer stop"
    )
    return (
        ev.GuardKeyTaken(key="guard00000000000"),
        ev.BreakEvenDue(symbol=symbol, trade_key="k", rung=1, time_ms=5),
        ev.TrailingDue(
            symbol=symbol,
            trade_key="k",
            distance=Distance.of("250"),
            activation=Price.of("66000"),
            time_ms=5,
        ),
        ev.ProtectionIntended(
            symbol=symbol,
            key="r",
            trade_key=None,
            source=ProtectionSource.OPERATOR,
            change=CHANGES[2],
            was_shown=False,
            settle_by_ms=10,
            time_ms=5,
        ),
        ev.ProtectionTaken(symbol=symbol, key="r", was_already=True),
        ev.ProtectionUnknown(symbol=symbol, key="r", cause="no answer", settle_by_ms=10),
        ev.ProtectionConfirmed(symbol=symbol, key="r", was_already=False, time_ms=5),
        ev.ProtectionFailed(
            symbol=symbol, key="r", reason=RejectReason.NO_POSITION, message="no", time_ms=5
        ),
        ev.ProtectionRefused(
            symbol=symbol,
            key="r",
            breaches=(refused,),
            missing=(Missing(rule=Rule.LIQUIDATION_DISTANCE, what="the venue's view"),),
            fault=None,
            time_ms=5,
        ),
    )


def _by_hand(symbol: Symbol) -> tuple[ev.Event, ...]:
    price, adopted = Price.of("64100"), ev.HandDecision.ADOPTED
    return (
        ev.StopChangedByHand(
            symbol=symbol,
            trade_key="k",
            before=price,
            after=None,
            decision=adopted,
            why="w",
            time_ms=5,
        ),
        ev.TargetChangedByHand(
            symbol=symbol,
            trade_key="k",
            before=None,
            after=price,
            decision=ev.HandDecision.REVERTED,
            why="w",
            time_ms=5,
        ),
        ev.TrailingChangedByHand(
            symbol=symbol,
            trade_key="k",
            before=None,
            after=Distance.of("12.5"),
            decision=adopted,
            why="w",
            time_ms=5,
        ),
        ev.LeverageChangedByHand(
            symbol=symbol,
            trade_key="k",
            before=Rate.of(3),
            after=Rate.of("2.5"),
            decision=adopted,
            why="w",
            time_ms=5,
        ),
        ev.LeverageRevertIntended(symbol=symbol, leverage=Rate.of(3)),
        ev.PositionChangedByHand(
            symbol=symbol,
            trade_key="k",
            before=Qty.of("0.010"),
            after=Qty.of("0.004"),
            time_ms=5,
        ),
    )
