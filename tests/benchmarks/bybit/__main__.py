"""Print the figures: ``python -m tests.benchmarks.bybit``."""

from tests.benchmarks.bybit import compare, official
from tests.benchmarks.bybit.served import serving


def _main() -> None:
    with serving() as venue:
        for figures in (
            compare.orders_by_rest(venue),
            compare.orders_by_port(venue),
            compare.orders_by_stream(venue, official.registering_first(), lost_max=0),
            compare.orders_by_stream(venue, official.stock(), lost_max=compare.LOST_MAX),
            compare.books(venue),
        ):
            print(figures)  # noqa: T201


if __name__ == "__main__":
    _main()
