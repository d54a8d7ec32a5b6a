"""Wallet, equity, funding, liquidation and leverage."""

from tidegate.contracts.exchange_bench import Ability, ExchangeBench
from tidegate.contracts.exchange_stage import Stage, is_close
from tidegate.domain.money import ONE, ZERO_MONEY, ZERO_QTY, ZERO_RATE, Money, Rate
from tidegate.domain.orders import Side
from tidegate.domain.reports import Origin, RejectReason
from tidegate.ports.exchange import Capability, Done, Rejected

__all__: list[str] = []


def _unrealised(stage: Stage) -> Money:
    return sum((row.unrealised for row in stage.port.positions()), start=ZERO_MONEY)


def test_equity_is_wallet_plus_open_profit(exchange_bench: ExchangeBench) -> None:
    """It holds when flat, when open, when the mark moves and when closed again."""
    stage = Stage(exchange_bench)
    for act in (
        lambda: None,
        stage.buy,
        lambda: stage.move(3),
        lambda: stage.move(-3),
        stage.close,
    ):
        act()
        account = stage.port.account()
        assert is_close(account.equity, account.wallet + _unrealised(stage))


def test_the_wallet_changes_by_profit_less_fees(exchange_bench: ExchangeBench) -> None:
    """After a round trip the wallet moved by what the executions say, and by nothing else."""
    stage = Stage(exchange_bench)
    before = stage.port.account().wallet
    stage.buy(3)
    stage.move(2)
    stage.close()
    flows = ZERO_MONEY
    for row in stage.fills():
        flows = flows - (row.price * row.qty).times(row.side.sign) - row.fee
    assert flows > ZERO_MONEY
    assert is_close(stage.port.account().wallet, before + flows)


def test_an_open_position_locks_margin(exchange_bench: ExchangeBench) -> None:
    """Available balance falls by about the initial margin, and returns when it is closed."""
    stage = Stage(exchange_bench)
    before = stage.port.account().available
    stage.buy(5)
    locked = stage.port.position(stage.symbol).initial_margin
    assert locked > ZERO_MONEY
    assert stage.port.account().available <= before - locked
    stage.close()
    assert stage.port.position(stage.symbol).initial_margin.sign == 0
    assert stage.port.account().available > before - locked


def test_the_ticker_is_in_order(exchange_bench: ExchangeBench) -> None:
    """Bid is not above ask, and the last price is the one that was traded."""
    stage = Stage(exchange_bench)
    stage.move(2)
    ticker = stage.port.ticker(stage.symbol)
    assert ticker.bid <= ticker.ask
    assert ticker.last == ticker.mark == stage.level(2)
    assert ticker.time_ms <= stage.drive.now_ms()


def test_the_ticker_follows_the_market(exchange_bench: ExchangeBench) -> None:
    """Every ticker has the prices of its time: what was read once is not handed out again."""
    stage = Stage(exchange_bench)
    before = stage.port.ticker(stage.symbol)
    for percent in (2, -3):
        stage.move(percent)
        now = stage.port.ticker(stage.symbol)
        assert now.last == now.mark == stage.level(percent)
        assert now.time_ms >= before.time_ms


def test_the_specification_is_the_venue_s(exchange_bench: ExchangeBench) -> None:
    """Tick, steps, limits and tiers come back as the venue has them."""
    stage = Stage(exchange_bench)
    assert stage.port.instrument(stage.symbol) == stage.spec


def test_fee_rates_are_fractions(exchange_bench: ExchangeBench) -> None:
    """Fee rates are fractions of value: a taker's is positive, neither reaches one per cent."""
    stage = Stage(exchange_bench)
    stage.need(Capability.FEE_RATES)
    rates = stage.port.fee_rates(stage.symbol)
    assert ZERO_RATE < rates.taker < Rate.of("0.01")
    assert abs(rates.maker) <= rates.taker


def test_a_long_pays_a_positive_funding_rate(exchange_bench: ExchangeBench) -> None:
    """Funding is size x mark x rate: paid by longs, and taken from the wallet."""
    stage = Stage(exchange_bench)
    _funding(stage, Side.BUY)


def test_a_short_receives_a_positive_funding_rate(exchange_bench: ExchangeBench) -> None:
    """Funding is size x mark x rate: received by shorts, and added to the wallet."""
    stage = Stage(exchange_bench)
    _funding(stage, Side.SELL)


def _funding(stage: Stage, side: Side) -> None:
    stage.need(Capability.FUNDING)
    stage.can(Ability.FUNDING)
    stage.place(stage.order(side, stage.unit.times(5)))
    before, rate = stage.port.account().wallet, Rate.of("0.0001")
    stage.drive.pay_funding(rate)
    stage.drive.settle()
    (payment,) = stage.port.funding_payments(stage.symbol, stage.so_far()).rows
    assert payment.amount.sign == side.sign
    assert (payment.qty, payment.rate) == (stage.held(), rate)
    assert is_close(payment.amount, payment.mark * payment.qty * rate)
    assert is_close(stage.port.account().wallet, before - payment.amount)


def test_a_negative_rate_turns_funding_around(exchange_bench: ExchangeBench) -> None:
    """At a negative rate longs receive."""
    stage = Stage(exchange_bench)
    stage.need(Capability.FUNDING)
    stage.can(Ability.FUNDING)
    stage.buy(5)
    stage.drive.pay_funding(Rate.of("-0.0001"))
    stage.drive.settle()
    (payment,) = stage.port.funding_payments(None, stage.so_far()).rows
    assert payment.amount < ZERO_MONEY


def test_who_is_flat_pays_no_funding(exchange_bench: ExchangeBench) -> None:
    """Without a position at the stamp nothing is paid, whatever was held before."""
    stage = Stage(exchange_bench)
    stage.need(Capability.FUNDING)
    stage.can(Ability.FUNDING)
    stage.buy()
    stage.close()
    before = stage.port.account().wallet
    stage.drive.pay_funding(Rate.of("0.0001"))
    stage.drive.settle()
    assert stage.port.funding_payments(stage.symbol, stage.so_far()).rows == ()
    assert stage.port.account().wallet == before


def test_funding_is_no_execution(exchange_bench: ExchangeBench) -> None:
    """A settlement moves money and no quantity: it is not among the executions, told or asked.

    Bybit V5 shows both in one list (execution/list, ``execType`` Funding).
    """
    stage = Stage(exchange_bench)
    stage.need(Capability.FUNDING, Capability.HISTORY)
    stage.can(Ability.FUNDING)
    stage.buy(2)
    before, told = stage.fills(), stage.ear.executions()
    stage.drive.pay_funding(Rate.of("0.0001"))
    stage.drive.settle()
    assert len(stage.port.funding_payments(stage.symbol, stage.so_far()).rows) == 1
    assert stage.fills() == before
    assert stage.ear.executions() == told
    assert stage.signed_fills() == stage.held() == stage.unit.times(2)


def test_a_liquidation_is_reported_as_one(exchange_bench: ExchangeBench) -> None:
    """It closes the whole position, ends the symbol's orders, and its execution says what it is."""
    stage = Stage(exchange_bench)
    stage.can(Ability.LIQUIDATE)
    stage.buy(3)
    resting = stage.place(stage.order(Side.SELL, stage.unit, limit=5, reduce_only=True))
    before = stage.port.account().wallet
    stage.drive.liquidate()
    stage.drive.settle()
    assert stage.held() == ZERO_QTY
    closing = [row for row in stage.fills() if row.side is Side.SELL]
    assert {row.origin for row in closing} == {Origin.LIQUIDATION}
    assert {row.client_id for row in closing} == {None}
    assert not stage.is_open(resting)
    assert stage.port.account().wallet < before


def _other_leverage(stage: Stage) -> Rate:
    now = stage.port.position(stage.symbol).leverage
    return stage.spec.leverage_min if now != stage.spec.leverage_min else ONE + now


def test_leverage_is_what_was_set(exchange_bench: ExchangeBench) -> None:
    """A new leverage is done, and shows on the position even when flat."""
    stage = Stage(exchange_bench)
    stage.need(Capability.LEVERAGE)
    wanted = _other_leverage(stage)
    outcome = stage.port.set_leverage(stage.symbol, wanted)
    assert isinstance(outcome, Done)
    assert not outcome.was_already
    assert stage.port.position(stage.symbol).leverage == wanted


def test_the_same_leverage_again_is_already_done(exchange_bench: ExchangeBench) -> None:
    """Asking for the leverage that stands is success, not an error."""
    stage = Stage(exchange_bench)
    stage.need(Capability.LEVERAGE)
    wanted = _other_leverage(stage)
    stage.port.set_leverage(stage.symbol, wanted)
    outcome = stage.port.set_leverage(stage.symbol, wanted)
    assert isinstance(outcome, Done)
    assert outcome.was_already


def test_a_leverage_not_modified_is_done_only_where_it_stands(
    exchange_bench: ExchangeBench,
) -> None:
    """When the venue says "not modified" and shows another leverage, nothing was set."""
    stage = Stage(exchange_bench)
    stage.need(Capability.LEVERAGE)
    stage.can(Ability.REJECT)
    before = stage.port.position(stage.symbol).leverage
    stage.drive.reject_next(RejectReason.NOT_MODIFIED)
    outcome = stage.port.set_leverage(stage.symbol, _other_leverage(stage))
    assert isinstance(outcome, Rejected)
    assert stage.port.position(stage.symbol).leverage == before


def test_a_leverage_beyond_the_venue_s_is_refused(exchange_bench: ExchangeBench) -> None:
    """Above the instrument's maximum nothing changes."""
    stage = Stage(exchange_bench)
    stage.need(Capability.LEVERAGE)
    before = stage.port.position(stage.symbol).leverage
    outcome = stage.port.set_leverage(stage.symbol, stage.spec.leverage_max + ONE)
    assert isinstance(outcome, Rejected)
    assert outcome.reason in {RejectReason.LEVERAGE_NOT_ALLOWED, RejectReason.INVALID_PARAMETER}
    assert stage.port.position(stage.symbol).leverage == before
