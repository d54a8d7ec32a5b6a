"""Account endpoints (Bybit V5, account)."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import cast

from tidegate.domain.money import ZERO_MONEY, Money
from tidegate.domain.reports import MarginMode
from tidegate.ports.exchange import Done, Rejected

from .accounts import Account
from .errors import V5Error
from .operations_orders import check_category, refused
from .paging import DAY_MS, page, window
from .reading import Params, bad
from .replies import Reply
from .rest_market import instruments
from .routes import Call, PrivateRoute
from .rows_market import own_instrument_row
from .text import COIN, MARGIN_MODES, plain, rounded
from .transactions import transaction_rows

__all__ = ["ACCOUNT_ROUTES"]

_UNIFIED_STATUS = 5
_MARGIN_MODE_NOT_MODIFIED = 110026
_MARGIN_MODE_FAILED = 3400045
_BORROW_WINDOW_MS = 30 * DAY_MS
_NOT_SWITCHED = frozenset({"USDT", "USDC"})
_SWITCH: Mapping[str, bool] = MappingProxyType({"ON": True, "OFF": False})
_DEMO_USDT_MAX = Money(Decimal(100_000))

_MODES: Mapping[str, MarginMode | None] = MappingProxyType(
    {**{word: mode for mode, word in MARGIN_MODES.items()}, "PORTFOLIO_MARGIN": None}
)


def _need_unified(params: Params) -> None:
    kind = params.need("accountType")
    if kind != "UNIFIED":
        raise bad(f"accountType {kind!r}: only UNIFIED exists here")


def _wallet_balance(call: Call) -> Reply:
    _need_unified(call.params)
    row = call.account.wallet_row(call.account.venue.account())
    wanted = [coin for coin in call.params.text("coin").split(",") if coin]
    if wanted:
        coins = cast("list[dict[str, object]]", row["coin"])
        row["coin"] = [coin for coin in coins if coin["coin"] in wanted]
    return Reply(result={"list": [row]})


def _info(call: Call) -> Reply:
    return Reply(
        result={
            "unifiedMarginStatus": _UNIFIED_STATUS,
            "marginMode": MARGIN_MODES[call.account.venue.account().margin_mode],
            "isMasterTrader": False,
            "spotHedgingStatus": "OFF",
            "updatedTime": str(call.account.venue.account().time_ms),
            "dcpStatus": "OFF",
            "timeWindow": 10,
            "smpGroup": 0,
        }
    )


def _set_margin_mode(call: Call) -> Reply:
    """Set the account's margin mode; portfolio margin does not exist here."""
    call.params.need("setMarginMode")
    mode = call.params.choice("setMarginMode", _MODES, None)
    if mode is None:
        raise _margin_mode_failed("3400000", "portfolio margin is not available")
    outcome = call.account.venue.set_margin_mode(mode)
    match outcome:
        case Done(was_already=True):
            raise V5Error(_MARGIN_MODE_NOT_MODIFIED, "Cross/isolated margin mode is not modified")
        case Done():
            return Reply(result={"reasons": []})
        case Rejected(message=message, code=code):
            raise _margin_mode_failed(str(code), message)


def _margin_mode_failed(code: str, message: str) -> V5Error:
    reasons = [{"reasonCode": code, "reasonMsg": message}]
    return V5Error(_MARGIN_MODE_FAILED, "Set margin mode failed", result={"reasons": reasons})


def _fee_rate(call: Call) -> Reply:
    check_category(call.params)
    asked = call.params.text("symbol")
    symbols = (call.exchange.instrument(asked).symbol,) if asked else call.exchange.symbols
    rows = []
    for symbol in symbols:
        fees = call.account.venue.fee_rates(symbol)
        rows.append(
            {
                "symbol": symbol,
                "takerFeeRate": plain(fees.taker),
                "makerFeeRate": plain(fees.maker),
            }
        )
    return Reply(result={"category": "linear", "list": rows})


def _transaction_log(call: Call) -> Reply:
    within = window(call.params, call.now_ms, default_ms=DAY_MS)
    found = page(transaction_rows(call, within), call.params, default=20, most=50)
    return Reply(result={"list": list(found.items), "nextPageCursor": found.cursor})


def _collateral_info(call: Call) -> Reply:
    if call.params.text("currency", COIN) != COIN:
        return Reply(result={"list": []})
    row = {
        "currency": COIN,
        "hourlyBorrowRate": "0",
        "maxBorrowingAmount": "0",
        "freeBorrowingLimit": "0",
        "freeBorrowAmount": "0",
        "freeBorrowingAmount": "",
        "borrowAmount": "0",
        "otherBorrowAmount": "0",
        "availableToBorrow": "0",
        "borrowable": False,
        "borrowUsageRate": "0",
        "marginCollateral": True,
        "collateralSwitch": True,
        "collateralRatio": "1",
    }
    return Reply(result={"list": [row]})


def _set_collateral_switch(call: Call) -> Reply:
    """Refuse every coin: USDT and USDC cannot be set, and there is no other (V5, account)."""
    coin = call.params.need("coin")
    call.params.need("collateralSwitch")
    call.params.choice("collateralSwitch", _SWITCH, default=True)
    if coin in _NOT_SWITCHED:
        raise bad(f"coin {coin}: USDT and USDC cannot be set")
    raise bad(f"coin {coin!r}: only {COIN} exists here")


def _borrow_history(call: Call) -> Reply:
    """Return the empty history of an account that cannot borrow."""
    window(call.params, call.now_ms, default_ms=_BORROW_WINDOW_MS, most_ms=_BORROW_WINDOW_MS)
    return Reply(result={"list": [], "nextPageCursor": ""})


def _withdrawal(call: Call) -> Reply:
    wanted = [coin for coin in call.params.need("coinName").split(",") if coin]
    free = rounded(max(call.account.venue.account().available, ZERO_MONEY))
    amounts = {coin: free if coin == COIN else "0" for coin in wanted}
    return Reply(
        result={
            "availableWithdrawal": amounts[wanted[0]],
            "availableWithdrawalMap": amounts,
        }
    )


def _user_setting_config(call: Call) -> Reply:
    return Reply(result={"lpaSpot": False, "lpaPerp": not call.account.modifies_price})


def _set_limit_px_action(call: Call) -> Reply:
    check_category(call.params)
    if not call.params.has("modifyEnable"):
        raise bad("modifyEnable is missing")
    call.account.modifies_price = call.params.flag("modifyEnable")
    return Reply()


def _query_dcp_info(_: Call) -> Reply:
    """Return that cancelling on disconnection is off: it is for institutions alone."""
    row = {"product": "DERIVATIVES", "dcpStatus": "OFF", "timeWindow": "10"}
    return Reply(result={"dcpInfos": [row]})


def _smp_group(_: Call) -> Reply:
    return Reply(result={"smpGroup": 0})


def _instruments_info(call: Call) -> Reply:
    check_category(call.params)
    return instruments(call.exchange, call.params, own_instrument_row, default=200, most=200)


def _demo_apply_money(call: Call) -> Reply:
    """Add demo money or take it away; coins other than USDT are refused."""
    if not call.account.spec.is_demo:
        raise V5Error(10001, "params error: demo funds are for demo accounts only")
    sign = -1 if call.params.integer("adjustType", 0, least=0, most=1) == 1 else 1
    amounts = [_demo_amount(Params(item)) for item in call.params.items("utaDemoApplyMoney")]
    for amount in amounts:
        _move(call.account, amount.times(sign), call.now_ms)
    return Reply()


def _demo_amount(item: Params) -> Money:
    coin, amount = item.need("coin"), item.amount(Money, "amountStr")
    if coin != COIN:
        raise bad(f"coin {coin!r}: only {COIN} exists here")
    if amount is None or not ZERO_MONEY < amount <= _DEMO_USDT_MAX:
        raise bad(f"amountStr {amount}: above 0 and at most {_DEMO_USDT_MAX} USDT is accepted")
    return amount


def _move(account: Account, amount: Money, now_ms: int) -> None:
    outcome = account.venue.adjust_wallet(amount)
    if isinstance(outcome, Rejected):
        raise refused(outcome)
    account.ledger.move(amount, time_ms=now_ms)


ACCOUNT_ROUTES: Mapping[str, PrivateRoute] = MappingProxyType(
    {
        "/v5/account/wallet-balance": PrivateRoute(act=_wallet_balance),
        "/v5/account/info": PrivateRoute(act=_info),
        "/v5/account/set-margin-mode": PrivateRoute(act=_set_margin_mode, method="POST"),
        "/v5/account/fee-rate": PrivateRoute(act=_fee_rate, is_in_demo=False),
        "/v5/account/transaction-log": PrivateRoute(act=_transaction_log),
        "/v5/account/collateral-info": PrivateRoute(act=_collateral_info),
        "/v5/account/set-collateral-switch": PrivateRoute(
            act=_set_collateral_switch, method="POST"
        ),
        "/v5/account/borrow-history": PrivateRoute(act=_borrow_history),
        "/v5/account/withdrawal": PrivateRoute(act=_withdrawal),
        "/v5/account/user-setting-config": PrivateRoute(act=_user_setting_config),
        "/v5/account/set-limit-px-action": PrivateRoute(act=_set_limit_px_action, method="POST"),
        "/v5/account/query-dcp-info": PrivateRoute(act=_query_dcp_info, is_in_demo=False),
        "/v5/account/smp-group": PrivateRoute(act=_smp_group),
        "/v5/account/instruments-info": PrivateRoute(act=_instruments_info),
        "/v5/account/demo-apply-money": PrivateRoute(act=_demo_apply_money, method="POST"),
    }
)
