"""Several effects of one kind as one batch: each keeps its own answer."""

from collections.abc import Sequence

from tidegate.domain.core import inputs as given
from tidegate.domain.core.effects import AmendOrder, Cancel, Effect, Place
from tidegate.ports.batches import send_all
from tidegate.ports.clock import ClockPort
from tidegate.ports.exchange import ExchangePort

from .performing import amended, amendment, cancellation, cancelled, perform, placed

__all__ = ["perform_all"]


def perform_all(
    effects: Sequence[Effect], port: ExchangePort, clock: ClockPort
) -> tuple[given.Input, ...]:
    """Run effects, all orders, all changes or all cancels as batches; see :func:`perform`.

    A lost batch is unknown for every order in it, and what the venue lacks is refused alone.
    """
    size_max = port.capabilities.batch_size_max
    places = [effect for effect in effects if isinstance(effect, Place)]
    if len(places) == len(effects) > 1:
        orders = [effect.order for effect in places]
        answers = send_all(orders, port.place_batch, size_max=size_max, now_ms=clock.now_ms)
        return tuple(placed(effect, one) for effect, one in zip(places, answers, strict=True))
    changes = [effect for effect in effects if isinstance(effect, AmendOrder)]
    if len(changes) == len(effects) > 1:
        wanted = [amendment(effect) for effect in changes]
        answers = send_all(wanted, port.amend_batch, size_max=size_max, now_ms=clock.now_ms)
        return tuple(amended(effect, one) for effect, one in zip(changes, answers, strict=True))
    cancels = [effect for effect in effects if isinstance(effect, Cancel)]
    if len(cancels) == len(effects) > 1:
        named = [cancellation(effect) for effect in cancels]
        answers = send_all(named, port.cancel_batch, size_max=size_max, now_ms=clock.now_ms)
        return tuple(cancelled(effect, one) for effect, one in zip(cancels, answers, strict=True))
    return tuple(result for effect in effects for result in perform(effect, port, clock))
