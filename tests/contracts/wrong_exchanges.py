"""Venues that are wrong in one way each: the suite must find every one of them.

Each is the scripted venue with one method bent, as a hasty adapter's author might write it, and
names the case that finds it: ``--exchange tests.contracts.wrong_exchanges:make_DoubleFill``.
"""

from collections.abc import Callable
from functools import partial

from tidegate.contracts.exchange_bench import ExchangeBench

from . import (
    wrong_exchange_account,
    wrong_exchange_answers,
    wrong_exchange_batches,
    wrong_exchange_books,
    wrong_exchange_cancel_all,
    wrong_exchange_changes,
    wrong_exchange_limits,
    wrong_exchange_market_data,
    wrong_exchange_orders,
    wrong_exchange_partial,
    wrong_exchange_records,
    wrong_exchange_reports,
    wrong_exchange_requests,
    wrong_exchange_streams,
)
from .benches import MemoryBench
from .wrong_venue import WrongVenue

__all__ = ["ALSO_FOUND", "IDLE", "WRONG", "bench_of"]

_MODULES = (
    wrong_exchange_account,
    wrong_exchange_answers,
    wrong_exchange_batches,
    wrong_exchange_books,
    wrong_exchange_cancel_all,
    wrong_exchange_changes,
    wrong_exchange_limits,
    wrong_exchange_market_data,
    wrong_exchange_orders,
    wrong_exchange_partial,
    wrong_exchange_records,
    wrong_exchange_reports,
    wrong_exchange_requests,
    wrong_exchange_streams,
)

WRONG: dict[str, type[WrongVenue]] = {
    name: getattr(module, name) for module in _MODULES for name in module.__all__
}
IDLE = ("RefusesEverything", "AcceptsAndDoesNothing")
"""The two that are safe because they never trade."""


ALSO_FOUND = {
    "test_a_leg_can_be_added_to_an_order_without_one": "LegsAreNotSent",
    "test_a_leg_on_the_wrong_side_changes_nothing": "LegsAreNotSent",
    "test_cancel_all_keeps_what_was_filled": "CancelAllIsNotHeard",
    "test_a_cancel_keeps_what_was_filled": "LostCancel",
    "test_a_duplicate_of_a_resting_order_is_rejected": "DuplicateAccepted",
    "test_a_flat_position_has_no_entry": "FlippingReduction",
    "test_a_maker_pays_the_maker_rate": "FeeAsCredit",
    "test_a_negative_rate_turns_funding_around": "FundingSign",
    "test_a_position_is_the_sum_of_its_executions": "UnsignedPosition",
    "test_a_position_stop_can_be_set_moved_and_cleared": "ClearingNotSent",
    "test_a_post_only_order_rests": "AcknowledgedIsFilled",
    "test_a_quantity_below_the_minimum_is_refused": "RoundsSilently",
    "test_a_reduction_rests_and_closes": "LimitIsMarket",
    "test_a_refused_order_leaves_no_trace": "ShrinksToMargin",
    "test_a_resting_reduction_cannot_outlive_the_position": "FlippingReduction",
    "test_a_resting_sell_waits_for_its_price": "LimitIsMarket",
    "test_a_short_receives_a_positive_funding_rate": "FundingSign",
    "test_a_stop_above_a_short_closes_it": "StopNotAttached",
    "test_a_stop_limit_order_rests_at_its_limit_once_fired": "TriggerDropped",
    "test_a_waiting_conditional_order_can_be_cancelled": "LostCancel",
    "test_an_amended_quantity_changes_only_the_quantity": "AmendNotSent",
    "test_an_amended_trigger_changes_only_the_trigger": "AmendNotSent",
    "test_an_attached_stop_closes_the_position": "StopNotAttached",
    "test_an_attached_stop_on_the_wrong_side_is_refused": "StopNotAttached",
    "test_an_attached_stop_waits_for_its_entry": "StopNotAttached",
    "test_an_attached_target_closes_the_position": "StopLeftBehind",
    "test_an_ended_order_cannot_be_cancelled": "LostCancel",
    "test_an_unknown_order_cannot_be_cancelled": "LostCancel",
    "test_closed_profits_add_up_to_what_the_wallet_gained": "ProfitWithoutFees",
    "test_entry_is_the_average_of_what_was_paid": "EntryIsLastPrice",
    "test_executions_add_up_to_the_order": "ExecutionTwice",
    "test_funding_is_told": "FundingSign",
    "test_immediate_or_cancel_takes_what_there_is": "ImmediateRests",
    "test_no_message_is_lost_in_a_delay": "SilentExecutions",
    "test_order_history_holds_what_ended": "LostCancel",
    "test_orders_from_many_threads_are_all_distinct": "ClientIdDropped",
    "test_profit_has_the_sign_of_the_position": "UnsignedPosition",
    "test_queries_beside_orders_see_whole_states": "DoubleFill",
    "test_reduce_only_never_adds": "FlippingReduction",
    "test_reduce_only_never_opens": "FlippingReduction",
    "test_the_wallet_changes_by_profit_less_fees": "FeeAsCredit",
}
"""Cases that no wrong venue names, each with one that fails in it all the same."""


def bench_of(name: str) -> ExchangeBench:
    """Return a fresh bench of the wrong venue with that name."""
    return MemoryBench(WRONG[name]())


def __getattr__(name: str) -> Callable[[], ExchangeBench]:
    """Return the factory ``make_<name>`` of a wrong venue, for the command line."""
    wrong = name.removeprefix("make_")
    if wrong == name or wrong not in WRONG:
        raise AttributeError(f"no attribute {name!r}")
    return partial(bench_of, wrong)
