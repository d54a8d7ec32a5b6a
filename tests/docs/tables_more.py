"""Tables of the paper venue's settings, of file columns and of the journal's events."""

import inspect

import attrs
from tidegate.adapters.feeds.columns import (
    BarSchema,
    FundingSchema,
    MarkSchema,
    QuoteBarSchema,
    QuoteSchema,
    TradeSchema,
)
from tidegate.adapters.paper.config import PaperConfig
from tidegate.application.codec import EVENT_TAGS

from .settings_text import attribute_texts, one_line, shown

__all__ = ["columns_table", "events_table", "paper_table"]

_SCHEMAS = (BarSchema, QuoteSchema, QuoteBarSchema, TradeSchema, MarkSchema, FundingSchema)
_OPTIONS = frozenset({"time", "time_form", "bar_ms", "volume_unit"})


def paper_table() -> str:
    """Return one row for each setting of the paper venue."""
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    defaults = PaperConfig()
    for name, text in attribute_texts(PaperConfig).items():
        rows.append(f"| `{name}` | {shown(name, getattr(defaults, name), text)} | {text} |")
    return "\n".join(rows)


def columns_table() -> str:
    """Return one row for each schema: its usual column names and what they mean."""
    rows = ["| schema | columns besides the time | meaning |", "|---|---|---|"]
    for schema in _SCHEMAS:
        fields = [field for field in attrs.fields(schema) if field.name not in _OPTIONS]
        names = ", ".join(f"`{field.default or field.name}`" for field in fields)
        first = inspect.cleandoc(schema.__doc__ or "").partition("\n\n")[0]
        rows.append(f"| `{schema.__name__}` | {names} | {one_line(first)} |")
    return "\n".join(rows)


def events_table() -> str:
    """Return one row for each kind of event in the journal."""
    rows = ["| kind | meaning |", "|---|---|"]
    for cls, tag in EVENT_TAGS.items():
        first = inspect.cleandoc(cls.__doc__ or "").partition("\n\n")[0]
        rows.append(f"| `{tag}` | {one_line(first)} |")
    return "\n".join(rows)
