"""Which orders a query means (Bybit V5, order/realtime, order/history and cancel-all)."""

from collections.abc import Callable, Iterator
from itertools import islice

from tidegate.domain.lifecycle import TERMINAL, Status
from tidegate.domain.money import ZERO_QTY
from tidegate.domain.reports import OrderReport

from .accounts import Account
from .exchange import Exchange
from .order_index import NumberedOrder
from .paging import DAY_MS, Keyed
from .reading import Params, bad
from .text import COIN, STATUSES, STOP_TYPES

__all__ = [
    "RECENT_CLOSED_MAX",
    "by_id",
    "has_trigger",
    "history",
    "is_visible",
    "live_orders",
    "require_scope",
    "scope",
]

RECENT_CLOSED_MAX = 500
"""How many orders that ended the real-time query still knows."""

Wanted = Callable[[OrderReport], bool]
_FILTERS = ("Order", "StopOrder")


def require_scope(params: Params) -> None:
    """Refuse a query that names neither a symbol nor a coin.

    Raises:
        V5Error: a parameter is missing, or is not one that the venue takes; the code is the
            venue's.

    """
    if not any(params.has(name) for name in ("symbol", "baseCoin", "settleCoin")):
        raise bad("symbol, baseCoin and settleCoin are all missing; give one of them")


def scope(exchange: Exchange, params: Params) -> Wanted:
    """Return the test for what ``symbol``, else ``baseCoin``, else ``settleCoin`` names.

    Raises:
        V5Error: a parameter is missing, or is not one that the venue takes; the code is the
            venue's.

    """
    symbol, base, settle = (params.text(name) for name in ("symbol", "baseCoin", "settleCoin"))
    if symbol:
        known = exchange.instrument(symbol).symbol
        return lambda report: report.symbol == known
    if base:
        return lambda report: exchange.instrument(report.symbol).base_coin == base
    return lambda _: settle in ("", COIN)


def has_trigger(report: OrderReport) -> bool:
    """Tell whether an order is, or was, a conditional one: a plain one, a leg, a trailing stop."""
    return report.trigger is not None or report.origin in STOP_TYPES


def _filtered(params: Params, *, is_live: bool) -> Wanted:
    word = params.text("orderFilter")
    if not word:
        return lambda _: True
    if word not in _FILTERS:
        raise bad(f"orderFilter is {word!r}; accepted: {', '.join(_FILTERS)}")
    wants_stops = word == "StopOrder"
    if is_live:
        return lambda report: (report.status is Status.UNTRIGGERED) is wants_stops
    return lambda report: has_trigger(report) is wants_stops


def by_id(account: Account, params: Params) -> tuple[Keyed[OrderReport], ...] | None:
    """Return the order that an id names, or none of that id; ``None`` when no id was given.

    Raises:
        V5Error: a parameter is missing, or is not one that the venue takes; the code is the
            venue's.

    """
    venue_id, client_id = params.text("orderId"), params.text("orderLinkId")
    if not venue_id and not client_id:
        return None
    found = account.orders.by_id(venue_id) if venue_id else account.orders.by_link(client_id)
    return () if found is None else (_created(found),)


def _created(order: NumberedOrder) -> Keyed[OrderReport]:
    report = order.report
    return Keyed(time_ms=report.created_ms, number=order.number, item=report)


def live_orders(
    exchange: Exchange, account: Account, params: Params
) -> Iterator[Keyed[OrderReport]]:
    """Yield what order/realtime shows: open orders, and on demand the last that ended.

    Raises:
        V5Error: a parameter is missing, or is not one that the venue takes; the code is the
            venue's.

    """
    found = by_id(account, params)
    if found is not None:
        yield from found
        return
    require_scope(params)
    in_scope, filtered = scope(exchange, params), _filtered(params, is_live=True)
    with_closed = params.integer("openOnly", 0, least=0, most=1) == 1
    for order in account.orders.open_orders():
        if in_scope(order.report) and filtered(order.report):
            yield _created(order)
    if with_closed:
        ended = (order for order in account.orders.ended_orders() if in_scope(order.report))
        for order in islice(ended, RECENT_CLOSED_MAX):
            yield _created(order)


def is_visible(report: OrderReport, now_ms: int) -> bool:
    """Tell whether the history still shows an order.

    One that ended without a fill is there for a day, one with a fill for as long as the history.
    """
    if report.status not in TERMINAL:
        return False
    age_ms = now_ms - report.updated_ms
    return report.qty_filled > ZERO_QTY or age_ms <= DAY_MS


def history(
    exchange: Exchange, account: Account, params: Params, *, within: tuple[int, int], now_ms: int
) -> Iterator[Keyed[OrderReport]]:
    """Yield what order/history shows: orders that ended, last updated within the window.

    Raises:
        V5Error: a parameter is missing, or is not one that the venue takes; the code is the
            venue's.

    """
    found = by_id(account, params)
    if found is not None:
        yield from (row for row in found if is_visible(row.item, now_ms))
        return
    in_scope, filtered = scope(exchange, params), _filtered(params, is_live=False)
    status = params.text("orderStatus")
    for order in account.orders.ended_orders():
        report = order.report
        is_within = within[0] <= report.updated_ms <= within[1]
        if not is_within or not is_visible(report, now_ms):
            continue
        has_status = status in ("", STATUSES[report.status])
        if has_status and in_scope(report) and filtered(report):
            yield _created(order)
