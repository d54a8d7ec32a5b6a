"""Settings of the account and of a position's margin, and what the account itself tells."""

from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal

import pytest
from tidegate.contracts.exchange_bench import Ability, ExchangeBench
from tidegate.contracts.exchange_stage import Stage, is_close
from tidegate.domain.money import ZERO_MONEY, Money, Price
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.records import PositionMode
from tidegate.domain.reports import MarginMode, RejectReason
from tidegate.ports.exchange import Capability, Done, QueryFailed, Rejected, Unknown

__all__: list[str] = []

_COIN = "USDT"
_NO_COIN = "NOSUCHCOIN"
_CENT = Decimal("0.01")


def _other_mode(stage: Stage) -> MarginMode:
    now = stage.port.account().margin_mode
    return MarginMode.CROSS if now is MarginMode.ISOLATED else MarginMode.ISOLATED


def _in_mode(stage: Stage, mode: MarginMode) -> None:
    """Bring the account, which is flat, into a margin mode."""
    if stage.port.account().margin_mode is not mode:
        stage.need(Capability.MARGIN_MODE)
        assert isinstance(stage.port.set_margin_mode(mode), Done)


def _share(amount: Money, percent: int) -> Money:
    """Return a part of an amount in whole cents: a venue takes a few decimals only."""
    part = amount.value * percent / 100
    return Money(part.quantize(_CENT, rounding=ROUND_FLOOR))


def _more_margin(stage: Stage) -> Money:
    """Return half as much again as the position has: its liquidation stays within reach."""
    return _share(stage.port.position(stage.symbol).initial_margin, 50)


def _liquidation(stage: Stage) -> Price:
    level = stage.port.position(stage.symbol).liquidation_price
    assert level is not None, "the position has a liquidation price"
    return level


def _done(outcome: Done | Rejected | Unknown) -> Done:
    assert isinstance(outcome, Done), f"should be done, was {outcome}"
    return outcome


def _rejected(outcome: Done | Rejected | Unknown) -> Rejected:
    assert isinstance(outcome, Rejected), f"should be rejected, was {outcome}"
    return outcome


def test_the_margin_mode_is_what_was_set(exchange_bench: ExchangeBench) -> None:
    """On a flat account it changes, the account shows it, and the same again is already done."""
    stage = Stage(exchange_bench)
    stage.need(Capability.MARGIN_MODE)
    for _ in range(2):
        wanted = _other_mode(stage)
        assert not _done(stage.port.set_margin_mode(wanted)).was_already
        assert stage.port.account().margin_mode is wanted
        assert _done(stage.port.set_margin_mode(wanted)).was_already


def test_the_margin_mode_stays_with_a_position(exchange_bench: ExchangeBench) -> None:
    """It is account-wide and changes only when flat: what secures a position is not swapped."""
    stage = Stage(exchange_bench)
    stage.need(Capability.MARGIN_MODE)
    stage.buy()
    before = stage.port.account().margin_mode
    _rejected(stage.port.set_margin_mode(_other_mode(stage)))
    assert stage.port.account().margin_mode is before
    stage.close()
    _done(stage.port.set_margin_mode(_other_mode(stage)))


def test_the_margin_mode_stays_with_an_order(exchange_bench: ExchangeBench) -> None:
    """An order that rests was judged in the mode that it was sent in."""
    stage = Stage(exchange_bench)
    stage.need(Capability.MARGIN_MODE)
    stage.place(stage.order(Side.BUY, limit=-3))
    before = stage.port.account().margin_mode
    _rejected(stage.port.set_margin_mode(_other_mode(stage)))
    assert stage.port.account().margin_mode is before


def test_a_margin_mode_not_modified_is_done_only_where_it_stands(
    exchange_bench: ExchangeBench,
) -> None:
    """When the venue says "not modified" and shows another mode, nothing was set."""
    stage = Stage(exchange_bench)
    stage.need(Capability.MARGIN_MODE)
    stage.can(Ability.REJECT)
    before, wanted = stage.port.account().margin_mode, _other_mode(stage)
    stage.drive.reject_next(RejectReason.NOT_MODIFIED)
    assert _rejected(stage.port.set_margin_mode(wanted)).reason is RejectReason.NOT_MODIFIED
    assert stage.port.account().margin_mode is before


def test_the_position_mode_is_the_account_s(exchange_bench: ExchangeBench) -> None:
    """A fresh account has one position for a symbol; where it is switched to two, that is told."""
    stage = Stage(exchange_bench)
    stage.need(Capability.POSITION_MODE)
    assert stage.port.position_mode(stage.symbol) is PositionMode.ONE_WAY
    stage.can(Ability.HEDGE_MODE)
    stage.drive.switch_to_hedge_mode()
    assert stage.port.position_mode(stage.symbol) is PositionMode.HEDGE


def test_margin_that_is_added_moves_the_liquidation_away(exchange_bench: ExchangeBench) -> None:
    """It comes from what is available, and is there again once it was taken back."""
    stage = Stage(exchange_bench)
    stage.need(Capability.ADD_MARGIN)
    _in_mode(stage, MarginMode.ISOLATED)
    for open_it, away in ((stage.buy, -1), (stage.sell, 1)):
        open_it(3)
        free, level = stage.port.account().available, _liquidation(stage)
        amount = _more_margin(stage)
        assert not _done(stage.port.add_margin(stage.symbol, amount)).was_already
        moved = _liquidation(stage) - level
        assert moved.sign == away
        assert is_close(stage.port.account().available, free - amount)
        _done(stage.port.add_margin(stage.symbol, -amount))
        assert _liquidation(stage) == level
        assert is_close(stage.port.account().available, free)
        stage.close()


def test_no_more_margin_is_added_than_is_available(exchange_bench: ExchangeBench) -> None:
    """The refusal leaves the position as it was."""
    stage = Stage(exchange_bench)
    stage.need(Capability.ADD_MARGIN)
    _in_mode(stage, MarginMode.ISOLATED)
    stage.buy(3)
    free, level = stage.port.account().available, _liquidation(stage)
    refused = _rejected(stage.port.add_margin(stage.symbol, _share(free, 101)))
    assert refused.reason is RejectReason.INSUFFICIENT_MARGIN
    assert (stage.port.account().available, _liquidation(stage)) == (free, level)


def test_no_more_margin_is_taken_than_was_added(exchange_bench: ExchangeBench) -> None:
    """What the position itself needs stays with it."""
    stage = Stage(exchange_bench)
    stage.need(Capability.ADD_MARGIN)
    _in_mode(stage, MarginMode.ISOLATED)
    stage.buy(3)
    amount = _more_margin(stage)
    _done(stage.port.add_margin(stage.symbol, amount))
    level = _liquidation(stage)
    _rejected(stage.port.add_margin(stage.symbol, -(amount + Money(_CENT))))
    assert _liquidation(stage) == level


def test_margin_needs_an_isolated_position(exchange_bench: ExchangeBench) -> None:
    """Without a position there is nothing to add to, and in cross margin all of it counts."""
    stage = Stage(exchange_bench)
    stage.need(Capability.ADD_MARGIN)
    _in_mode(stage, MarginMode.ISOLATED)
    flat = _rejected(stage.port.add_margin(stage.symbol, Money.of(1)))
    assert flat.reason is RejectReason.NO_POSITION
    _in_mode(stage, MarginMode.CROSS)
    stage.buy()
    free = stage.port.account().available
    assert _rejected(stage.port.add_margin(stage.symbol, Money.of(1))).reason is not None
    assert is_close(stage.port.account().available, free)


def test_added_margin_ends_with_its_position(exchange_bench: ExchangeBench) -> None:
    """A new position begins without what was added to the one before."""
    stage = Stage(exchange_bench)
    stage.need(Capability.ADD_MARGIN)
    _in_mode(stage, MarginMode.ISOLATED)
    stage.buy(3)
    level = _liquidation(stage)
    _done(stage.port.add_margin(stage.symbol, _more_margin(stage)))
    stage.close()
    account = stage.port.account()
    assert is_close(account.available, account.wallet)
    stage.buy(3)
    assert _liquidation(stage) == level


def test_margin_without_an_answer_is_unknown(exchange_bench: ExchangeBench) -> None:
    """Whether it was added is not known, and it is not added a second time."""
    stage = Stage(exchange_bench)
    stage.need(Capability.ADD_MARGIN)
    stage.can(Ability.LOSE_ANSWER, Ability.LOSE_REQUEST)
    _in_mode(stage, MarginMode.ISOLATED)
    stage.buy(3)
    free = stage.port.account().available
    amount = _more_margin(stage)
    stage.drive.lose_next_request()
    assert isinstance(stage.port.add_margin(stage.symbol, amount), Unknown)
    assert is_close(stage.port.account().available, free)
    stage.drive.lose_next_answer()
    assert isinstance(stage.port.add_margin(stage.symbol, amount), Unknown)
    assert is_close(stage.port.account().available, free - amount)


def test_adding_margin_by_itself_shows_on_the_position(exchange_bench: ExchangeBench) -> None:
    """An acknowledgement is not enough: the position says whether it is on."""
    stage = Stage(exchange_bench)
    stage.need(Capability.AUTO_ADD_MARGIN)
    _in_mode(stage, MarginMode.ISOLATED)
    stage.buy()
    for on in (True, False):
        assert not _done(stage.port.set_auto_add_margin(stage.symbol, on=on)).was_already
        assert stage.port.position(stage.symbol).auto_add_margin is on
        assert _done(stage.port.set_auto_add_margin(stage.symbol, on=on)).was_already


def test_margin_is_not_added_by_itself_in_cross_margin(exchange_bench: ExchangeBench) -> None:
    """There is nothing to choose where the whole account secures every position."""
    stage = Stage(exchange_bench)
    stage.need(Capability.AUTO_ADD_MARGIN)
    _in_mode(stage, MarginMode.CROSS)
    _rejected(stage.port.set_auto_add_margin(stage.symbol, on=True))
    assert stage.port.position(stage.symbol).auto_add_margin is not True


def test_risk_tiers_are_the_instrument_s(exchange_bench: ExchangeBench) -> None:
    """They come smallest first, as the specification has them; an unknown symbol has none."""
    stage = Stage(exchange_bench)
    stage.need(Capability.RISK_TIERS)
    assert stage.port.risk_tiers(stage.symbol) == stage.spec.tiers
    with pytest.raises(QueryFailed):
        stage.port.risk_tiers(Symbol("NOSUCHUSDT"))


def test_a_coin_of_the_wallet_agrees_with_the_account(exchange_bench: ExchangeBench) -> None:
    """Wallet and equity of USDT are those of the account, also with a position that moved."""
    stage = Stage(exchange_bench)
    stage.need(Capability.BALANCES)
    for act in (lambda: None, lambda: stage.buy(3), lambda: stage.move(2)):
        act()
        account, coin = stage.port.account(), stage.port.balance(_COIN)
        assert coin.coin == _COIN
        assert is_close(coin.wallet, account.wallet)
        assert is_close(coin.equity, account.equity)
        assert (coin.borrowed, coin.locked) == (ZERO_MONEY, ZERO_MONEY)
        assert stage.port.balances() == (coin,)


def test_a_missing_coin_is_an_error(exchange_bench: ExchangeBench) -> None:
    """A coin that the venue does not list is not known: zero would be an invention."""
    stage = Stage(exchange_bench)
    stage.need(Capability.BALANCES)
    with pytest.raises(QueryFailed):
        stage.port.balance(_NO_COIN)


def test_collateral_that_is_on_is_already_done(exchange_bench: ExchangeBench) -> None:
    """USDT is listed and counts; to switch it on changes nothing."""
    stage = Stage(exchange_bench)
    stage.need(Capability.COLLATERAL)
    before = stage.port.collateral()
    (coin,) = (row for row in before if row.coin == _COIN)
    assert coin.is_on
    assert _done(stage.port.set_collateral(_COIN, on=True)).was_already
    assert stage.port.collateral() == before


def test_collateral_that_cannot_be_switched_is_refused(exchange_bench: ExchangeBench) -> None:
    """What the list says cannot be switched is not, and neither is a coin that it lacks."""
    stage = Stage(exchange_bench)
    stage.need(Capability.COLLATERAL)
    before = stage.port.collateral()
    fixed = [row.coin for row in before if row.is_on and not row.may_be_switched]
    for coin in (_NO_COIN, *fixed):
        _rejected(stage.port.set_collateral(coin, on=False))
    assert stage.port.collateral() == before


def test_an_account_that_never_borrowed_owes_nothing(exchange_bench: ExchangeBench) -> None:
    """The answer covers what was asked for and holds no row, for one coin and for all."""
    stage = Stage(exchange_bench)
    stage.need(Capability.BORROWINGS)
    for coin in (None, _COIN):
        asked = stage.so_far()
        found = stage.port.borrowings(coin, asked)
        assert (found.rows, found.covers, found.is_complete) == ((), asked, True)


_QUERIES: dict[str, tuple[Capability, Callable[[Stage], object]]] = {
    "position_mode": (
        Capability.POSITION_MODE,
        lambda stage: stage.port.position_mode(stage.symbol),
    ),
    "risk_tiers": (Capability.RISK_TIERS, lambda stage: stage.port.risk_tiers(stage.symbol)),
    "balance": (Capability.BALANCES, lambda stage: stage.port.balance(_COIN)),
    "balances": (Capability.BALANCES, lambda stage: stage.port.balances()),
    "collateral": (Capability.COLLATERAL, lambda stage: stage.port.collateral()),
    "borrowings": (
        Capability.BORROWINGS,
        lambda stage: stage.port.borrowings(None, stage.so_far()),
    ),
}


@pytest.mark.parametrize("name", list(_QUERIES))
def test_an_error_of_the_account_is_never_an_empty_answer(
    exchange_bench: ExchangeBench, name: str
) -> None:
    """A query without a usable answer raises, and works again afterwards."""
    stage = Stage(exchange_bench)
    stage.can(Ability.FAIL_QUERIES)
    capability, ask = _QUERIES[name]
    stage.need(capability)
    stage.drive.fail_next_query()
    with pytest.raises(QueryFailed):
        ask(stage)
    assert ask(stage) is not None
