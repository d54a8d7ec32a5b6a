"""Writes the manual of the command line anew: ``python -m tests.adapters.cli.manual``."""

from pathlib import Path

from tidegate.adapters.cli.exits import Exit

from .running import invoke

__all__ = ["CARE", "COMMANDS", "PAGE", "manual"]

PAGE = Path(__file__).resolve().parents[3] / "docs" / "cli.md"
COMMANDS = (
    "demo",
    "paper",
    "run",
    "check",
    "doctor",
    "status",
    "journal",
    "reconcile",
    "panic",
    "reset-panic",
    "venue",
    "simulate",
    "state",
)
CARE = tuple(f"state {command}" for command in ("verify", "backup", "restore", "compact"))
"""The commands of the group ``state``; the manual has them after it."""

_INTRODUCTION = """# Command line

`tidegate` drives the same core that trades: nothing in it decides, sizes or places by other rules.

- Results go to standard output, words about trouble to standard error.
- `--json` makes a command write JSON to standard output and nothing else. Amounts are exact
  decimals, as text; times are UTC milliseconds. `journal --json` writes one document on each line.
- Output is 80 columns wide at most. Colours and the progress bar appear in a terminal only.
- A message about trouble says what was wrong, the value, and what would be accepted.
- [Settings](settings.md) come from a TOML file, the environment and the options.

## State

A session has a state folder with two SQLite files: `journal.sqlite`, where everything that tidegate
decided and learnt is an entry, and `venue.sqlite`, the books of the simulated exchange. A session
that was stopped or killed goes on from them: run the same command again. Data, seed, wallet and
margin mode must be those that it was begun with; a new folder begins anew.

`status` and `journal` read the journal alone, also while a session runs. `panic`, `reset-panic` and
`reconcile` need both stores to themselves: stop the session first. In a mode of Bybit's they ask
the venue itself, without the checks of a start: a panic does not wait for a check list. On what
`run --mode paper` left they first match what the market did meanwhile and act at its present
prices; where the market cannot be asked, panic closes at the last prices that the venue has.

Each mode has a desk and a state folder of its own. Name the desk with the `--mode` and `--state` it
was started with; each command says which mode, venue, account and journal it acted on, and refuses
a journal of another mode. Mode live needs the acknowledgement where a command may trade: `run`,
`reconcile` and `reset-panic`, whose desk opens as at a start. A panic, and what only reads, needs
none. A panic that has not ended is not reset: `panic` finishes it.

`state verify`, `state backup`, `state restore` and `state compact` look after a journal:
[care](state.md#care) says what each of them does to the file.

## Signals

Ctrl-C (SIGINT) and SIGTERM end a session after the present item of market data, with its summary. A
second signal exits at once; even then nothing is lost but that item's work, which is done again.
A strategy that raises, has no usable `window`, or returns something else than a signal, an exit or
nothing, ends it with code 4; the journal is closed, and the same command decides on that bar again.

`run` waits for no item: it takes no new entry, finishes what is under way and closes the journal.
Positions stay open with their stops on the venue.

## Doctor

`tidegate doctor` looks at everything that trading needs, and `tidegate venue` serves an exchange to
try it on. A desk on Bybit makes the same checks before it starts, and does not start while one of
them fails. Each check has an exit code of its own; where several fail, the first one decides. A
warning does not change it, and what could not be looked at is marked as skipped.

The key and its secret come from `TIDEGATE_BYBIT_KEY` and `TIDEGATE_BYBIT_SECRET` or the system
keyring, never from an option or a file.

## Exit codes

{codes}

## Examples

```sh
tidegate demo --bars 3000 --state ./demo
tidegate journal --state ./demo --kind trade_closed --limit 0
tidegate check BTCUSDT long --entry 65000 --stop 64000 --risk 1% --equity 1400 --rr 1,2,3
tidegate check BTCUSDT short --entry 65000 --stop 2% --qty 0.008 --equity 1400 --json
TIDEGATE_LIMITS__RISK_PER_TRADE_MAX=0.5% tidegate paper --data bars.csv --state ./run1
tidegate doctor --mode demo
tidegate run --mode demo --bar-minutes 15
tidegate reconcile --state ./run1 --json
tidegate venue --feed demo --port 8080
```

The rest of this page is what `--help` says."""


def manual() -> str:
    """Return the whole page."""
    names = [name for command in COMMANDS for name in (command, *_below(command))]
    helps = [_help(), *(_help(*name.split()) for name in names)]
    return "\n\n".join([_INTRODUCTION.format(codes=_codes()), *helps]) + "\n"


def _below(command: str) -> tuple[str, ...]:
    return tuple(name for name in CARE if name.split()[0] == command)


def _codes() -> str:
    rows = [f"| {code.value} | {code.meaning} |" for code in Exit]
    return "\n".join(["| code | meaning |", "|---|---|", *rows])


def _help(*command: str) -> str:
    done = invoke(*command, "--help")
    assert done.code == 0, done.trouble
    return f"## {' '.join(['tidegate', *command])}\n\n```text\n{done.out.rstrip()}\n```"


if __name__ == "__main__":
    PAGE.write_text(manual(), encoding="utf-8")
