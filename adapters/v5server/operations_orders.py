"""Create, amend and cancel one order: the same for REST, for a batch and for the trade stream."""

import attrs
from tidegate.domain.instrument import Instrument
from tidegate.domain.orders import ClientId, OrderRequest, Symbol, VenueOrderId
from tidegate.domain.reports import OrderReport, Ticker
from tidegate.ports.exchange import Accepted, Rejected

from .accounts import HEDGE, Account
from .errors import V5Error
from .exchange import Exchange
from .order_reading import WantedOrder, leg_change, link_id_given, wanted_order
from .price_limits import within_price_limit
from .reading import Params, bad
from .text import link_id

__all__ = [
    "Result",
    "amend",
    "cancel",
    "cancel_report",
    "check_category",
    "check_position_index",
    "create",
    "find_order",
    "read_order",
    "refused",
]

Result = dict[str, object]

NOT_FOUND = 110001
NO_PRICE = 110118
HEDGE_UNSUPPORTED = 110029


def check_category(params: Params) -> None:
    """Refuse every category but ``linear``.

    Raises:
        V5Error: a parameter is missing, or is not one that the venue takes; the code is the
            venue's.

    """
    category = params.need("category")
    if category != "linear":
        raise bad(f"category {category!r}: only linear is traded here")


def check_position_index(account: Account, params: Params) -> None:
    """Refuse an index that does not belong to the position mode.

    Raises:
        V5Error: a parameter is missing, or is not one that the venue takes; the code is the
            venue's.

    """
    index = params.integer("positionIdx", 0, least=0, most=2)
    if (index == 0) == (account.position_mode == HEDGE):
        raise V5Error(10001, "position idx not match position mode")
    if account.position_mode == HEDGE:
        raise V5Error(
            HEDGE_UNSUPPORTED, "this venue nets positions: no order is taken in hedge mode"
        )


def read_order(exchange: Exchange, account: Account, params: Params) -> WantedOrder:
    """Return the order that a create request means, moved inside the price limit if so set.

    Raises:
        V5Error: a parameter is missing, or is not one that the venue takes; the code is the
            venue's.
        QueryFailed: the venue has stopped, or the symbol has no price yet.

    """
    instrument = exchange.instrument(params.need("symbol"))
    check_position_index(account, params)
    params = params.with_default("tpslMode", account.tpsl_modes.get(instrument.symbol, ""))
    exchange.need_price(instrument.symbol, code=NO_PRICE)
    ticker = account.venue.ticker(instrument.symbol)
    position = account.venue.position(instrument.symbol)
    wanted = wanted_order(params, instrument=instrument, position=position, ticker=ticker)
    if account.modifies_price and wanted.request.trigger is None:
        request = _within_price_limit(instrument, wanted.request, ticker)
        return attrs.evolve(wanted, request=request)
    return wanted


def create(exchange: Exchange, account: Account, params: Params) -> Result:
    """Take an order (Bybit V5, order/create).

    Raises:
        V5Error: the request is refused; the code is the venue's, and nothing was changed.

    """
    check_category(params)
    wanted = read_order(exchange, account, params)
    outcome = account.venue.submit(wanted.request, legs=wanted.legs, self_match=wanted.self_match)
    return _answer(outcome, wanted.request.client_id)


def _within_price_limit(
    instrument: Instrument, request: OrderRequest, ticker: Ticker
) -> OrderRequest:
    """Move a limit beyond the price limit to it, without a word (set-limit-px-action)."""
    if request.price is None:
        return request
    price = within_price_limit(instrument, ticker, request.side, request.price)
    return request if price == request.price else attrs.evolve(request, price=price)


def amend(exchange: Exchange, account: Account, params: Params) -> Result:
    """Change an order that is not finished (Bybit V5, order/amend).

    Raises:
        V5Error: the request is refused; the code is the venue's, and nothing was changed.

    """
    check_category(params)
    symbol = exchange.instrument(params.need("symbol")).symbol
    report = find_order(account, symbol, params)
    outcome = account.venue.amend(
        symbol,
        report.venue_id,
        qty=params.qty("qty"),
        price=params.price("price"),
        trigger_price=params.price("triggerPrice"),
        stop_loss=leg_change(params, "stopLoss", "slTriggerBy"),
        take_profit=leg_change(params, "takeProfit", "tpTriggerBy"),
    )
    return _answer(outcome, report.client_id)


def cancel(exchange: Exchange, account: Account, params: Params) -> Result:
    """Cancel an order that is not finished (Bybit V5, order/cancel).

    Raises:
        V5Error: the request is refused; the code is the venue's, and nothing was changed.

    """
    check_category(params)
    symbol = exchange.instrument(params.need("symbol")).symbol
    report = find_order(account, symbol, params)
    return _answer(cancel_report(account, report), report.client_id)


def cancel_report(account: Account, report: OrderReport) -> Accepted | Rejected:
    """Cancel the order of a record.

    ``Accepted``: it ends, unless it filled first; ``Rejected``: the venue refused.

    Raises:
        V5Error: the venue refused, with its code.

    """
    outcome = account.venue.cancel(report.symbol, report.venue_id)
    if not isinstance(outcome, Accepted | Rejected):
        raise V5Error(10016, f"no answer to the cancellation: {outcome.cause}")
    return outcome


def find_order(account: Account, symbol: Symbol, params: Params) -> OrderReport:
    """Return the order that ``orderId``, or else ``orderLinkId``, names.

    Raises:
        V5Error: there is no such order, or the venue refused.
        QueryFailed: the venue has stopped, or the symbol has no price yet.

    """
    venue_id, client_id = params.text("orderId"), link_id_given(params)
    if not venue_id and not client_id:
        raise bad("orderId or orderLinkId is missing")
    if venue_id:
        report = account.report(VenueOrderId(venue_id))
    else:
        report = account.venue.find_order(symbol, ClientId(client_id))
    if report is None or report.symbol != symbol:
        raise V5Error(NOT_FOUND, "order not exists or too late to cancel")
    return report


def _answer(outcome: Accepted | Rejected, client_id: str | None) -> Result:
    match outcome:
        case Accepted(venue_id=venue_id):
            return {"orderId": venue_id, "orderLinkId": link_id(client_id)}
        case Rejected():
            raise refused(outcome)


def refused(outcome: Rejected) -> V5Error:
    """Return a refusal of the venue as the error that the wire carries."""
    return V5Error(10001 if outcome.code is None else outcome.code, outcome.message)
