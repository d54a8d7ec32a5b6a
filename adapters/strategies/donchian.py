"""The shipped strategy: breakouts of a price channel.

R. Donchian's channel rule: buy when the close exceeds the highest high of the bars before, sell
when it falls below the lowest low. It shows how a strategy is written; it promises no profit.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

import attrs
from tidegate.domain.indicators import average_true_range
from tidegate.domain.money import ONE, ZERO_RATE, Rate
from tidegate.domain.orders import Side
from tidegate.domain.reports import Bar
from tidegate.domain.signal import RiskFraction, RungSpec, Signal, StopAtr
from tidegate.ports.strategy import Exit, StrategyPort, StrategyView

__all__ = ["DonchianBreakout"]

_BARS_MAX = 10_000
_RUNGS_MAX = 10
_Number = Rate | Decimal | int | str


def _whole(value: object) -> int:
    """Take a whole number, also as the text that a command line gives."""
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    if type(value) is not int:
        raise TypeError(f"{value!r} is no whole number; accepted: a number such as 55")
    return value


def _rate(value: _Number) -> Rate:
    return value if isinstance(value, Rate) else Rate.of(value)


def _rungs(value: Iterable[RungSpec | tuple[_Number, _Number]]) -> tuple[RungSpec, ...]:
    """Take rungs, or pairs of reward-to-risk and close fraction."""
    return tuple(
        rung if isinstance(rung, RungSpec) else RungSpec(*map(_rate, _pair(rung))) for rung in value
    )


def _pair(rung: object) -> tuple[_Number, _Number]:
    if not isinstance(rung, Sequence) or isinstance(rung, str) or len(rung) != 2:
        raise TypeError(
            f"rung {rung!r}; accepted: a pair of reward-to-risk and close fraction, such as "
            "('2', '0.3')"
        )
    reward_to_risk, close_fraction = rung
    return reward_to_risk, close_fraction


def _from_to(low: int, high: int) -> Callable[[object, "attrs.Attribute[int]", int], None]:
    def check(_: object, field: "attrs.Attribute[int]", value: int) -> None:
        if not low <= value <= high:
            raise ValueError(f"{field.name} {value}; accepted: {low} to {high}")

    return check


def _above_zero(_: object, field: "attrs.Attribute[Rate]", value: Rate) -> None:
    if value <= ZERO_RATE:
        raise ValueError(f"{field.name} {value}; accepted: above zero")


def _fraction(_: object, field: "attrs.Attribute[Rate]", value: Rate) -> None:
    if not ZERO_RATE < value < ONE:
        raise ValueError(f"{field.name} {value}; accepted: a fraction above 0 and below 1")


def _ladder(
    _: object, field: "attrs.Attribute[tuple[RungSpec, ...]]", value: tuple[RungSpec, ...]
) -> None:
    if len(value) > _RUNGS_MAX:
        raise ValueError(f"{field.name} of {len(value)} rungs; accepted: up to {_RUNGS_MAX}")
    for before, rung in zip((None, *value), value, strict=False):
        if rung.reward_to_risk <= (ZERO_RATE if before is None else before.reward_to_risk):
            raise ValueError(
                f"{field.name} reward-to-risk {rung.reward_to_risk}; accepted: above zero, each "
                "rung above the one before"
            )
        if not ZERO_RATE < rung.close_fraction <= ONE:
            raise ValueError(
                f"{field.name} close fraction {rung.close_fraction}; accepted: above 0, at most 1"
            )
    total = sum((rung.close_fraction for rung in value), ZERO_RATE)
    if total > ONE:
        raise ValueError(f"{field.name} closes {total} of the position; accepted: at most 1")


_THREE_RUNGS = (
    RungSpec(Rate.of(1), Rate.of("0.3")),
    RungSpec(Rate.of(2), Rate.of("0.3")),
    RungSpec(Rate.of(3), Rate.of("0.4")),
)


@attrs.frozen(kw_only=True)
class DonchianBreakout(StrategyPort):
    """Enter at market when the close leaves the channel of the ``channel`` bars before it.

    The stop lies ``stop_multiple`` average true ranges of ``atr_bars`` bars from the entry; the
    quantity risks ``risk_fraction`` of equity; ``ladder`` takes profit. A break to the other side
    closes the position and does not reverse it: the next break of that side may. Nothing is
    entered while an entry is pending or a position is held.

    Raises:
        TypeError: for a parameter of another type.
        ValueError: for a parameter out of range, with the range.

    """

    channel: int = attrs.field(default=55, converter=_whole, validator=_from_to(2, _BARS_MAX))
    atr_bars: int = attrs.field(default=14, converter=_whole, validator=_from_to(1, _BARS_MAX))
    stop_multiple: Rate = attrs.field(default=Rate.of("2"), converter=_rate, validator=_above_zero)
    risk_fraction: Rate = attrs.field(default=Rate.of("0.01"), converter=_rate, validator=_fraction)
    ladder: tuple[RungSpec, ...] = attrs.field(
        default=_THREE_RUNGS, converter=_rungs, validator=_ladder
    )

    @property
    def window(self) -> int:
        """Return the longer of channel and average, plus the bar that breaks out of it."""
        return max(self.channel, self.atr_bars) + 1

    def decide(self, bars: Sequence[Bar], view: StrategyView) -> Signal | Exit | None:
        """Decide at the close of ``bars[-1]``; its id follows from symbol, channel and bar start.

        Outcomes and errors: see :meth:`StrategyPort.decide`.

        Raises:
            ValueError: when ``bars`` does not hold exactly ``window`` bars.

        """
        if len(bars) != self.window:
            raise ValueError(f"{len(bars)} bars; accepted: exactly {self.window}")
        side = self._break(bars)
        if side is None:
            return None
        name = f"donchian{self.channel}-{view.symbol}-{bars[-1].start_ms}"
        held = view.position.side
        if held is side.opposite:
            return Exit(
                signal_id=f"{name}-exit",
                symbol=view.symbol,
                reason=f"close {bars[-1].close} broke the {self.channel}-bar channel: {side.value}",
            )
        if held is side or view.has_pending_entry:
            return None
        atr = average_true_range(bars, self.atr_bars)
        return Signal(
            signal_id=name,
            symbol=view.symbol,
            side=side,
            sizing=RiskFraction(self.risk_fraction),
            stop=StopAtr(self.stop_multiple, atr),
            ladder=self.ladder,
        )

    def _break(self, bars: Sequence[Bar]) -> Side | None:
        # From the newest bar back: where there is no break, one of the last few bars shows it, so
        # the whole channel is read only at a break.
        close = bars[-1].close.value
        before = range(-2, -self.channel - 2, -1)
        if all(bars[i].high.value < close for i in before):
            return Side.BUY
        if all(bars[i].low.value > close for i in before):
            return Side.SELL
        return None
