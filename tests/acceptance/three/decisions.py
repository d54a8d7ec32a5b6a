"""What the desk decided beside its orders: levels, protection, settings, states, panics."""

from collections.abc import Iterator, Sequence

import attrs
from tidegate.domain.account_settings import AccountSetting
from tidegate.domain.core import events as ev
from tidegate.domain.core.events import Event
from tidegate.domain.money import Amount
from tidegate.domain.risk.verdict import Breach

__all__ = ["decisions"]

_BY_HAND = (
    ev.StopChangedByHand,
    ev.TargetChangedByHand,
    ev.TrailingChangedByHand,
    ev.LeverageChangedByHand,
)


def decisions(events: Sequence[Event]) -> tuple[str, ...]:
    """Return each decision as text, in its order; one that follows itself is told once."""
    told: list[str] = []
    for event in events:
        words = _of_levels(event) or _of_protection(event) or _of_desk(event)
        if words and words != told[-1:]:
            told.extend(words)
    return tuple(told)


def _of_levels(event: Event) -> list[str]:
    match event:
        case ev.Replanned():
            rungs = " ".join(f"{r.number}:{_text(r.qty)}@{_text(r.price)}" for r in event.rungs)
            return [f"planned {_text(event.entry_price)} stop {event.stop} rungs {rungs}"]
        case ev.CloseStarted():
            return [f"close {event.reason.value}"]
        case ev.BreakEvenDue():
            return [f"break-even after rung {event.rung}"]
        case ev.TrailingDue():
            return [f"trailing {_text(event.distance)} from {event.activation}"]
        case ev.AmendIntended():
            return ["amend"]
        case _:
            return []


def _of_protection(event: Event) -> list[str]:
    match event:
        case ev.ProtectionIntended():
            return [f"protect: {event.source.value}: {_values(event.change)}"]
        case ev.ProtectionConfirmed():
            return [f"protected{', as before' if event.was_already else ''}"]
        case ev.ProtectionFailed():
            return ["not protected"]
        case ev.ProtectionRefused():
            return [f"protection refused: {_rules(event.breaches)} {event.fault or ''}"]
        case event if isinstance(event, _BY_HAND):
            return [f"{type(event).__name__} {event.before} {event.after} {event.decision.value}"]
        case ev.PositionChangedByHand():
            return [f"by hand from {_text(event.before)} to {_text(event.after)}"]
        case _:
            return []


def _of_desk(event: Event) -> list[str]:
    match event:
        case ev.SettingIntended():
            return [f"set {_setting(event.setting)} {event.note or ''}"]
        case ev.SettingDone():
            return [f"done {_setting(event.setting)}{', as before' if event.was_already else ''}"]
        case ev.SettingDeclined():
            return [f"declined {_setting(event.setting)} {event.cause.value}"]
        case ev.TradingStateChanged():
            return [f"{event.state.value}: {event.cause}"]
        case ev.PanicStarted():
            return [f"panic: {event.cause}"]
        case ev.PanicEnded():
            return [f"panic ended {event.remaining}"]
        case ev.PanicReset():
            return ["panic reset"]
        case ev.TransferBooked():
            return ["a transfer was booked"]
        case _:
            return []


def _values(of: attrs.AttrsInstance) -> str:
    """Name the values that are given, parts of parts as well."""
    return " ".join(_each(of))


def _each(of: attrs.AttrsInstance) -> Iterator[str]:
    for name, value in attrs.asdict(of, recurse=False).items():
        if isinstance(value, Amount):
            yield f"{name}={_text(value)}"
        elif attrs.has(type(value)):
            yield f"{name}=({_values(value)})"
        elif value is not None:
            yield f"{name}={getattr(value, 'value', value)}"


def _setting(setting: AccountSetting) -> str:
    return f"{type(setting).__name__} {_values(setting)}"


def _rules(breaches: Sequence[Breach]) -> str:
    return ", ".join(breach.rule.value for breach in breaches)


def _text(amount: Amount) -> str:
    return f"{amount.value.normalize():f}"
