"""Ways to fill a port, one folder each; none imports another."""

__all__: list[str] = []
