"""What is sent to the venue: any value that the domain can hold becomes a body, or is refused."""

import json
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import attrs
import cattrs
import orjson
from tidegate.adapters.bybit.wire.account_requests import (
    auto_add_margin_body,
    collateral_body,
    margin_body,
    margin_mode_body,
    partial_stop_body,
)
from tidegate.adapters.bybit.wire.requests import (
    Unsendable,
    amend_body,
    batch_body,
    cancel_all_body,
    cancel_body,
    leverage_body,
    order_body,
    stop_body,
)
from tidegate.domain import account_settings as settings
from tidegate.domain.money import Distance, Money, Price, Qty, Rate
from tidegate.domain.orders import (
    ClientId,
    OrderKind,
    OrderRequest,
    ProtectiveLeg,
    Purpose,
    Role,
    Side,
    Symbol,
    Trigger,
    TriggerBy,
    TriggerDirection,
)
from tidegate.domain.reports import MarginMode
from tidegate.ports.account import PartialStop, PositionStop
from tidegate.ports.exchange import Amendment

from .mutating import mutate_json
from .target import Target

__all__ = ["request_targets"]

BTC = Symbol("BTCUSDT")
_ID = ClientId("tg0000000000000000-e-1")
_LEG = ProtectiveLeg(price=Price.of("59000"), by=TriggerBy.MARK)
_LIMIT = OrderRequest(
    client_id=_ID,
    symbol=BTC,
    side=Side.BUY,
    qty=Qty.of("0.01"),
    kind=OrderKind.LIMIT,
    purpose=Purpose(Role.ENTRY),
    price=Price.of("60000.5"),
    stop_loss=_LEG,
    take_profit=_LEG,
)
_EXIT = OrderRequest(
    client_id=_ID,
    symbol=BTC,
    side=Side.SELL,
    qty=Qty.of("0.01"),
    kind=OrderKind.MARKET,
    purpose=Purpose(Role.EXIT),
    reduce_only=True,
    close_on_trigger=True,
    trigger=Trigger(
        price=Price.of("59000"), direction=TriggerDirection.FALLS_TO, by=TriggerBy.INDEX
    ),
)
_MARKET = attrs.evolve(_LIMIT, kind=OrderKind.MARKET, price=None, slippage_max=Rate.of("0.005"))


class _NotOfTheDomain(Exception):
    """The domain itself refuses such a value: there is nothing to send."""


_REFUSALS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    cattrs.BaseValidationError,
)


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for amount in (Price, Qty, Money, Rate, Distance):
        converter.register_unstructure_hook(amount, lambda value: str(value.value))
        converter.register_structure_hook(amount, lambda text, kind: kind.of(_text(text)))
    converter.register_structure_hook(Decimal, lambda text, _: Decimal(_text(text)))
    return converter


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


_CONVERTER = _converter()


def _auto_margin(setting: settings.AutoMarginSetting) -> object:
    return auto_add_margin_body(setting.symbol, on=setting.is_on)


_KINDS: Mapping[str, tuple[type[Any], Callable[[Any], object], tuple[object, ...]]] = (
    MappingProxyType(
        {
            "order": (
                OrderRequest,
                lambda order: batch_body([order_body(order), order_body(order)]),
                (_LIMIT, _EXIT, _MARKET),
            ),
            "amend": (
                Amendment,
                amend_body,
                (
                    Amendment(symbol=BTC, client_id=_ID, qty=Qty.of("1"), price=Price.of("1")),
                    Amendment(
                        symbol=BTC,
                        client_id=_ID,
                        trigger_price=Price.of("2"),
                        stop_loss=_LEG,
                        take_profit=ProtectiveLeg(price=Price.of("0")),
                    ),
                ),
            ),
            "stop": (
                PositionStop,
                stop_body,
                (
                    PositionStop(symbol=BTC, stop_loss=Price.of("1"), take_profit=Price.of("0")),
                    PositionStop(
                        symbol=BTC,
                        trailing_distance=Distance.of("5"),
                        trailing_activation=Price.of("61000"),
                    ),
                ),
            ),
            "partial": (
                PartialStop,
                partial_stop_body,
                (
                    PartialStop(symbol=BTC, qty=Qty.of("1"), stop_loss=_LEG, take_profit=_LEG),
                    PartialStop(
                        symbol=BTC,
                        qty=Qty.of("1"),
                        stop_loss=_LEG,
                        stop_loss_limit=Price.of("58900"),
                    ),
                ),
            ),
            "leverage": (
                settings.LeverageSetting,
                lambda one: leverage_body(one.symbol, one.leverage),
                (settings.LeverageSetting(symbol=BTC, leverage=Rate.of("2.5")),),
            ),
            "mode": (
                settings.MarginModeSetting,
                lambda one: margin_mode_body(one.mode),
                (settings.MarginModeSetting(mode=MarginMode.CROSS),),
            ),
            "margin": (
                settings.MarginSetting,
                lambda one: margin_body(one.symbol, one.amount),
                (settings.MarginSetting(symbol=BTC, amount=Money.of("-5.5")),),
            ),
            "auto": (
                settings.AutoMarginSetting,
                _auto_margin,
                (settings.AutoMarginSetting(symbol=BTC, is_on=True),),
            ),
            "collateral": (
                settings.CollateralSetting,
                lambda one: collateral_body(one.coin, on=one.is_on),
                (settings.CollateralSetting(coin="BTC", is_on=False),),
            ),
        }
    )
)


def _check(data: bytes) -> None:
    given = json.loads(data)
    try:
        kind, body_of, _ = _KINDS[given["kind"]]
        value = _CONVERTER.structure(given["value"], kind)
        json.dumps(given, ensure_ascii=False).encode()  # no text of the domain holds a surrogate
    except _REFUSALS as error:
        raise _NotOfTheDomain(str(error)) from error
    for body in (body_of(value), cancel_all_body(_symbol(value)), *_cancels(value)):
        _require_plain(body)


def _symbol(value: object) -> Symbol | None:
    return getattr(value, "symbol", None)


def _cancels(value: object) -> tuple[object, ...]:
    if not isinstance(value, OrderRequest):
        return ()
    return (
        cancel_body(value.symbol, client_id=value.client_id, venue_id=None),
        cancel_body(value.symbol, client_id=None, venue_id=_venue_id(value)),
    )


def _venue_id(value: OrderRequest) -> Any:
    return str(value.client_id)


def _require_plain(body: object) -> None:
    """A body holds texts, whole numbers and truth values: no float, and no exponent in a number."""
    match body:
        case bool() | int():
            return
        case str():
            assert not _is_number(body) or "e" not in body.lower(), f"{body!r} has an exponent"
        case list() | tuple():
            for inner in body:
                _require_plain(inner)
        case Mapping():
            for name, inner in body.items():
                assert isinstance(name, str), f"{name!r} is no name of a field"
                if name not in {"symbol", "orderLinkId", "orderId", "coin"}:
                    _require_plain(inner)
        case _:
            raise AssertionError(f"{body!r} has no place in a request")
    if isinstance(body, Mapping):
        orjson.dumps(body)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def request_targets() -> tuple[Target, ...]:
    """Return the target of everything that is sent."""
    corpus = tuple(
        json.dumps({"kind": name, "value": _CONVERTER.unstructure(value)}).encode()
        for name, (_, _, values) in _KINDS.items()
        for value in values
    )
    return (
        Target(
            name="wire.request",
            corpus=corpus,
            mutate=mutate_json,
            check=_check,
            refusals=(Unsendable, _NotOfTheDomain),
            share=4,
            is_wire=True,
        ),
    )
