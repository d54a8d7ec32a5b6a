"""The suites that any adapter of the exchange port or the state port must pass.

Run them against your own adapter with one command::

    pytest --pyargs tidegate.contracts --exchange acme.venue:make --state acme.journal:make

Each option names a factory without arguments that returns a *bench*: the adapter, and the means to
drive the world behind it (:class:`tidegate.contracts.exchange_bench.ExchangeBench`,
:class:`tidegate.contracts.state_bench.StateBench`). An option may be given several times.
"""

__all__: list[str] = []
