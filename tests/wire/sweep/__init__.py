"""Real desks killed at every boundary of a trading life, and what their next start makes of it."""

__all__: list[str] = []
