"""Market endpoints (Bybit V5, market). Categories other than ``linear`` hold nothing here."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from tidegate.domain.orders import Symbol

from .exchange import Exchange
from .market import PriceKind
from .market_klines import INTERVALS
from .paging import Keyed, page
from .reading import Params, bad
from .replies import Reply
from .routes import PublicRoute
from .rows_market import INSTRUMENT_STATUSES, instrument_row, risk_rows

__all__ = ["MARKET_ROUTES", "instruments"]

_CATEGORIES = ("linear", "spot", "inverse", "option")
_RISK_SYMBOLS_PER_PAGE = 15


def _category(params: Params) -> str:
    category = params.need("category")
    if category not in _CATEGORIES:
        raise bad(f"category {category!r}; accepted: {', '.join(_CATEGORIES)}")
    return category


def _linear(params: Params, default: str = "") -> None:
    category = params.text("category", default)
    if category != "linear":
        raise bad(f"category {category!r}: only linear is traded here")


def _symbol(exchange: Exchange, params: Params) -> Symbol:
    return exchange.instrument(params.need("symbol")).symbol


def _time(exchange: Exchange, _: Params) -> Reply:
    now_ms = exchange.clock.now_ms()
    return Reply(result={"timeSecond": str(now_ms // 1_000), "timeNano": f"{now_ms}000000"})


def _instruments_info(exchange: Exchange, params: Params) -> Reply:
    category = _category(params)
    if category != "linear":
        return Reply(result={"category": category, "list": [], "nextPageCursor": ""})
    return instruments(exchange, params, instrument_row, default=500, most=1_000)


def instruments(
    exchange: Exchange,
    params: Params,
    row_of: Callable[..., dict[str, object]],
    *,
    default: int,
    most: int,
) -> Reply:
    """Return a page of instruments; without ``symbol`` only those of one status, Trading at first.

    A symbol that is asked for by name is shown whatever its status is.

    Raises:
        V5Error: a parameter is missing, or is not one that the venue takes; the code is the
            venue's.

    """
    asked = params.text("symbol")
    if asked:
        exchange.instrument(asked)
    statuses = MappingProxyType({word: word for word in INSTRUMENT_STATUSES.values()})
    status = params.choice("status", statuses, "Trading")
    base = params.text("baseCoin")
    rows = []
    for number, symbol in enumerate(exchange.symbols, 1):
        instrument = exchange.instrument(symbol)
        is_wanted = asked == symbol if asked else INSTRUMENT_STATUSES[instrument.status] == status
        if is_wanted and base in ("", instrument.base_coin):
            row = row_of(instrument, number=number)
            rows.append(Keyed(time_ms=-number, number=number, item=row))
    found = page(rows, params, default=default, most=most)
    return Reply(
        result={
            "category": "linear",
            "list": list(found.items),
            "nextPageCursor": found.cursor,
        }
    )


def _tickers(exchange: Exchange, params: Params) -> Reply:
    category = _category(params)
    if category != "linear":
        return Reply(result={"category": category, "list": []})
    if params.has("symbol"):
        symbols: tuple[Symbol, ...] = (_symbol(exchange, params),)
    else:
        symbols = exchange.market.symbols
    rows = [exchange.market.ticker_row(symbol) for symbol in symbols]
    return Reply(result={"category": "linear", "list": rows})


def _orderbook(exchange: Exchange, params: Params) -> Reply:
    _linear(params)
    depth = params.integer("limit", 25, least=1, most=1_000)
    return Reply(result=exchange.market.orderbook(_symbol(exchange, params), depth))


def _kline(kind: PriceKind) -> PublicRoute:
    def act(exchange: Exchange, params: Params) -> Reply:
        _linear(params, "linear")
        symbol = _symbol(exchange, params)
        params.need("interval")
        words = MappingProxyType({interval: interval for interval in INTERVALS})
        rows = exchange.market.klines(
            symbol,
            params.choice("interval", words, ""),
            start_ms=params.time_ms("start"),
            end_ms=params.time_ms("end"),
            limit=params.integer("limit", 200, least=1, most=1_000),
            kind=kind,
        )
        return Reply(result={"symbol": symbol, "category": "linear", "list": rows})

    return PublicRoute(act=act)


def _recent_trade(exchange: Exchange, params: Params) -> Reply:
    _linear(params)
    limit = params.integer("limit", 500, least=1, most=1_000)
    rows = exchange.market.recent_trades(_symbol(exchange, params), limit)
    return Reply(result={"category": "linear", "list": rows})


def _funding_history(exchange: Exchange, params: Params) -> Reply:
    _linear(params)
    start, end = params.time_ms("startTime"), params.time_ms("endTime")
    if start is not None and end is None:
        raise bad("startTime without endTime; give endTime, both or neither")
    limit = params.integer("limit", 200, least=1, most=200)
    rows = exchange.market.funding_history(_symbol(exchange, params), start, end, limit)
    return Reply(result={"category": "linear", "list": rows})


def _risk_limit(exchange: Exchange, params: Params) -> Reply:
    _linear(params)
    asked = params.text("symbol")
    symbols = (_symbol(exchange, params),) if asked else exchange.symbols
    numbered = [
        Keyed(time_ms=-number, number=number, item=symbol)
        for number, symbol in enumerate(symbols, 1)
    ]
    most = _RISK_SYMBOLS_PER_PAGE
    found = page(numbered, Params({"cursor": params.text("cursor")}), default=most, most=most)
    rows = [row for symbol in found.items for row in risk_rows(exchange.instrument(symbol))]
    return Reply(result={"category": "linear", "list": rows, "nextPageCursor": found.cursor})


def _price_limit(exchange: Exchange, params: Params) -> Reply:
    _linear(params, "linear")
    return Reply(result=exchange.market.price_limit(_symbol(exchange, params)))


MARKET_ROUTES: Mapping[str, PublicRoute] = MappingProxyType(
    {
        "/v5/market/time": PublicRoute(act=_time),
        "/v5/market/instruments-info": PublicRoute(act=_instruments_info),
        "/v5/market/tickers": PublicRoute(act=_tickers),
        "/v5/market/orderbook": PublicRoute(act=_orderbook),
        "/v5/market/kline": _kline(PriceKind.LAST),
        "/v5/market/mark-price-kline": _kline(PriceKind.MARK),
        "/v5/market/index-price-kline": _kline(PriceKind.INDEX),
        "/v5/market/premium-index-price-kline": _kline(PriceKind.PREMIUM),
        "/v5/market/recent-trade": PublicRoute(act=_recent_trade),
        "/v5/market/funding/history": PublicRoute(act=_funding_history),
        "/v5/market/risk-limit": PublicRoute(act=_risk_limit),
        "/v5/market/price-limit": PublicRoute(act=_price_limit),
    }
)
