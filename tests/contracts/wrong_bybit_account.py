"""Adapters of Bybit whose account operations are wrong over the wire, each in one way."""

import attrs
from tidegate.adapters.bybit.replies import Answered
from tidegate.adapters.bybit.rest import Call, Lane
from tidegate.adapters.bybit.wire.account_requests import (
    auto_add_margin_body,
    margin_body,
    margin_mode_body,
    partial_stop_body,
)
from tidegate.domain.money import ZERO_MONEY, Money
from tidegate.domain.orders import Symbol
from tidegate.domain.records import CoinBalance, Collateral, PositionMode
from tidegate.domain.reports import MarginMode
from tidegate.ports.account import PartialStop
from tidegate.ports.exchange import Done, PositionStop, QueryFailed, Rejected, Unknown

from .wrong_adapter import WrongAdapter

__all__ = [
    "ActivePriceDropped",
    "AutoAddWithoutLooking",
    "CoinMissingIsZero",
    "CollateralErrorIsNone",
    "MarginModeNotModifiedIsSet",
    "MarginWithoutItsSign",
    "PartialSentAsFull",
    "PositionIndexIgnored",
]

Outcome = Done | Rejected | Unknown


class PartialSentAsFull(WrongAdapter):
    """Leaves ``tpslMode`` at Full: the stop covers the whole position."""

    case = "test_a_partial_stop_closes_its_part_and_no_more"

    def add_partial_stop(self, stop: PartialStop) -> Outcome:
        body = {**partial_stop_body(stop), "tpslMode": "Full"}
        reply = self.rest.change(Call.TRADING_STOP, body, lane=Lane.SAFETY)
        assert isinstance(reply, Answered)
        return Done(time_ms=reply.time_ms)


class ActivePriceDropped(WrongAdapter):
    """Sends a trailing stop without its activation price: it trails at once."""

    case = "test_a_trailing_stop_waits_for_its_activation"

    def set_position_stop(self, stop: PositionStop) -> Outcome:
        return super().set_position_stop(attrs.evolve(stop, trailing_activation=None))


class PositionIndexIgnored(WrongAdapter):
    """Takes a symbol that has position rows for one in one-way mode."""

    case = "test_the_position_mode_is_the_account_s"

    def position_mode(self, symbol: Symbol) -> PositionMode:
        super().position_mode(symbol)
        return PositionMode.ONE_WAY


class MarginModeNotModifiedIsSet(WrongAdapter):
    """Takes any answer to ``account/set-margin-mode`` for success."""

    case = "test_a_margin_mode_not_modified_is_done_only_where_it_stands"

    def set_margin_mode(self, mode: MarginMode) -> Outcome:
        self.rest.change(Call.SET_MARGIN_MODE, margin_mode_body(mode), lane=Lane.ORDERS)
        return Done(time_ms=self.rest.clock.now_ms())


class MarginWithoutItsSign(WrongAdapter):
    """Sends ``position/add-margin`` without the sign of the amount."""

    case = "test_margin_that_is_added_moves_the_liquidation_away"

    def add_margin(self, symbol: Symbol, amount: Money) -> Outcome:
        reply = self.rest.change(
            Call.ADD_MARGIN, margin_body(symbol, abs(amount)), lane=Lane.SAFETY
        )
        assert isinstance(reply, Answered)
        return Done(time_ms=reply.time_ms)


class AutoAddWithoutLooking(WrongAdapter):
    """Sends the choice again without a look, and cannot say that it was so already."""

    case = "test_adding_margin_by_itself_shows_on_the_position"

    def set_auto_add_margin(self, symbol: Symbol, *, on: bool) -> Outcome:
        body = auto_add_margin_body(symbol, on=on)
        reply = self.rest.change(Call.SET_AUTO_ADD_MARGIN, body, lane=Lane.SAFETY)
        assert isinstance(reply, Answered)
        return Done(time_ms=reply.time_ms)


class CoinMissingIsZero(WrongAdapter):
    """Takes a coin that ``account/wallet-balance`` does not hold for an empty one."""

    case = "test_a_missing_coin_is_an_error"

    def balance(self, coin: str) -> CoinBalance:
        found = {row.coin: row for row in self.balances()}
        empty = CoinBalance(
            coin=coin,
            wallet=ZERO_MONEY,
            equity=ZERO_MONEY,
            locked=ZERO_MONEY,
            borrowed=ZERO_MONEY,
            usd_value=ZERO_MONEY,
            is_collateral=False,
        )
        return found.get(coin, empty)


class CollateralErrorIsNone(WrongAdapter):
    """Takes an answer that could not be had for "no collateral"."""

    case = "test_an_error_of_the_account_is_never_an_empty_answer[collateral]"

    def collateral(self) -> tuple[Collateral, ...]:
        try:
            return super().collateral()
        except QueryFailed:
            return ()
