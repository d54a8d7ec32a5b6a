"""The approval of an order that can add risk, as a type that the exchange port demands."""

import attrs
from tidegate.domain.orders import OrderRequest

__all__ = ["Approved"]

_SEAL = object()


@attrs.frozen(init=False)
class Approved:
    """An order that `judge` let through. Nothing else can make one: there is no bypass.

    Raises:
        TypeError: anybody but ``judge`` tried to make one.

    """

    order: OrderRequest

    def __init__(self, order: OrderRequest, *, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError(
                f"order {order.client_id} is not approved: only `judge` makes an Approved"
            )
        self.__attrs_init__(order)
