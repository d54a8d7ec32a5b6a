"""Batches of order requests: two parallel arrays, and an outer code that is always zero.

Source: Bybit V5, order/create-batch, amend-batch and cancel-batch. Orders are counted one by one:
those beyond the limit are refused one by one.
"""

from collections.abc import Callable, Mapping

from tidegate.domain.lifecycle import Status

from .accounts import Account
from .errors import V5Error
from .exchange import Exchange
from .operations_orders import Result, amend, cancel, check_category, create, find_order
from .reading import Params, bad
from .replies import Reply

__all__ = [
    "BATCH_ORDERS_MAX",
    "TOO_MANY_VISITS",
    "amend_batch",
    "batch_size",
    "cancel_batch",
    "create_batch",
]

BATCH_ORDERS_MAX = 20
TOO_MANY_VISITS = 10006

_Act = Callable[[Exchange, Account, Params], Result]


def create_batch(exchange: Exchange, account: Account, params: Params, granted: int) -> Reply:
    """Take the first ``granted`` orders of a batch.

    Raises:
        V5Error: the request as a whole is refused; what fails one order stands in its own result.

    """
    return _run(exchange, account, params, granted, create, is_create=True)


def amend_batch(exchange: Exchange, account: Account, params: Params, granted: int) -> Reply:
    """Change the first ``granted`` orders of a batch; not conditional ones.

    Raises:
        V5Error: the request as a whole is refused; what fails one order stands in its own result.

    """
    return _run(exchange, account, params, granted, _amend_plain)


def cancel_batch(exchange: Exchange, account: Account, params: Params, granted: int) -> Reply:
    """Cancel the first ``granted`` orders of a batch.

    Raises:
        V5Error: the request as a whole is refused; what fails one order stands in its own result.

    """
    return _run(exchange, account, params, granted, cancel)


def batch_size(params: Params) -> int:
    """Return how many orders a batch holds, within its limit.

    Raises:
        V5Error: the request as a whole is refused; what fails one order stands in its own result.

    """
    check_category(params)
    size = len(params.items("request"))
    if not 1 <= size <= BATCH_ORDERS_MAX:
        raise bad(f"request holds {size} orders; 1 to {BATCH_ORDERS_MAX} are accepted")
    return size


def _run(
    exchange: Exchange,
    account: Account,
    params: Params,
    granted: int,
    act: _Act,
    *,
    is_create: bool = False,
) -> Reply:
    rows: list[Result] = []
    outcomes: list[Result] = []
    for position, item in enumerate(params.items("request")):
        single = Params({**item, "category": "linear"})
        try:
            if position >= granted:
                raise V5Error(TOO_MANY_VISITS, "Too many visits!")
            _suffer(exchange, position)
            done = act(exchange, account, single)
        except V5Error as error:
            done = {"orderId": "", "orderLinkId": _given(item, "orderLinkId")}
            outcomes.append({"code": error.code, "msg": error.message})
        else:
            outcomes.append({"code": 0, "msg": "OK"})
        row: Result = {"category": "linear", "symbol": _given(item, "symbol"), **done}
        if is_create:
            row["createAt"] = str(exchange.clock.now_ms()) if done["orderId"] else ""
        rows.append(row)
    return Reply(result={"list": rows}, ext={"list": outcomes})


def _suffer(exchange: Exchange, position: int) -> None:
    """Refuse one item of a batch where a fault was planned for it."""
    answer = exchange.faults.take_batch_item(position)
    if answer is not None:
        raise V5Error(answer.code, answer.message)


def _given(item: Mapping[str, object], name: str) -> str:
    value = item.get(name)
    return value if isinstance(value, str) else ""


def _amend_plain(exchange: Exchange, account: Account, params: Params) -> Result:
    symbol = exchange.instrument(params.need("symbol")).symbol
    if find_order(account, symbol, params).status is Status.UNTRIGGERED:
        raise bad("a batch does not change conditional orders")
    return amend(exchange, account, params)
