"""The console script ``tidegate``: the command line on its application."""

from tidegate.adapters.cli.app import build_app

from .commands import Commands

__all__ = ["main"]


def main() -> None:
    """Run the command line with the arguments and environment of this process."""
    build_app(Commands())(prog_name="tidegate")


if __name__ == "__main__":
    main()
