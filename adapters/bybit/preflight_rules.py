"""What the checks before trading compare with."""

import attrs
from tidegate.domain.mode import VenueKind
from tidegate.domain.money import Money
from tidegate.domain.orders import Symbol

__all__ = ["PreflightRules"]


@attrs.frozen(kw_only=True)
class PreflightRules:
    """The limits of the checks, and what of the account is going to be used.

    ``clock_offset_ms_max`` bounds the distance of this machine's clock from the venue's, either
    way. ``balance_min`` is the least wallet in USDT. ``disconnect_cancel_s`` is the window that
    fixing arms the venue's cancel on disconnect with; 0 leaves it as it is. ``stream_start_ms``
    bounds the wait for each kind of stream; ``with_streams`` says whether they are used at all.
    """

    kind: VenueKind
    symbols: frozenset[Symbol]
    clock_offset_ms_max: int = 500
    balance_min: Money = attrs.field(factory=lambda: Money.of(10))
    key_days_left_min: int = 7
    allow_withdrawal_permission: bool = False
    disconnect_cancel_s: int = 0
    with_streams: bool = True
    stream_start_ms: int = 10_000

    @property
    def is_live(self) -> bool:
        """Tell whether real money is at stake."""
        return self.kind is VenueKind.BYBIT_MAINNET

    @property
    def is_demo(self) -> bool:
        """Tell whether the venue lacks what demo trading lacks."""
        return self.kind is VenueKind.BYBIT_DEMO
