"""Venues whose account operations are wrong in one way each."""

from collections.abc import Callable

import attrs
from tidegate.domain.instrument import RiskTier
from tidegate.domain.money import ZERO_MONEY, Money
from tidegate.domain.orders import Symbol
from tidegate.domain.records import Borrowing, CoinBalance, Collateral, PositionMode
from tidegate.domain.reports import AccountReport, MarginMode, PositionReport, RejectReason
from tidegate.ports.exchange import Done, History, QueryFailed, Rejected, TimeRange, Unknown

from .wrong_venue import WrongVenue

__all__ = [
    "AddsMarginAsItComes",
    "AlwaysOneWay",
    "AsksForOneMoment",
    "AutoAddAcknowledged",
    "CoinOfYesterday",
    "CollateralSwitchedOff",
    "ErrorIsNoCollateral",
    "MarginBackInFull",
    "MarginForNothing",
    "MarginLeftBehind",
    "MarginModeAmongOrders",
    "MarginModeNotModifiedIsDone",
    "MarginModeNotSent",
    "MarginModeWithAPosition",
    "MarginSentTwice",
    "MarginTheWrongWay",
    "MissingCoinIsZero",
    "OneTierForAll",
    "SameCollateralIsError",
    "TakesAutoAddInCross",
]

Outcome = Done | Rejected | Unknown


class MarginModeNotSent(WrongVenue):
    """Confirms a margin mode that it means to send later."""

    case = "test_the_margin_mode_is_what_was_set"

    def set_margin_mode(self, mode: MarginMode) -> Outcome:
        del mode
        return Done(time_ms=self.now_ms())


class MarginModeWithAPosition(WrongVenue):
    """Looks for orders before it changes the margin mode, and not for positions."""

    case = "test_the_margin_mode_stays_with_a_position"

    def set_margin_mode(self, mode: MarginMode) -> Outcome:
        with self._shared.turn() as books:
            if not any(books.live()):
                books.mode_set = mode
        return super().set_margin_mode(mode)


class MarginModeAmongOrders(WrongVenue):
    """Looks for positions before it changes the margin mode, and not for orders."""

    case = "test_the_margin_mode_stays_with_an_order"

    def set_margin_mode(self, mode: MarginMode) -> Outcome:
        with self._shared.turn() as books:
            if all(held.is_flat for held in books.folded.values()):
                books.mode_set = mode
        return super().set_margin_mode(mode)


class MarginModeNotModifiedIsDone(WrongVenue):
    """Takes "not modified" for success without looking at the account."""

    case = "test_a_margin_mode_not_modified_is_done_only_where_it_stands"

    def set_margin_mode(self, mode: MarginMode) -> Outcome:
        outcome = super().set_margin_mode(mode)
        if isinstance(outcome, Rejected) and outcome.reason is RejectReason.NOT_MODIFIED:
            return Done(time_ms=outcome.time_ms, was_already=True)
        return outcome


class AlwaysOneWay(WrongVenue):
    """Trades in one-way mode, and so takes the account to be in it."""

    case = "test_the_position_mode_is_the_account_s"

    def position_mode(self, symbol: Symbol) -> PositionMode:
        super().position_mode(symbol)
        return PositionMode.ONE_WAY


class MarginTheWrongWay(WrongVenue):
    """Sends the amount without its sign, and takes nothing back."""

    case = "test_margin_that_is_added_moves_the_liquidation_away"

    def add_margin(self, symbol: Symbol, amount: Money) -> Outcome:
        return super().add_margin(symbol, abs(amount))


class AddsMarginAsItComes(WrongVenue):
    """Adds what there is where more was asked for."""

    case = "test_no_more_margin_is_added_than_is_available"

    def add_margin(self, symbol: Symbol, amount: Money) -> Outcome:
        return super().add_margin(symbol, min(amount, self.account().available))


class MarginBackInFull(WrongVenue):
    """Takes all of the added margin back where more was asked for."""

    case = "test_no_more_margin_is_taken_than_was_added"

    def add_margin(self, symbol: Symbol, amount: Money) -> Outcome:
        with self._shared.turn() as books:
            most = -books.extra_margin(symbol)
        return super().add_margin(symbol, max(amount, most))


class MarginForNothing(WrongVenue):
    """Takes margin without a position for done: it would be added if there were one."""

    case = "test_margin_needs_an_isolated_position"

    def add_margin(self, symbol: Symbol, amount: Money) -> Outcome:
        outcome = super().add_margin(symbol, amount)
        if isinstance(outcome, Rejected) and outcome.reason is RejectReason.NO_POSITION:
            return Done(time_ms=outcome.time_ms)
        return outcome


class MarginLeftBehind(WrongVenue):
    """Remembers what was added to a symbol, whatever became of the position."""

    case = "test_added_margin_ends_with_its_position"
    added: Money = ZERO_MONEY

    def add_margin(self, symbol: Symbol, amount: Money) -> Outcome:
        outcome = super().add_margin(symbol, amount)
        if isinstance(outcome, Done):
            self.added = self.added + amount
        return outcome

    def account(self) -> AccountReport:
        report = super().account()
        with self._shared.turn() as books:
            is_counted = any(books.extra_margins.values())
        left = ZERO_MONEY if is_counted else self.added
        return attrs.evolve(report, available=report.available - left)


class MarginSentTwice(WrongVenue):
    """Repeats what had no answer."""

    case = "test_margin_without_an_answer_is_unknown"

    def add_margin(self, symbol: Symbol, amount: Money) -> Outcome:
        outcome = super().add_margin(symbol, amount)
        return super().add_margin(symbol, amount) if isinstance(outcome, Unknown) else outcome


class AutoAddAcknowledged(WrongVenue):
    """Confirms that margin is added by itself, without having sent it."""

    case = "test_adding_margin_by_itself_shows_on_the_position"

    def set_auto_add_margin(self, symbol: Symbol, *, on: bool) -> Outcome:
        del symbol, on
        return Done(time_ms=self.now_ms())


class TakesAutoAddInCross(WrongVenue):
    """Keeps the choice until the account is isolated one day, and shows it."""

    case = "test_margin_is_not_added_by_itself_in_cross_margin"
    wish = False

    def set_auto_add_margin(self, symbol: Symbol, *, on: bool) -> Outcome:
        self.wish = on
        outcome = super().set_auto_add_margin(symbol, on=on)
        return Done(time_ms=self.now_ms()) if isinstance(outcome, Rejected) else outcome

    def position(self, symbol: Symbol) -> PositionReport:
        return attrs.evolve(super().position(symbol), auto_add_margin=self.wish)


class OneTierForAll(WrongVenue):
    """Tells the lowest tier alone, in which everybody begins."""

    case = "test_risk_tiers_are_the_instrument_s"

    def risk_tiers(self, symbol: Symbol) -> tuple[RiskTier, ...]:
        return super().risk_tiers(symbol)[:1]


class CoinOfYesterday(WrongVenue):
    """Tells the balance that it saw first."""

    case = "test_a_coin_of_the_wallet_agrees_with_the_account"
    seen: CoinBalance | None = None

    def balance(self, coin: str) -> CoinBalance:
        self.seen = super().balance(coin) if self.seen is None else self.seen
        return self.seen


class MissingCoinIsZero(WrongVenue):
    """Takes a coin that the venue does not list for one of which there is nothing."""

    case = "test_a_missing_coin_is_an_error"

    def balance(self, coin: str) -> CoinBalance:
        try:
            return super().balance(coin)
        except QueryFailed:
            return CoinBalance(
                coin=coin,
                wallet=ZERO_MONEY,
                equity=ZERO_MONEY,
                locked=ZERO_MONEY,
                borrowed=ZERO_MONEY,
                usd_value=ZERO_MONEY,
                is_collateral=False,
            )


class SameCollateralIsError(WrongVenue):
    """Passes on that USDT cannot be switched, also where nothing was to be switched."""

    case = "test_collateral_that_is_on_is_already_done"

    def set_collateral(self, coin: str, *, on: bool) -> Outcome:
        del on
        return super().set_collateral(coin, on=False)


class CollateralSwitchedOff(WrongVenue):
    """Confirms a switch that the venue refused."""

    case = "test_collateral_that_cannot_be_switched_is_refused"

    def set_collateral(self, coin: str, *, on: bool) -> Outcome:
        outcome = super().set_collateral(coin, on=on)
        return Done(time_ms=self.now_ms()) if isinstance(outcome, Rejected) else outcome


class AsksForOneMoment(WrongVenue):
    """Shortens a range to its last millisecond, and says that nothing else was asked."""

    case = "test_an_account_that_never_borrowed_owes_nothing"

    def borrowings(self, coin: str | None, within: TimeRange) -> History[Borrowing]:
        last = TimeRange(start_ms=within.end_ms, end_ms=within.end_ms)
        return attrs.evolve(super().borrowings(coin, last), is_complete=False)


def _or_nothing(ask: Callable[[], tuple[Collateral, ...]]) -> tuple[Collateral, ...]:
    try:
        return ask()
    except QueryFailed:
        return ()


class ErrorIsNoCollateral(WrongVenue):
    """Takes an answer that could not be had for "no collateral"."""

    case = "test_an_error_of_the_account_is_never_an_empty_answer[collateral]"

    def collateral(self) -> tuple[Collateral, ...]:
        return _or_nothing(super().collateral)
