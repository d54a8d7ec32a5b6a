"""Order operations by name: what the REST routes and the trade stream have in common.

Permission, rate limit, the present time, the act itself, and what the venue then has to say.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import attrs
from tidegate.ports.exchange import VenueError

from .accounts import Account
from .errors import V5Error
from .exchange import Exchange
from .limits import Spent
from .operations_batch import TOO_MANY_VISITS, amend_batch, batch_size, cancel_batch, create_batch
from .operations_orders import amend, cancel, create
from .reading import Params
from .replies import Reply

__all__ = ["BUCKETS", "Reply", "check_order_permission", "run", "spend"]

BUCKETS: Mapping[str, str] = MappingProxyType(
    {
        "order.create": "/v5/order/create",
        "order.amend": "/v5/order/amend",
        "order.cancel": "/v5/order/cancel",
        "order.create-batch": "/v5/order/create-batch",
        "order.amend-batch": "/v5/order/amend-batch",
        "order.cancel-batch": "/v5/order/cancel-batch",
    }
)
"""The name of each operation on the trade stream, and its REST path, which names its limit."""

_SINGLES = MappingProxyType({"order.create": create, "order.amend": amend, "order.cancel": cancel})
_BATCHES: Mapping[str, Callable[[Exchange, Account, Params, int], Reply]] = MappingProxyType(
    {
        "order.create-batch": create_batch,
        "order.amend-batch": amend_batch,
        "order.cancel-batch": cancel_batch,
    }
)
_UNKNOWN_OPERATION = 10404
_NO_PERMISSION = 10005
_INTERNAL_ERROR = 10016


def run(exchange: Exchange, account: Account, op: str, params: Mapping[str, object]) -> Reply:
    """Run one operation; the reply and the error both carry the headers of the rate limit.

    Raises:
        V5Error: the operation was refused and had no effect.

    """
    if op not in BUCKETS:
        raise V5Error(_UNKNOWN_OPERATION, f"op {op!r} is unknown; accepted: {', '.join(BUCKETS)}")
    check_order_permission(account)
    read = Params(params)
    count = batch_size(read) if op in _BATCHES else 1
    spent = spend(exchange, account, BUCKETS[op], count)
    try:
        exchange.settle_time()
        reply = _act(exchange, account, op, read, spent)
    except V5Error as error:
        error.headers = spent.headers()
        raise
    except VenueError as error:
        message = f"Internal error: {error}"
        raise V5Error(_INTERNAL_ERROR, message, headers=spent.headers()) from error
    finally:
        exchange.flush()
    return attrs.evolve(reply, headers=spent.headers())


def _act(exchange: Exchange, account: Account, op: str, params: Params, spent: Spent) -> Reply:
    if op in _BATCHES:
        return _BATCHES[op](exchange, account, params, spent.granted)
    return Reply(result=_SINGLES[op](exchange, account, params))


def spend(exchange: Exchange, account: Account, bucket: str, count: int = 1) -> Spent:
    """Count a request against its limit; with nothing left it is refused (10006).

    Raises:
        V5Error: 10006: nothing is left of the limit.

    """
    spent = exchange.limiter.spend(account, bucket, exchange.clock.now_ms(), count)
    if spent.granted == 0:
        message = "Too many visits. Exceeded the API Rate Limit."
        raise V5Error(TOO_MANY_VISITS, message, headers=spent.headers())
    return spent


def check_order_permission(account: Account) -> None:
    """Refuse a key that may only read, or that may not trade contracts.

    Raises:
        V5Error: 10005: the key may not.

    """
    permissions = dict(account.spec.permissions)
    if account.spec.is_read_only or "Order" not in permissions.get("ContractTrade", ()):
        raise V5Error(_NO_PERMISSION, "Permission denied, please check your API key permissions.")
