"""``tidegate check``."""

import enum
from typing import Annotated

import typer
from tidegate.domain.money import ONE, Money, Price, Qty, Rate
from tidegate.domain.orders import OrderKind
from tidegate.domain.signal import ExactQty, RiskFraction, SizingMethod
from tidegate.ports.commands import CheckRequest, CommandsPort

from . import parsing
from .checks import show_check
from .exits import Exit
from .machine import as_json, plain
from .options import SETTING_VARIABLES, SETTINGS_FILE, InstrumentOption, JsonOption, epilog
from .output import machine_out, page, reported

__all__ = ["add_check"]


class _Kind(enum.StrEnum):
    """How to enter, as the command line names it."""

    MARKET = "market"
    LIMIT = "limit"


_EntryOption = Annotated[
    Price,
    typer.Option(
        metavar="PRICE", parser=parsing.price, help="Price at which you would enter, USDT."
    ),
]
_EquityOption = Annotated[
    Money,
    typer.Option(metavar="USDT", parser=parsing.money, help="What the account is worth, USDT."),
]
_StopOption = Annotated[
    parsing.StopText | None,
    typer.Option(
        metavar="PRICE",
        parser=parsing.stop,
        help="Stop price, or how far from the entry it lies: 64000 or 2%.",
    ),
]
_RiskOption = Annotated[
    Rate | None,
    typer.Option(
        metavar="SHARE",
        parser=parsing.rate,
        help="Share of the equity that the stop may cost, fees and slippage in: 1%. This or --qty.",
    ),
]
_QtyOption = Annotated[
    Qty | None,
    typer.Option(metavar="QTY", parser=parsing.qty, help="Quantity in base coin. This or --risk."),
]
_LadderOption = Annotated[
    parsing.LadderText | None,
    typer.Option(
        metavar="R,R,...",
        parser=parsing.rungs,
        help="Targets in multiples of the risk: 1,2,3 in equal parts, or 1:50%,3:50%.",
    ),
]
_LeverageOption = Annotated[
    Rate | None,
    typer.Option(
        metavar="X", parser=parsing.rate, help="Leverage, a factor above 0.", show_default="1"
    ),
]
_OrderOption = Annotated[
    _Kind, typer.Option(help="Market orders are expected to slip, limit orders are not.")
]
_MarkOption = Annotated[
    Price | None,
    typer.Option(
        metavar="PRICE",
        parser=parsing.price,
        help="Mark price, USDT, to judge how far the entry is from it.",
    ),
]
_LimitsOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Settings file (TOML) whose limits and costs apply.",
        show_default="that of TIDEGATE_CONFIG, or the user's own",
    ),
]
_SymbolArgument = Annotated[
    str, typer.Argument(metavar="SYMBOL", help="What is traded, such as BTCUSDT.")
]
_SideArgument = Annotated[str, typer.Argument(metavar="SIDE", help="long or short.")]


_EXAMPLES = (
    "tidegate check BTCUSDT long --entry 65000 --stop 64000 --risk 1% \\",
    "  --equity 1400 --rr 1,2,3",
    "tidegate check BTCUSDT short --entry 65000 --stop 2% --qty 0.008 \\",
    "  --equity 1400",
)


def add_check(app: typer.Typer, commands: CommandsPort) -> None:
    """Add the dry check."""

    @app.command(
        epilog=epilog(
            Exit.BAD_INPUT,
            Exit.REFUSED,
            examples=_EXAMPLES,
            files=(SETTINGS_FILE,),
            variables=SETTING_VARIABLES,
        )
    )
    def check(
        symbol: _SymbolArgument,
        side: _SideArgument,
        entry: _EntryOption,
        equity: _EquityOption,
        stop: _StopOption = None,
        risk: _RiskOption = None,
        qty: _QtyOption = None,
        rr: _LadderOption = None,
        leverage: _LeverageOption = None,
        order: _OrderOption = _Kind.MARKET,
        mark: _MarkOption = None,
        limits: _LimitsOption = None,
        instrument: InstrumentOption = None,
        is_json: JsonOption = False,
    ) -> None:
        """Judge a trade without an account, a connection or an order.

        You state the trade and the equity; the answer is the ticket, or every rule that refuses
        with what it saw, its limit, how to mend it, and the largest quantity that passes. The
        account is taken to hold that equity and nothing else. Rules that need facts you did not
        state are listed: they do not refuse here, but the desk refuses until it knows.

        The size is given once, by --risk or by --qty. Nothing is written and no venue is asked.
        """
        request = CheckRequest(
            symbol=parsing.symbol(symbol),
            side=parsing.side(side),
            entry=entry,
            kind=OrderKind(order.value),
            stop=None if stop is None else stop.spec,
            sizing=_sizing(risk, qty),
            equity=equity,
            ladder=() if rr is None else rr.rungs,
            leverage=ONE if leverage is None else leverage,
            mark=mark,
            limits=limits,
            instruments=instrument,
        )
        _check(commands, request, is_json=is_json)


def _sizing(risk: Rate | None, qty: Qty | None) -> SizingMethod:
    if risk is not None and qty is None:
        return RiskFraction(risk)
    if qty is not None and risk is None:
        return ExactQty(qty)
    raise typer.BadParameter(
        "the size is needed, once; accepted: --risk 1% or --qty 0.01", param_hint="--risk or --qty"
    )


def _check(commands: CommandsPort, request: CheckRequest, *, is_json: bool) -> None:
    with reported():
        report = commands.check(request)
    if is_json:
        machine_out(as_json({"is_allowed": report.is_allowed, **plain(report)}))
    else:
        show_check(page(), report)
    raise typer.Exit(Exit.OK if report.is_allowed else Exit.REFUSED)
