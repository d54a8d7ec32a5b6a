"""The account's own settings and money (Bybit V5, account and position), judged before trading."""

from collections.abc import Mapping
from types import MappingProxyType

from tidegate.domain.reports import AccountReport
from tidegate.ports.exchange import QueryFailed
from tidegate.ports.preflight import Check, Finding, Severity

from .preflight_asking import AskRefused, ask, text_of
from .preflight_rules import PreflightRules
from .rest import Call, RestClient

__all__ = [
    "judge_account",
    "judge_balance",
    "judge_margin_mode",
    "look_at_disconnect",
    "look_at_limit_price",
    "look_at_position_mode",
]

_UNIFIED = frozenset({"3", "4", "5", "6"})
_MARGIN_MODES = MappingProxyType({"ISOLATED_MARGIN": "isolated", "REGULAR_MARGIN": "cross"})
_PRODUCT = "DERIVATIVES"
_ONE_WAY = "0"


def judge_account(row: Mapping[str, object]) -> Finding:
    """Tell whether this is a unified account (account/info, ``unifiedMarginStatus`` 3 to 6)."""
    status = text_of(row, "unifiedMarginStatus")
    if status in _UNIFIED:
        return Finding(check=Check.ACCOUNT, is_ok=True, what="a unified trading account")
    return Finding(
        check=Check.ACCOUNT,
        is_ok=False,
        what=f"this is no unified trading account (unifiedMarginStatus {status or 'absent'})",
        remedy="upgrade it to a unified trading account in the venue's settings",
    )


def judge_margin_mode(row: Mapping[str, object]) -> Finding:
    """Say which margin mode the whole account is in; portfolio margin is not understood."""
    mode = text_of(row, "marginMode")
    known = _MARGIN_MODES.get(mode)
    if known is not None:
        return Finding(check=Check.MARGIN_MODE, is_ok=True, what=f"{known} margin, account-wide")
    return Finding(
        check=Check.MARGIN_MODE,
        is_ok=False,
        what=f"margin mode {mode or 'absent'}: the margin rules know isolated and cross only",
        remedy="when flat and without orders, switch the account to isolated or cross margin",
    )


def judge_balance(report: AccountReport, rules: PreflightRules) -> Finding:
    """Compare the wallet with the least that makes sense."""
    if report.wallet >= rules.balance_min:
        return Finding(check=Check.BALANCE, is_ok=True, what=f"wallet {report.wallet} USDT")
    how = "apply for demo funds" if rules.is_demo else "transfer USDT to the unified account"
    return Finding(
        check=Check.BALANCE,
        is_ok=False,
        what=f"wallet {report.wallet} USDT, at least {rules.balance_min} are needed",
        remedy=f"{how}, or lower bybit.balance_min",
    )


def look_at_position_mode(client: RestClient, rules: PreflightRules) -> Finding:
    """Refuse hedge mode: there, two positions of one symbol would be open at once.

    A position row has index 0 in one-way mode, 1 and 2 in hedge mode (position/list).

    Raises:
        QueryFailed: a question got no usable answer, or a refusal.

    """
    hedged = [symbol for symbol in sorted(rules.symbols) if _is_hedged(client, symbol)]
    if not hedged:
        return Finding(check=Check.POSITION_MODE, is_ok=True, what="one-way mode")
    return Finding(
        check=Check.POSITION_MODE,
        is_ok=False,
        what=f"hedge mode for {', '.join(hedged)}",
        remedy="close positions and orders there, then switch to one-way mode "
        "(position/switch-mode with mode 0, or the position mode in the app)",
    )


def _is_hedged(client: RestClient, symbol: str) -> bool:
    params = {"category": "linear", "symbol": symbol}
    rows = ask(client, Call.POSITIONS, params).result.get("list")
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise QueryFailed(f"the positions of {symbol} came without a list of rows")
    return any(text_of(row, "positionIdx") != _ONE_WAY for row in rows)


def look_at_limit_price(client: RestClient, rules: PreflightRules, *, is_fixing: bool) -> Finding:
    """See to it that a limit price beyond the venue's bound is refused and not moved.

    ``lpaPerp`` true means refused; it is what ``modifyEnable`` false sets (set-limit-px-action).

    Raises:
        QueryFailed: a question got no usable answer, or a refusal.

    """
    if rules.is_demo:
        what = "demo trading has no such setting: a limit price beyond the bound is moved to it"
        return Finding(check=Check.LIMIT_PRICE, is_ok=True, what=what)
    refused = "a limit price beyond the venue's bound is refused"
    if _refuses(client):
        return Finding(check=Check.LIMIT_PRICE, is_ok=True, what=refused)
    if is_fixing:
        ask(client, Call.SET_LIMIT_PRICE_ACTION, {"category": "linear", "modifyEnable": False})
        if _refuses(client):
            return Finding(check=Check.LIMIT_PRICE, is_ok=True, what=f"{refused}: set just now")
    return Finding(
        check=Check.LIMIT_PRICE,
        is_ok=False,
        severity=Severity.FAILURE if rules.is_live else Severity.WARNING,
        what="the venue silently moves a limit price that is beyond its bound"
        + (", and still does after it was told not to" if is_fixing else ""),
        remedy="tidegate doctor --fix switches that to a refusal (set-limit-px-action)",
    )


def _refuses(client: RestClient) -> bool:
    return ask(client, Call.USER_SETTINGS).result.get("lpaPerp") is True


def look_at_disconnect(client: RestClient, rules: PreflightRules, *, is_fixing: bool) -> Finding:
    """Report the venue's cancel on disconnect, and set its window where that was asked for.

    It fires only for connections that subscribed to it (Bybit V5, disconnected-cancel-all), which
    the streams do where a window is chosen.

    Raises:
        QueryFailed: a question got no usable answer, or a refusal.

    """
    none = "this account has none: while disconnected, the stops that rest at the venue protect"
    if rules.is_demo:
        return Finding(check=Check.DISCONNECT, is_ok=True, what=none)
    try:
        row = _derivatives(client)
    except AskRefused:
        row = None
    if row is None:
        return Finding(check=Check.DISCONNECT, is_ok=True, what=none)
    wanted = rules.disconnect_cancel_s
    if not wanted:
        what = "the account has it, and it is not used: the stops that rest at the venue protect"
        return Finding(check=Check.DISCONNECT, is_ok=True, what=what)
    if is_fixing and not _is_armed(row, wanted):
        ask(client, Call.SET_DISCONNECT_CANCEL, {"product": _PRODUCT, "timeWindow": wanted})
        row = _derivatives(client) or row
    if _is_armed(row, wanted):
        what = f"open orders are cancelled {wanted} s after the last connection is lost"
        return Finding(check=Check.DISCONNECT, is_ok=True, what=what)
    return Finding(
        check=Check.DISCONNECT,
        is_ok=False,
        severity=Severity.FAILURE if rules.is_live else Severity.WARNING,
        what=f"it is {text_of(row, 'dcpStatus') or 'absent'} with a window of "
        f"{text_of(row, 'timeWindow') or 'no'} s, and {wanted} s were asked for",
        remedy="tidegate doctor --fix sets it; the venue takes some 10 s until it counts",
    )


def _is_armed(row: Mapping[str, object], wanted_s: int) -> bool:
    return text_of(row, "dcpStatus") == "ON" and text_of(row, "timeWindow") == str(wanted_s)


def _derivatives(client: RestClient) -> Mapping[str, object] | None:
    """Return the row of the product that perpetuals belong to; the default product is options."""
    rows = ask(client, Call.DISCONNECT_CANCEL).result.get("dcpInfos")
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, Mapping) and text_of(row, "product") == _PRODUCT:
            return row
    return None
