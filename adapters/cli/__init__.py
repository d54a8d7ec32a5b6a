"""The command line: it turns what a person types into requests, and outcomes into text."""

__all__: list[str] = []
