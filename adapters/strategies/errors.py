"""The error of a strategy that cannot be built."""

__all__ = ["StrategyError"]


class StrategyError(Exception):
    """A strategy that cannot be loaded or built; the message says what would be accepted."""
