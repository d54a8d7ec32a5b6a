"""What the account's own records say: closed profit, the transaction log, the API key."""

from collections.abc import Mapping

import attrs
from tidegate.domain.money import Money
from tidegate.domain.orders import Symbol, VenueOrderId
from tidegate.domain.records import AccountChange, ChangeKind, ClosedProfit

from .fields import Row
from .words import CHANGE_KINDS, SIDES

__all__ = ["ApiKey", "account_change", "api_key", "closed_profit"]


@attrs.frozen(kw_only=True)
class ApiKey:
    """What a key may do; ``expires`` is the venue's own text."""

    is_read_only: bool
    may_order: bool
    may_move_positions: bool
    may_withdraw: bool
    is_unified: bool
    bound_ips: tuple[str, ...]
    user_id: int
    vip_level: str
    expires: str | None


def closed_profit(value: Mapping[str, object]) -> ClosedProfit:
    """Read one row of ``position/closed-pnl``.

    Raises:
        Unreadable: a field is missing or cannot be understood.

    """
    row = Row.of("closed pnl", value)
    return ClosedProfit(
        symbol=Symbol(row.text("symbol")),
        venue_id=VenueOrderId(row.text("orderId")),
        side=row.one_of("side", SIDES),
        qty=row.qty("closedSize"),
        entry=row.price("avgEntryPrice"),
        exit=row.price("avgExitPrice"),
        profit=row.money("closedPnl"),
        open_fee=row.amount_or_zero(Money, "openFee"),
        close_fee=row.amount_or_zero(Money, "closeFee"),
        leverage=row.rate("leverage"),
        created_ms=row.time_ms("createdTime"),
        updated_ms=row.time_ms("updatedTime"),
    )


def account_change(value: Mapping[str, object]) -> AccountChange:
    """Read one row of ``account/transaction-log``; its ``type`` is an open set.

    Raises:
        Unreadable: a field is missing or cannot be understood.

    """
    row = Row.of("transaction log", value)
    word, symbol = row.text("type"), row.text_or_none("symbol")
    return AccountChange(
        change_id=row.text("id"),
        kind=CHANGE_KINDS.get(word, ChangeKind.OTHER),
        word=word,
        currency=row.text("currency"),
        symbol=None if symbol is None else Symbol(symbol),
        cash_flow=row.amount_or_zero(Money, "cashFlow"),
        funding=row.amount_or_zero(Money, "funding"),
        fee=row.amount_or_zero(Money, "fee"),
        change=row.money("change"),
        balance=row.money("cashBalance"),
        execution_id=row.text_or_none("tradeId"),
        time_ms=row.time_ms("transactionTime"),
    )


def api_key(value: Mapping[str, object]) -> ApiKey:
    """Read the answer of ``user/query-api``; the key and its secret are left out.

    Raises:
        Unreadable: a field is missing or cannot be understood.

    """
    row = Row.of("api key", value)
    permissions = row.row("permissions")
    contract = _texts(permissions, "ContractTrade")
    return ApiKey(
        is_read_only=row.integer("readOnly") != 0,
        may_order="Order" in contract,
        may_move_positions="Position" in contract,
        may_withdraw="Withdraw" in _texts(permissions, "Wallet"),
        is_unified=row.integer("uta") == 1,
        bound_ips=tuple(ip for ip in _texts(row, "ips") if ip != "*"),
        user_id=row.integer("userID"),
        vip_level=row.text_or_none("vipLevel") or "",
        expires=row.text_or_none("expiredAt"),
    )


def _texts(row: Row, name: str) -> tuple[str, ...]:
    values = row.fields.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise row.unreadable(name)
    return tuple(values)
