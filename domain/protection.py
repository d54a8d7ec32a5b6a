"""What can be changed of a position's protection, and who asks for it."""

import enum

import attrs

from .money import ZERO_QTY, Distance, Price, Qty
from .orders import ProtectiveLeg, TriggerBy

__all__ = [
    "ManualChanges",
    "NakedPositions",
    "PartialPair",
    "ProtectionChange",
    "ProtectionSource",
]


class ManualChanges(enum.Enum):
    """What to do when somebody changes a position of ours at the venue.

    ``SAFER`` adopts what takes risk away and reverts what adds some. ``ADOPT`` also adopts what
    adds risk, where the rules would allow it to an operator. ``REVERT`` restores what was wanted.
    """

    SAFER = "safer"
    ADOPT = "adopt"
    REVERT = "revert"


class NakedPositions(enum.Enum):
    """What to do with a position without a stop on the venue.

    ``REPORT`` gives ours its stop back and only reports a foreign one. ``PROTECT`` gives a foreign
    one a stop as well. ``CLOSE`` closes either.
    """

    REPORT = "report"
    PROTECT = "protect"
    CLOSE = "close"


class ProtectionSource(enum.Enum):
    """Who asks for a change of a position's protection."""

    OPERATOR = "operator"
    BREAK_EVEN = "break-even"
    TRAILING = "trailing stop"
    REVERT = "revert of a change by hand"
    UNPROTECTED = "position without a stop"


def _above_zero(_: object, __: object, qty: Qty) -> None:
    if qty <= ZERO_QTY:
        raise ValueError(f"partial pair of {qty}: a quantity above zero is accepted")


@attrs.frozen(kw_only=True)
class PartialPair:
    """A stop-loss and a take-profit for a part of a position; at least one of the two.

    They come on top of the position's own stop: they never replace it. A leg fires a market order,
    or a limit order at its limit. ``qty`` is in base coin.

    Raises:
        ValueError: a quantity that is not above zero, no leg at all, or a limit without its leg.

    """

    qty: Qty = attrs.field(validator=_above_zero)
    stop_loss: ProtectiveLeg | None = None
    take_profit: ProtectiveLeg | None = None
    stop_loss_limit: Price | None = None
    take_profit_limit: Price | None = None

    def __attrs_post_init__(self) -> None:
        if self.stop_loss is None and self.take_profit is None:
            raise ValueError("partial pair without legs: give a stop-loss or a take-profit")
        for leg, limit, name in (
            (self.stop_loss, self.stop_loss_limit, "stop-loss"),
            (self.take_profit, self.take_profit_limit, "take-profit"),
        ):
            if leg is None and limit is not None:
                raise ValueError(f"limit {limit} of a {name} that is not given: give its trigger")


@attrs.frozen(kw_only=True)
class ProtectionChange:
    """A change of what protects a whole position; prices are triggers in quote currency.

    ``None`` leaves a leg as it is, zero clears it. ``trailing_activation`` needs a distance and
    is where the trailing begins, at once where it is ``None``. ``pair`` adds a partial pair.

    Raises:
        ValueError: for a change of nothing, a negative value, an activation without a distance,
            and a pair together with anything else.

    """

    stop_loss: Price | None = None
    stop_loss_by: TriggerBy = TriggerBy.LAST
    take_profit: Price | None = None
    take_profit_by: TriggerBy = TriggerBy.LAST
    trailing_distance: Distance | None = None
    trailing_activation: Price | None = None
    pair: PartialPair | None = None

    def __attrs_post_init__(self) -> None:
        legs = {
            "stop-loss": self.stop_loss,
            "take-profit": self.take_profit,
            "trailing distance": self.trailing_distance,
        }
        given = {name: value for name, value in legs.items() if value is not None}
        for name, value in given.items():
            if value.sign < 0:
                raise ValueError(f"{name} {value}: a value above zero sets it, zero clears it")
        if bool(given) is (self.pair is not None):
            raise ValueError(
                f"change of {', '.join(given) or 'nothing'} with partial pair {self.pair}: give "
                "at least one leg of the whole position, or one partial pair"
            )
        distance, activation = self.trailing_distance, self.trailing_activation
        if activation is not None and (distance is None or distance.sign == 0):
            raise ValueError(
                f"trailing activation {activation} without a trailing distance: give both"
            )
        if activation is not None and activation.sign <= 0:
            raise ValueError(f"trailing activation {activation}: a price above zero is accepted")
