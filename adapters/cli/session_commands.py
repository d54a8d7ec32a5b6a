"""``tidegate demo`` and ``tidegate paper``."""

from typing import Annotated

import typer
from tidegate.ports.commands import DEMO_BARS, CommandsPort, DemoRequest, PaperRequest, Where

from . import parsing
from .exits import Exit
from .options import (
    JOURNAL_FILE,
    SETTING_VARIABLES,
    SETTINGS_FILE,
    VENUE_FILE,
    ConfigOption,
    InstrumentOption,
    JsonOption,
    StateOption,
    TicketsOption,
    epilog,
)
from .sessions import run_session

__all__ = ["add_demo", "add_paper"]

_TICKETS = 3
_OWN = "the settings' own"
_DEMO_EXAMPLES = ("tidegate demo", "tidegate demo --bars 3000 --state demo1 --tickets 1")
_PAPER_EXAMPLES = (
    "tidegate paper --data bars.csv --state run1",
    "tidegate paper --data eth.csv --symbol ETHUSDT --instrument eth.toml \\",
    "  --strategy my_module:MyStrategy --strategy-param channel=20",
)
_ENDS = (Exit.BAD_INPUT, Exit.STATE, Exit.SESSION, Exit.INTERRUPTED, Exit.TERMINATED)
_DataOption = Annotated[
    str,
    typer.Option(metavar="FILE", help="CSV file of bars: time, open, high, low, close, volume."),
]
_StrategyOption = Annotated[
    str | None,
    typer.Option(
        metavar="MODULE:CLASS",
        help="The strategy. Its module is imported: name only code that you trust.",
        show_default=_OWN,
    ),
]
_SymbolOption = Annotated[
    str | None,
    typer.Option(
        metavar="SYMBOL",
        help="What the data is of.",
        show_default=_OWN,
    ),
]
_ParamOption = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=VALUE", help="A parameter of the strategy's class; repeatable."),
]
_FundingOption = Annotated[
    str | None, typer.Option(metavar="FILE", help="CSV file of funding: time, rate as a fraction.")
]
_MarkOption = Annotated[
    str | None, typer.Option(metavar="FILE", help="CSV file of mark prices: time, mark.")
]
_VolumeUnitOption = Annotated[
    str,
    typer.Option(
        metavar="UNIT",
        help="What volume counts: base (coins), quote (turnover, USDT) or contracts_usd.",
    ),
]


def add_demo(app: typer.Typer, commands: CommandsPort) -> None:
    """Add the demonstration."""

    @app.command(epilog=epilog(*_ENDS, examples=_DEMO_EXAMPLES, files=(JOURNAL_FILE, VENUE_FILE)))
    def demo(
        bars: Annotated[
            int,
            typer.Option(metavar="N", min=1, help="Use the first N of the 20,111 hourly bars."),
        ] = DEMO_BARS,
        seed: Annotated[
            int,
            typer.Option(
                metavar="N", min=0, help="Seed of ids and chance: the same seed, the same run."
            ),
        ] = 0,
        state: Annotated[
            str | None,
            typer.Option(
                metavar="DIR",
                help="Keep the journal here; run again to go on where it stopped.",
                show_default="a temporary folder",
            ),
        ] = None,
        tickets: TicketsOption = _TICKETS,
        is_json: JsonOption = False,
    ) -> None:
        """See it work: a breakout strategy on real hourly prices.

        No keys, no network, about ten seconds. The bars are real and ship with the package;
        the exchange is simulated, with fees, slippage, margin, and an invented funding rate
        every eight hours. The first trades are told in full: the ticket before the order, then
        fills, stop, targets, funding and result. The summary is in R, multiples of the money at
        risk.

        It ends with the data. Nothing is asked, no settings are read, and nothing is written but
        the two files of its state folder. Ctrl-C and SIGTERM end it early, with the summary so far.

        The strategy is there to exercise the rules, not to make money.
        """
        run_session(
            lambda: commands.demo(DemoRequest(bars=bars, seed=seed, state=state)),
            name="demo",
            tickets_max=tickets,
            is_json=is_json,
        )


def add_paper(app: typer.Typer, commands: CommandsPort) -> None:
    """Add the paper session."""

    @app.command(
        epilog=epilog(
            *_ENDS,
            examples=_PAPER_EXAMPLES,
            files=(JOURNAL_FILE, VENUE_FILE, SETTINGS_FILE),
            variables=SETTING_VARIABLES,
        )
    )
    def paper(
        data: _DataOption,
        strategy: _StrategyOption = None,
        symbol: _SymbolOption = None,
        strategy_param: _ParamOption = None,
        funding: _FundingOption = None,
        mark: _MarkOption = None,
        volume_unit: _VolumeUnitOption = "base",
        instrument: InstrumentOption = None,
        config: ConfigOption = None,
        seed: Annotated[
            int | None,
            typer.Option(metavar="N", min=0, help="Seed of ids and chance.", show_default=_OWN),
        ] = None,
        state: StateOption = None,
        tickets: TicketsOption = _TICKETS,
        is_json: JsonOption = False,
    ) -> None:
        """Trade a strategy on your own bars, on a simulated exchange.

        The exchange has fees, slippage, margin, funding and liquidation; see the settings of paper.
        Every item of data goes through the same desk that trades live. The first trades are told in
        full, and it ends with the data and a summary.

        It can be stopped and started again: what happened is in two stores in the state folder,
        the journal and the exchange's own, and the same command goes on from there. Use a new
        folder for other data.

        Ctrl-C and SIGTERM end it after the present bar, with the summary so far; a second signal
        exits at once, and the next start picks up from there all the same.
        """
        run_session(
            lambda: commands.paper(
                PaperRequest(
                    data=data,
                    funding=funding,
                    mark=mark,
                    volume_unit=volume_unit,
                    symbol=None if symbol is None else parsing.symbol(symbol),
                    instruments=instrument,
                    strategy=strategy,
                    params=parsing.parameters(strategy_param or []),
                    seed=seed,
                    where=Where(state=state, config=config),
                )
            ),
            name="paper",
            tickets_max=tickets,
            is_json=is_json,
        )
