"""POST order/pre-check (Bybit V5): the account's margin rates before and after an order.

A model: the rates are the account's own, the order adds its cost to the initial margin.
"""

from decimal import Decimal

from tidegate.domain.margin import order_cost
from tidegate.domain.money import ONE, ZERO_MONEY, ZERO_RATE, Money, Rate
from tidegate.domain.reports import MarginMode

from .errors import V5Error
from .operations_orders import check_category, read_order
from .replies import Reply
from .routes import Call
from .text import link_id

__all__ = ["pre_check"]

_NOT_IN_ISOLATED = 10001
_NOT_ENOUGH = 110007
_E4 = Rate(Decimal(10_000))


def pre_check(call: Call) -> Reply:
    """Return four rates as whole numbers of 0.01 %; nothing is sent to the venue.

    Raises:
        V5Error: the order would be refused; the code is the venue's.
        QueryFailed: the venue has stopped, or the symbol has no price yet.

    """
    check_category(call.params)
    account = call.account.venue.account()
    if account.margin_mode is MarginMode.ISOLATED:
        raise V5Error(_NOT_IN_ISOLATED, "params error: pre-check is not for isolated margin")
    wanted = read_order(call.exchange, call.account, call.params)
    if wanted.request.trigger is not None:
        raise V5Error(10001, "params error: pre-check is not for conditional orders")
    venue, request = call.account.venue, wanted.request
    price = venue.ticker(request.symbol).last if request.price is None else request.price
    cost = order_cost(
        side=request.side,
        qty=request.qty,
        price=price,
        leverage=venue.leverage(request.symbol),
        taker=venue.fee_rates(request.symbol).taker,
    )
    after = _share(cost, account.equity)
    initial = _known(account.initial_margin_rate)
    maintenance = _known(account.maintenance_margin_rate)
    before: dict[str, object] = {
        "orderId": "",
        "orderLinkId": link_id(request.client_id),
        "preImrE4": _e4(initial),
        "preMmrE4": _e4(maintenance),
    }
    post: dict[str, object] = {"postImrE4": _e4(initial + after), "postMmrE4": _e4(maintenance)}
    if not request.reduce_only and cost > account.available:
        raise V5Error(_NOT_ENOUGH, "ab not enough for new order", ext=post, result=before)
    return Reply(result={**before, **post})


def _known(rate: Rate | None) -> Rate:
    return ZERO_RATE if rate is None else rate


def _share(cost: Money, equity: Money) -> Rate:
    return cost / equity if equity > ZERO_MONEY else ONE


def _e4(rate: Rate) -> int:
    return int((rate * _E4).value)
