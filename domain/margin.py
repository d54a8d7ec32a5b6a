"""Initial and maintenance margin, bankruptcy and liquidation price of a USDT perpetual.

Formulas of Bybit's unified account since 2 September 2025 (help centre, "Initial Margin",
"Maintenance Margin" and "Liquidation Price (USDT contract)"). In them S is the unsigned size,
E the average entry, M the mark price, L the leverage, f the taker rate, MMR and MMD the
maintenance rate and deduction of the risk tier; the upper sign of ``-+`` is for a long.

Results are unrounded. Money is USDT, quantities are unsigned base coin.
"""

import attrs

from .instrument import RiskTier
from .money import ONE, ZERO_MONEY, ZERO_RATE, Money, Price, Qty, Rate
from .orders import Side

__all__ = [
    "bankruptcy_price",
    "fee_to_close",
    "initial_margin",
    "leverage_allowed",
    "liquidation_price_cross",
    "liquidation_price_isolated",
    "maintenance_added",
    "maintenance_margin",
    "notional_allowed",
    "order_cost",
    "reachable",
    "tier_for",
]


def tier_for(tiers: tuple[RiskTier, ...], notional: Money) -> RiskTier:
    """Return the tier of ``notional``: the value of the position plus its orders, at mark.

    A value equal to a limit is still inside it. Above the last limit the last tier applies: the
    mark may carry a position there, while opening there is refused by :func:`notional_allowed`.
    """
    for tier in tiers:
        if notional <= tier.notional_max:
            return tier
    return tiers[-1]


def leverage_allowed(tiers: tuple[RiskTier, ...], notional: Money) -> Rate:
    """Return the highest leverage for ``notional``; zero above the last tier's limit."""
    tier = tier_for(tiers, notional)
    return tier.leverage_max if notional <= tier.notional_max else ZERO_RATE


def notional_allowed(tiers: tuple[RiskTier, ...], leverage: Rate) -> Money:
    """Return the largest opening value at ``leverage``: the limit of the highest tier allowing it.

    Zero when no tier allows the leverage (Bybit answers 110013 or 110090).
    """
    limits = [tier.notional_max for tier in tiers if tier.leverage_max >= leverage]
    return max(limits, default=ZERO_MONEY)


def bankruptcy_price(*, side: Side, entry: Price, leverage: Rate) -> Price:
    """Return the price at which the initial margin is gone: ``E (1 -+ 1/L)``.

    Raises:
        ValueError: the leverage is not above zero.

    """
    _leverage_is_positive(leverage)
    return entry - (entry * ONE / leverage).times(side.sign)


def fee_to_close(*, qty: Qty, bankruptcy: Price, taker: Rate) -> Money:
    """Return the taker fee of closing at the bankruptcy price: ``S B f``."""
    return bankruptcy * qty * taker


def initial_margin(*, side: Side, qty: Qty, basis: Price, leverage: Rate, taker: Rate) -> Money:
    """Return ``S P / L + S P (1 -+ 1/L) f``, with P the ``basis``.

    ``basis`` is the average entry in isolated margin and the mark price in cross margin.
    """
    bankruptcy = bankruptcy_price(side=side, entry=basis, leverage=leverage)
    fee = fee_to_close(qty=qty, bankruptcy=bankruptcy, taker=taker)
    return basis * qty / leverage + fee


def maintenance_margin(
    *, side: Side, qty: Qty, mark: Price, basis: Price, leverage: Rate, tier: RiskTier, taker: Rate
) -> Money:
    """Return ``S M MMR - MMD + S P (1 -+ 1/L) f``, with P the ``basis`` as in initial margin."""
    bankruptcy = bankruptcy_price(side=side, entry=basis, leverage=leverage)
    fee = fee_to_close(qty=qty, bankruptcy=bankruptcy, taker=taker)
    return mark * qty * tier.maintenance_rate - tier.deduction + fee


def maintenance_added(
    *, side: Side, qty: Qty, price: Price, leverage: Rate, tier: RiskTier, taker: Rate
) -> Money:
    """Return the most that an entry filled at ``price`` adds: ``S P MMR + S P (1 -+ 1/L) f``.

    ``tier`` is that of its symbol with the entry filled. The tier's deduction belongs to the whole
    and is not taken off: what is held may be in a lower tier, whose deduction is smaller.
    """
    whole = attrs.evolve(tier, deduction=ZERO_MONEY)
    added = maintenance_margin(
        side=side, qty=qty, mark=price, basis=price, leverage=leverage, tier=whole, taker=taker
    )
    return max(ZERO_MONEY, added)


def order_cost(*, side: Side, qty: Qty, price: Price, leverage: Rate, taker: Rate) -> Money:
    """Return what an opening order at ``price`` locks: margin, opening fee and fee to close.

    Both fees are at the taker rate, the second at the bankruptcy price (help centre, "Order
    Cost"). A conditional order locks nothing until it is triggered.
    """
    margin = initial_margin(side=side, qty=qty, basis=price, leverage=leverage, taker=taker)
    return margin + price * qty * taker


def liquidation_price_isolated(
    *,
    side: Side,
    qty: Qty,
    entry: Price,
    leverage: Rate,
    tier: RiskTier,
    taker: Rate,
    extra_margin: Money = ZERO_MONEY,
) -> Price:
    """Return the mark at which isolated margin falls to the maintenance margin.

    Solves ``IM + X + S (M - E) = MM`` for a long, and its mirror for a short; X is
    ``extra_margin`` added by hand. The fee to close is on both sides and cancels, except that X
    moves the bankruptcy price:
    long ``[E (1 - 1/L) - (X / (1 - f) + MMD) / S] / (1 - MMR)``,
    short ``[E (1 + 1/L) + (X / (1 + f) + MMD) / S] / (1 + MMR)``.
    A long at leverage 1 has it at zero or below: see :func:`reachable`.

    Raises:
        ValueError: quantity or leverage is not above zero.

    """
    _qty_is_positive(qty)
    bankruptcy = bankruptcy_price(side=side, entry=entry, leverage=leverage)
    buffer = extra_margin / (ONE - taker.times(side.sign)) + tier.deduction
    numerator = bankruptcy * qty - buffer.times(side.sign)
    return numerator / (qty * (ONE - tier.maintenance_rate.times(side.sign)))


def liquidation_price_cross(
    *,
    side: Side,
    qty: Qty,
    entry: Price,
    leverage: Rate,
    tier: RiskTier,
    taker: Rate,
    wallet: Money,
    others_unrealised: Money,
    others_maintenance: Money,
    price_min: Price,
    price_max: Price,
) -> Price | None:
    """Estimate the mark at which the account's margin falls to its maintenance margin.

    Every other position stands still: ``others_unrealised`` and ``others_maintenance`` are their
    sums. With A = wallet + others' unrealised - others' maintenance margin:
    long ``[S E - A - MMD] / [S (1 - MMR - f (1 - 1/L))]``,
    short ``[S E + A + MMD] / [S (1 + MMR + f (1 + 1/L))]``.
    ``None`` outside [``price_min``, ``price_max``], where the venue shows no price.

    Raises:
        ValueError: quantity or leverage is not above zero.

    """
    _qty_is_positive(qty)
    _leverage_is_positive(leverage)
    buffer = wallet + others_unrealised - others_maintenance + tier.deduction
    numerator = entry * qty - buffer.times(side.sign)
    fee_share = taker * (ONE - (ONE / leverage).times(side.sign))
    rate = ONE - (tier.maintenance_rate + fee_share).times(side.sign)
    if rate <= ZERO_RATE:
        return None
    price = numerator / (qty * rate)
    return reachable(price, price_min=price_min, price_max=price_max)


def reachable(price: Price, *, price_min: Price, price_max: Price) -> Price | None:
    """Return ``price`` when the instrument can trade there, ``None`` when it never will."""
    return price if price_min <= price <= price_max else None


def _leverage_is_positive(leverage: Rate) -> None:
    if leverage <= ZERO_RATE:
        raise ValueError(f"leverage {leverage}: must be above zero")


def _qty_is_positive(qty: Qty) -> None:
    if qty.sign <= 0:
        raise ValueError(f"position of {qty}: an unsigned quantity above zero is needed")
