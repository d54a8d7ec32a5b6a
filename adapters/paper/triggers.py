"""Conditional orders: which one fires at the present prices, and what firing means."""

from tidegate.domain.lifecycle import Status
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Origin

from .legs import cancel_sibling
from .matching import go_live
from .protection import begin_trailing
from .records import PaperOrder
from .world import World

__all__ = ["fire_next"]

_RANK = {Origin.STOP_LOSS: 0, Origin.TRAILING_STOP: 1, Origin.TAKE_PROFIT: 3}
_RANK_OTHER = 2


def _precedence(order: PaperOrder) -> tuple[int, int]:
    """Order what fires at one price: stops first, targets last, then by age."""
    return _RANK.get(order.origin, _RANK_OTHER), order.number


def fire_next(world: World, symbol: Symbol) -> bool:
    """Fire the first conditional order whose trigger is reached; tell whether there was one."""
    waiting = [o for o in world.state.orders_of(symbol) if o.is_waiting]
    for order in sorted(waiting, key=_precedence):
        assert order.trigger is not None
        if order.trigger.fires_at(world.book(symbol).reference(order.trigger.by)):
            _fire(world, order)
            return True
    return False


def _fire(world: World, order: PaperOrder) -> None:
    if order.trailing is not None and order.trailing.best is None:
        begin_trailing(world, order)
        return
    world.state.become(order, Status.TRIGGERED)
    cancel_sibling(world, order)
    go_live(world, order)
