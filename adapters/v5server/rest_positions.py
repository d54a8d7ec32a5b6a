"""Position endpoints (Bybit V5, position)."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import attrs
from tidegate.domain.money import Money, Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import PositionReport
from tidegate.ports.exchange import Done, Rejected, Unknown

from .accounts import HEDGE, ONE_WAY
from .closed_profit import closed_profit_rows
from .errors import V5Error
from .operations_orders import check_category, refused
from .paging import Keyed, page
from .position_stops import trading_stop
from .reading import bad
from .replies import Reply
from .routes import Call, PrivateRoute
from .rows_positions import PositionView, position_row
from .text import COIN, plain

__all__ = ["POSITION_ROUTES"]

_LEVERAGE_NOT_MODIFIED = 110043
_MODE_NOT_MODIFIED = 110025
_MODE_HAS_POSITION = 110024
_MODE_HAS_ORDERS = 110028
_MARGIN_DECIMALS = 4
_TPSL_MODES = ("Full", "Partial")


def _symbol(call: Call) -> Symbol:
    return call.exchange.instrument(call.params.need("symbol")).symbol


def _list(call: Call) -> Reply:
    check_category(call.params)
    found = page(_positions(call), call.params, default=20, most=200)
    rows = [position_row(view) for view in found.items]
    return Reply(result={"category": "linear", "list": rows, "nextPageCursor": found.cursor})


def _positions(call: Call) -> Iterator[Keyed[PositionView]]:
    """Yield one view per position, two of a symbol in hedge mode, flat ones if asked by symbol."""
    account, params = call.account, call.params
    if params.has("symbol"):
        symbol = _symbol(call)
        call.exchange.need_price(symbol)
        reports: tuple[PositionReport, ...] = (account.venue.position(symbol),)
    elif params.has("settleCoin"):
        is_ours = params.text("settleCoin") == COIN
        reports = account.venue.positions() if is_ours else ()
    else:
        raise bad("symbol and settleCoin are both missing; give one of them")
    for number, report in enumerate(reports):
        view = account.position_view(report)
        for index in (0,) if account.position_mode == ONE_WAY else (1, 2):
            item = attrs.evolve(view, index=index)
            yield Keyed(time_ms=-number, number=2 - index, item=item)


def _set_leverage(call: Call) -> Reply:
    check_category(call.params)
    symbol = _symbol(call)
    buy, sell = (call.params.amount(Rate, f"{side}Leverage") for side in ("buy", "sell"))
    if buy is None or sell is None or buy != sell:
        raise bad(f"buyLeverage {buy} and sellLeverage {sell}: both are needed, and equal")
    outcome = call.account.venue.set_leverage(symbol, buy)
    _done(outcome, unchanged=V5Error(_LEVERAGE_NOT_MODIFIED, "leverage not modified"))
    return Reply()


def _done(outcome: Done | Rejected | Unknown, *, unchanged: V5Error | None = None) -> None:
    match outcome:
        case Done(was_already=was_already):
            if was_already and unchanged is not None:
                raise unchanged
        case Rejected():
            raise refused(outcome)
        case Unknown(cause=cause):
            raise V5Error(10016, f"no answer to the change: {cause}")


def _switch_mode(call: Call) -> Reply:
    """Keep the position mode of the account; the venue behind stays one-way."""
    check_category(call.params)
    if not (call.params.has("symbol") or call.params.has("coin")):
        raise bad("symbol and coin are both missing; give one of them")
    call.params.need("mode")
    mode = call.params.integer("mode", ONE_WAY, least=ONE_WAY, most=HEDGE)
    if mode not in (ONE_WAY, HEDGE):
        raise bad(f"mode is {mode}; 0 (one-way) or 3 (hedge) is accepted")
    if mode == call.account.position_mode:
        raise V5Error(_MODE_NOT_MODIFIED, "Position mode is not modified")
    if call.account.venue.positions():
        raise V5Error(_MODE_HAS_POSITION, "You have an existing position, cannot switch mode")
    if call.account.venue.open_orders():
        raise V5Error(_MODE_HAS_ORDERS, "You have existing orders, cannot switch mode")
    call.account.position_mode = mode
    return Reply()


def _set_auto_add_margin(call: Call) -> Reply:
    check_category(call.params)
    symbol = _symbol(call)
    call.params.need("autoAddMargin")
    is_on = call.params.integer("autoAddMargin", 0, least=0, most=1) == 1
    _done(call.account.venue.set_auto_add_margin(symbol, on=is_on))
    return Reply()


def _add_margin(call: Call) -> Reply:
    check_category(call.params)
    symbol = _symbol(call)
    amount = call.params.amount(Money, "margin")
    if amount is None:
        raise bad("margin is missing")
    exponent = amount.value.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < -_MARGIN_DECIMALS:
        raise bad(f"margin {amount}: at most {_MARGIN_DECIMALS} decimals are accepted")
    call.exchange.need_price(symbol)
    _done(call.account.venue.add_margin(symbol, amount))
    view = call.account.position_view(call.account.venue.position(symbol))
    return Reply(result={"category": "linear", **position_row(view)})


def _closed_profit(call: Call) -> Reply:
    check_category(call.params)
    found = page(closed_profit_rows(call), call.params, default=50, most=100)
    return Reply(
        result={"category": "linear", "list": list(found.items), "nextPageCursor": found.cursor}
    )


def _confirm_pending_mmr(call: Call) -> Reply:
    """Confirm a lowered risk limit; this venue lowers none, so there is nothing to confirm."""
    check_category(call.params)
    _symbol(call)
    return Reply()


def _set_tpsl_mode(call: Call) -> Reply:
    """Set the mode of legs whose request names none (deprecated, and still that)."""
    check_category(call.params)
    symbol = _symbol(call)
    mode = call.params.need("tpSlMode")
    if mode not in _TPSL_MODES:
        raise bad(f"tpSlMode is {mode!r}; accepted: {', '.join(_TPSL_MODES)}")
    call.account.tpsl_modes[symbol] = mode
    return Reply(result={"tpSlMode": mode})


def _set_risk_limit(call: Call) -> Reply:
    """Answer as the deprecated endpoint does, without effect: the venue chooses the tier itself."""
    check_category(call.params)
    instrument = call.exchange.instrument(call.params.need("symbol"))
    call.params.need("riskId")
    most = len(instrument.tiers)
    number = call.params.integer("riskId", 1, least=1, most=most)
    value = instrument.tiers[number - 1].notional_max
    return Reply(result={"category": "linear", "riskId": number, "riskLimitValue": plain(value)})


def _symbol_info(call: Call) -> Reply:
    """Return the leverage of symbols, with or without a position."""
    check_category(call.params)
    symbols = (_symbol(call),) if call.params.has("symbol") else call.exchange.symbols
    rows = [
        {
            "symbol": symbol,
            "buyLeverage": plain(call.account.venue.leverage(symbol)),
            "sellLeverage": plain(call.account.venue.leverage(symbol)),
        }
        for symbol in symbols
    ]
    return Reply(result={"category": "linear", "list": rows})


POSITION_ROUTES: Mapping[str, PrivateRoute] = MappingProxyType(
    {
        "/v5/position/list": PrivateRoute(act=_list),
        "/v5/position/set-leverage": PrivateRoute(
            act=_set_leverage, method="POST", permission="Position"
        ),
        "/v5/position/switch-mode": PrivateRoute(
            act=_switch_mode, method="POST", permission="Position"
        ),
        "/v5/position/trading-stop": PrivateRoute(
            act=trading_stop, method="POST", permission="Position"
        ),
        "/v5/position/set-auto-add-margin": PrivateRoute(
            act=_set_auto_add_margin, method="POST", permission="Position"
        ),
        "/v5/position/add-margin": PrivateRoute(
            act=_add_margin, method="POST", permission="Position"
        ),
        "/v5/position/closed-pnl": PrivateRoute(act=_closed_profit),
        "/v5/position/confirm-pending-mmr": PrivateRoute(
            act=_confirm_pending_mmr, method="POST", permission="Position"
        ),
        "/v5/position/set-tpsl-mode": PrivateRoute(
            act=_set_tpsl_mode, method="POST", permission="Position"
        ),
        "/v5/position/set-risk-limit": PrivateRoute(
            act=_set_risk_limit, method="POST", permission="Position"
        ),
        "/v5/position/symbol-info": PrivateRoute(act=_symbol_info),
    }
)
