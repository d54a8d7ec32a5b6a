"""What the core is told about an effect that was recorded and never left."""

from typing import assert_never

from tidegate.domain.core import inputs as given
from tidegate.domain.core.effects import (
    AmendOrder,
    ApplySetting,
    Cancel,
    Effect,
    FindOrder,
    Place,
    ReadActivity,
    ReadInstrument,
    ReadPosition,
    ReadRecords,
    SetLeverage,
    SetProtection,
    SetStop,
    TakeInventory,
)
from tidegate.domain.core.events_account import SettingCause
from tidegate.domain.reports import RejectReason

__all__ = ["withheld"]


def withheld(effect: Effect, why: str) -> tuple[given.Input, ...]:
    """Answer for an effect that never left: a request was refused, a query is asked again later."""
    match effect:
        case Place():
            return (
                given.PlaceRefused(
                    client_id=effect.order.order.client_id,
                    reason=RejectReason.OTHER,
                    code=None,
                    message=why,
                ),
            )
        case Cancel():
            return (
                given.CancelAnswered(
                    symbol=effect.symbol,
                    client_id=effect.client_id,
                    venue_id=effect.venue_id,
                    refusal=why,
                ),
            )
        case AmendOrder():
            return (given.AmendAnswered(asked=effect, refusal=why),)
        case SetLeverage():
            return (
                given.LeverageAnswered(symbol=effect.symbol, leverage=effect.leverage, refusal=why),
            )
        case ApplySetting():
            return (
                given.SettingAnswered(key=effect.key, cause=SettingCause.NOT_SENT, message=why),
            )
        case SetStop():
            return (given.StopAnswered(symbol=effect.symbol, price=effect.price, refusal=why),)
        case SetProtection():
            return (given.ProtectionAnswered(symbol=effect.symbol, key=effect.key, refusal=why),)
        case (
            FindOrder()
            | ReadPosition()
            | ReadInstrument()
            | ReadActivity()
            | ReadRecords()
            | TakeInventory()
        ):
            return ()
        case _:
            assert_never(effect)
