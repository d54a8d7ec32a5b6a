"""Desks for the tests of the order executor: on the memory venue, with and without a position."""

from tidegate.domain.core import exposure
from tidegate.domain.core.config import CoreConfig
from tidegate.domain.money import Money, Price
from tidegate.domain.orders import ClientId, OrderRequest, ProtectiveLeg, Role
from tidegate.domain.reports import OrderReport
from tidegate.domain.signal import Entry, RungSpec
from tidegate.ports.orders import OrdersPort, Refused

from tests.application.bench import Bench, make_bench
from tests.domain.core.scenes import config, limit, opened, our_orders, placed

__all__ = [
    "exit_order",
    "fault",
    "holding",
    "leg",
    "order_at_venue",
    "orders",
    "reserved",
    "resting",
    "the_entry",
]


def holding(ladder: tuple[RungSpec, ...] = ()) -> Bench:
    """Return a desk that holds 0.010 long from 65000, its stop at 64000."""
    return opened(make_bench(config=config()), ladder=ladder)


def resting(entry: Entry | None = None, *, settings: CoreConfig | None = None) -> Bench:
    """Return a desk whose entry of 0.010 rests: a limit at 64500, its stop at 64000."""
    made = make_bench(config=settings or config())
    placed(made, entry=entry or limit("64500"))
    return made


def orders(bench: Bench) -> OrdersPort:
    return bench.desk.orders


def fault(outcome: object) -> str:
    """Return why something was refused in words."""
    assert isinstance(outcome, Refused), outcome
    assert outcome.fault is not None, outcome
    return outcome.fault


def order_at_venue(bench: Bench, name: ClientId) -> OrderReport:
    """Return an open order of ours as the venue shows it."""
    (found,) = [order for order in our_orders(bench) if order.client_id == name]
    return found


def exit_order(bench: Bench) -> OrderReport:
    """Return the only reducing order of an operator at the venue."""
    (found,) = [
        order for order in bench.runner.state.books.orders.values() if order.role is Role.EXIT
    ]
    return order_at_venue(bench, found.request.client_id)


def leg(price: str) -> ProtectiveLeg:
    return ProtectiveLeg(price=Price.of(price))


def the_entry(bench: Bench) -> OrderRequest:
    (order,) = [o for o in bench.runner.state.books.orders.values() if o.role is Role.ENTRY]
    return order.request


def reserved(bench: Bench) -> Money:
    return exposure.total(bench.runner.state.books, bench.runner.state.view)
