"""Events and books as text, for the journal: explicit tags with a version, never class paths.

A tag and the shape behind it never change once released. A new shape gets a new tag, and
``UPCASTS`` turns the body of each old tag into that of its successor.
"""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, get_args

import cattrs
from cattrs.strategies import configure_tagged_union
from tidegate.domain import account_settings as settings
from tidegate.domain import signal as signals
from tidegate.domain.core import events as ev
from tidegate.domain.core.state import Books
from tidegate.domain.money import Distance, Money, Price, Qty, Rate, exact
from tidegate.domain.recent import Recent
from tidegate.ports.state import Record, StateCorrupt

__all__ = ["EVENT_TAGS", "UPCASTS", "decode", "decode_books", "encode", "encode_books"]

BOOKS_FORMAT = 7

EVENT_TAGS: Mapping[type, str] = MappingProxyType(
    {
        ev.SessionStarted: "session_started.v2",
        ev.SessionStopped: "session_stopped.v1",
        ev.AccountOpened: "account_opened.v1",
        ev.HistoryRead: "history_read.v1",
        ev.JournalTagged: "journal_tagged.v1",
        ev.SignalRefused: "signal_refused.v1",
        ev.EntryIntended: "entry_intended.v2",
        ev.EntryReleased: "entry_released.v1",
        ev.OrderIntended: "order_intended.v1",
        ev.LeverageSet: "leverage_set.v1",
        ev.LeverageRefused: "leverage_refused.v1",
        ev.OrderAcknowledged: "order_acknowledged.v1",
        ev.OrderRefused: "order_refused.v1",
        ev.OrderUnknown: "order_unknown.v1",
        ev.OrderLapsed: "order_lapsed.v1",
        ev.OrderUpdated: "order_updated.v1",
        ev.UpdateIgnored: "update_ignored.v1",
        ev.CancelIntended: "cancel_intended.v1",
        ev.CancelRefused: "cancel_refused.v1",
        ev.AmendIntended: "amend_intended.v1",
        ev.AmendRejected: "amend_rejected.v1",
        ev.AmendSettled: "amend_settled.v1",
        ev.MassCancelEnded: "mass_cancel_ended.v1",
        ev.MassCancelStarted: "mass_cancel_started.v1",
        ev.RequestRefused: "request_refused.v1",
        ev.CancelRequested: "cancel_requested.v1",
        ev.RungsDropped: "rungs_dropped.v1",
        ev.Filled: "filled.v1",
        ev.FundingBooked: "funding_booked.v1",
        ev.Replanned: "replanned.v1",
        ev.StopMoveIntended: "stop_move_intended.v1",
        ev.StopMoveRefused: "stop_move_refused.v2",
        ev.StopConfirmed: "stop_confirmed.v1",
        ev.StopLost: "stop_lost.v1",
        ev.StopMissing: "stop_missing.v1",
        ev.CloseStarted: "close_started.v1",
        ev.TradeClosed: "trade_closed.v1",
        ev.Excursion: "excursion.v1",
        ev.EquityMarked: "equity_marked.v2",
        ev.TransferBooked: "transfer_booked.v1",
        ev.DayRolled: "day_rolled.v1",
        ev.TradingStateChanged: "trading_state_changed.v1",
        ev.StreamsLost: "streams_lost.v1",
        ev.StreamsRegained: "streams_regained.v1",
        ev.PanicStarted: "panic_started.v1",
        ev.PanicEnded: "panic_ended.v1",
        ev.PanicReset: "panic_reset.v1",
        ev.FindingRaised: "finding_raised.v1",
        ev.FindingSettled: "finding_settled.v1",
        ev.SettingIntended: "setting_intended.v1",
        ev.SettingDone: "setting_done.v1",
        ev.SettingDeclined: "setting_declined.v1",
        ev.BreakEvenDue: "break_even_due.v1",
        ev.LeverageChangedByHand: "leverage_changed_by_hand.v1",
        ev.PositionChangedByHand: "position_changed_by_hand.v1",
        ev.StopChangedByHand: "stop_changed_by_hand.v1",
        ev.TargetChangedByHand: "target_changed_by_hand.v1",
        ev.TrailingChangedByHand: "trailing_changed_by_hand.v1",
        ev.LeverageRevertIntended: "leverage_revert_intended.v1",
        ev.ProtectionConfirmed: "protection_confirmed.v1",
        ev.ProtectionFailed: "protection_failed.v1",
        ev.ProtectionIntended: "protection_intended.v1",
        ev.ProtectionRefused: "protection_refused.v1",
        ev.ProtectionTaken: "protection_taken.v1",
        ev.ProtectionUnknown: "protection_unknown.v1",
        ev.GuardKeyTaken: "guard_key_taken.v1",
        ev.TrailingDue: "trailing_due.v1",
    }
)
_TYPES: Mapping[str, type] = MappingProxyType({tag: cls for cls, tag in EVENT_TAGS.items()})

Upcast = Callable[[dict[str, Any]], dict[str, Any]]


_UNMANAGED: Mapping[str, None] = MappingProxyType({"break_even": None, "trailing": None})


def _entry_of_signal(body: dict[str, Any]) -> dict[str, Any]:
    """Turn ``post_only`` of an entry into its time in force; nothing managed its stop then."""
    entry = dict(body["signal"]["entry"])
    entry["time_in_force"] = "post_only" if entry.pop("post_only") else None
    signal = {**body["signal"], "entry": entry, "management": dict(_UNMANAGED)}
    return {**body, "signal": signal}


def _mark_of_ledger(body: dict[str, Any]) -> dict[str, Any]:
    """Say what every mark stood on before it was said: the ledger, which no transfer had moved."""
    return {**body, "anchor": {"source": "ledger", "basis": 0}}


UPCASTS: Mapping[str, tuple[str, Upcast]] = MappingProxyType(
    {
        "session_started.v1": ("session_started.v2", lambda body: {**body, "account": None}),
        "equity_marked.v1": ("equity_marked.v2", _mark_of_ledger),
        "entry_intended.v1": ("entry_intended.v2", _entry_of_signal),
        "stop_move_refused.v1": (
            "stop_move_refused.v2",
            lambda body: {**body, "unknown_ms": None},
        ),
    }
)
"""Old tag -> (its successor's tag, how to turn the old body into the new one)."""

_STOP_SPEC: Any = signals.StopSpec

_UNION_TAGS: Mapping[type, str] = MappingProxyType(
    {
        settings.LeverageSetting: "leverage",
        settings.MarginModeSetting: "margin_mode",
        settings.MarginSetting: "margin",
        settings.AutoMarginSetting: "auto_margin",
        settings.CollateralSetting: "collateral",
        signals.StopAtPrice: "at_price",
        signals.StopPercent: "percent",
        signals.StopRoi: "roi",
        signals.StopAtr: "atr",
        signals.Notional: "notional",
        signals.MarginAtLeverage: "margin",
        signals.RiskFraction: "risk",
        signals.VolatilityTarget: "volatility",
        signals.KellyFraction: "kelly",
        signals.ExactQty: "exact",
    }
)


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for amount in (Price, Qty, Money, Rate, Distance):
        converter.register_unstructure_hook(amount, lambda value: str(value.value))
        converter.register_structure_hook(amount, _read_amount)
    for union in (signals.StopSpec, signals.SizingMethod, settings.AccountSetting):
        configure_tagged_union(
            union, converter, tag_generator=_UNION_TAGS.__getitem__, tag_name="type"
        )
    converter.register_unstructure_hook(Decimal, str)
    converter.register_structure_hook(Decimal, lambda text, _: exact(_as_text(text)))
    converter.register_unstructure_hook(
        Recent,
        lambda ids: {"keep": ids.keep, "young": sorted(ids.young), "old": sorted(ids.old)},
    )
    # An optional union is flattened by ``typing`` and needs hooks of its own.
    converter.register_structure_hook(
        signals.StopSpec | None,
        lambda value, _: None if value is None else converter.structure(value, _STOP_SPEC),
    )
    converter.register_unstructure_hook(
        signals.StopSpec | None,
        lambda value: (
            None if value is None else converter.unstructure(value, unstructure_as=_STOP_SPEC)
        ),
    )
    return converter


def _read_amount(text: object, cls: type[Price]) -> Price:
    return cls(exact(_as_text(text)))


def _as_text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r}: an amount is stored as text")
    return value


_CONVERTER = _converter()


def encode(event: ev.Event, *, time_ms: int) -> Record:
    """Turn an event into a journal record."""
    body = _CONVERTER.unstructure(event)
    return Record(
        kind=EVENT_TAGS[type(event)],
        body=json.dumps(body, separators=(",", ":"), sort_keys=True),
        time_ms=time_ms,
    )


def decode(record: Record) -> ev.Event:
    """Turn a journal record into its event.

    Raises:
        StateCorrupt: for an unknown tag or a body that does not fit it.

    """
    tag, body = record.kind, _body(record)
    while tag in UPCASTS:
        tag, upcast = UPCASTS[tag]
        body = upcast(body)
    cls = _TYPES.get(tag)
    if cls is None:
        raise StateCorrupt(
            f"journal record of kind {record.kind!r} is not known to this release; "
            f"known: {', '.join(sorted(_TYPES))}"
        )
    try:
        event: ev.Event = _CONVERTER.structure(body, cls)
    except (cattrs.BaseValidationError, cattrs.StructureHandlerNotFoundError) as error:
        reasons = "; ".join(cattrs.transform_error(error))
        raise StateCorrupt(f"journal record {record.kind!r} does not fit: {reasons}") from error
    return event


def encode_books(books: Books) -> str:
    """Turn folded books into the text of a snapshot."""
    body = {"format": BOOKS_FORMAT, "books": _CONVERTER.unstructure(books)}
    # Not sorted: mappings of the books keep the order of insertion, oldest first, and the bounded
    # ones drop their oldest item. A desk that went on from sorted ones would act differently.
    return json.dumps(body, separators=(",", ":"))


def decode_books(text: str) -> Books | None:
    """Read a snapshot; ``None`` for one of another release, whose journal is folded instead.

    Raises:
        StateCorrupt: for text that is no snapshot of this format.

    """
    try:
        body = json.loads(text)
        if body["format"] != BOOKS_FORMAT:
            return None
        return _CONVERTER.structure(body["books"], Books)
    except (AttributeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise StateCorrupt(f"the snapshot cannot be read: {error}") from error
    except cattrs.BaseValidationError as error:
        reasons = "; ".join(cattrs.transform_error(error))
        raise StateCorrupt(f"the snapshot does not fit: {reasons}") from error


def _body(record: Record) -> dict[str, Any]:
    try:
        body = json.loads(record.body)
    except json.JSONDecodeError as error:
        raise StateCorrupt(f"journal record {record.kind!r} is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise StateCorrupt(f"journal record {record.kind!r} is not an object: {record.body[:80]}")
    return body


assert set(EVENT_TAGS) == set(get_args(ev.Event)), "every event has one tag"
