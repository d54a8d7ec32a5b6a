"""The error of a specification that is unknown or incomplete."""

from collections.abc import Sequence

__all__ = ["CatalogueError"]


class CatalogueError(Exception):
    """An instrument that cannot be used; ``problems`` holds every reason, each with its place."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        super().__init__("\n".join([f"{source}:", *(f"  {problem}" for problem in problems)]))
        self.problems = tuple(problems)
