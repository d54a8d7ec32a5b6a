"""``tidegate demo`` and ``tidegate paper``."""

from typing import Annotated

import typer
from tidegate.ports.commands import CommandsPort, DemoRequest, PaperRequest, Where

from . import parsing
from .exits import Exit
from .options import ConfigOption, InstrumentOption, JsonOption, StateOption, TicketsOption, epilog
from .sessions import run_session

__all__ = ["add_demo", "add_paper"]

_TICKETS = 3
_ENDS = (Exit.BAD_INPUT, Exit.STATE, Exit.SESSION, Exit.INTERRUPTED, Exit.TERMINATED)


def add_demo(app: typer.Typer, commands: CommandsPort) -> None:
    """Add the demonstration."""

    @app.command(epilog=epilog(*_ENDS))
    def demo(
        bars: Annotated[
            int | None,
            typer.Option(
                metavar="N", min=1, help="Use the first N bars only.", show_default="all 20,111"
            ),
        ] = None,
        seed: Annotated[
            int, typer.Option(metavar="N", min=0, help="Same seed, same run, to the last digit.")
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
        """See it work: a breakout strategy on two years of hourly bitcoin prices.

        No keys, no network, about ten seconds. The bars are real and ship with the package; the
        exchange is simulated, with fees, slippage, margin, and a made-up funding rate every eight
        hours. The first trades are told in full: the ticket before the order, then fills, stop,
        targets, funding and result. The summary is in R, multiples of the money at risk.

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

    @app.command(epilog=epilog(*_ENDS))
    def paper(
        data: Annotated[
            str,
            typer.Option(metavar="FILE", help="Bars: time, open, high, low, close, volume (CSV)."),
        ],
        strategy: Annotated[
            str | None,
            typer.Option(
                metavar="MODULE:CLASS",
                help="The strategy. Its module is imported: name only code that you trust.",
                show_default="the settings' own",
            ),
        ] = None,
        symbol: Annotated[
            str | None,
            typer.Option(
                metavar="SYMBOL",
                help="What the data is of.",
                show_default="the settings' own",
            ),
        ] = None,
        strategy_param: Annotated[
            list[str] | None,
            typer.Option(metavar="NAME=VALUE", help="A parameter of the strategy; repeatable."),
        ] = None,
        funding: Annotated[
            str | None, typer.Option(metavar="FILE", help="Funding rates: time, rate (CSV).")
        ] = None,
        mark: Annotated[
            str | None, typer.Option(metavar="FILE", help="Mark prices: time, mark (CSV).")
        ] = None,
        instrument: InstrumentOption = None,
        config: ConfigOption = None,
        seed: Annotated[
            int | None,
            typer.Option(metavar="N", min=0, help="Source of ids.", show_default="the settings'"),
        ] = None,
        state: StateOption = None,
        tickets: TicketsOption = _TICKETS,
        is_json: JsonOption = False,
    ) -> None:
        """Trade a strategy on your own bars, on a simulated exchange.

        It can be stopped and started again: what happened is in two stores in the state folder,
        the journal and the exchange's own, and the same command goes on from there. Use a new
        folder for other data.

        Ctrl-C and SIGTERM end it after the present bar, with the summary so far; a second signal
        exits at once, and the next start picks up from there all the same.

        Example: tidegate paper --data eth.csv --symbol ETHUSDT --instrument eth.toml --state run1
        --strategy my_module:MyStrategy --strategy-param channel=20
        """
        run_session(
            lambda: commands.paper(
                PaperRequest(
                    data=data,
                    funding=funding,
                    mark=mark,
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
