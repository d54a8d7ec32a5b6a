"""Comparing the venue's wallet with the ledger's, whenever books and venue are compared."""

from tidegate.domain.core.inputs import FindingSeen
from tidegate.domain.core.wallets import wallet_finding

from .runner import InlineRunner

__all__ = ["look_at_wallet"]


def look_at_wallet(runner: InlineRunner) -> tuple[FindingSeen, ...]:
    """Return the finding that the wallets differ, after it was raised; nothing where they agree.

    A booking that is just under way can look like a difference; the next reading settles that.
    """
    report = runner.port.account()
    runner.submit(report)
    found = wallet_finding(runner.state.books, runner.engine.config, report)
    if found is None:
        return ()
    runner.submit(found)
    return (found,)
