"""The levels of a partial pair land on the tick grid as those of a whole position do."""

import pytest
from tidegate.domain.core.protect_requests import on_grid
from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import ProtectiveLeg, Side, TriggerBy
from tidegate.domain.protection import PartialPair, ProtectionChange

from tests.domain.samples import BTCUSDT

QTY = Qty.of("0.004")


@pytest.mark.parametrize(
    ("side", "stop", "target", "stop_limit", "target_limit"),
    [
        # A long is stopped at the tick above and leaves at the one below; it sells no lower.
        (Side.BUY, "64000.1", "66000.0", "63900.1", "66000.1"),
        (Side.SELL, "64000.0", "66000.1", "63900.0", "66000.0"),
    ],
)
def test_a_pair_is_rounded_like_the_levels_of_a_whole_position(
    side: Side, stop: str, target: str, stop_limit: str, target_limit: str
) -> None:
    asked = PartialPair(
        qty=QTY,
        stop_loss=ProtectiveLeg(price=Price.of("64000.04"), by=TriggerBy.MARK),
        take_profit=ProtectiveLeg(price=Price.of("66000.04"), by=TriggerBy.INDEX),
        stop_loss_limit=Price.of("63900.04"),
        take_profit_limit=Price.of("66000.06"),
    )
    rounded = on_grid(ProtectionChange(pair=asked), BTCUSDT, side=side)
    assert rounded == ProtectionChange(
        pair=PartialPair(
            qty=QTY,
            stop_loss=ProtectiveLeg(price=Price.of(stop), by=TriggerBy.MARK),
            take_profit=ProtectiveLeg(price=Price.of(target), by=TriggerBy.INDEX),
            stop_loss_limit=Price.of(stop_limit),
            take_profit_limit=Price.of(target_limit),
        )
    )


@pytest.mark.parametrize(
    "alone",
    [
        PartialPair(qty=QTY, stop_loss=ProtectiveLeg(price=Price.of("64000.1"))),
        PartialPair(qty=QTY, take_profit=ProtectiveLeg(price=Price.of("66000.1"))),
    ],
)
def test_a_pair_of_one_leg_keeps_the_other_empty(alone: PartialPair) -> None:
    asked = ProtectionChange(pair=alone)
    assert on_grid(asked, BTCUSDT, side=Side.BUY) == asked
