"""A stored record as the journal entry that whoever drives the desk reads, and its kinds."""

from difflib import get_close_matches

from tidegate.ports.desk import JournalEntry
from tidegate.ports.state import StoredRecord

from .codec import EVENT_TAGS, UPCASTS, decode

__all__ = ["as_entry", "kind_objection", "stem_of"]

_TAGS = frozenset((*EVENT_TAGS.values(), *UPCASTS))


def as_entry(stored: StoredRecord) -> JournalEntry:
    """Return one journal row with its event.

    Raises:
        StateCorrupt: the record does not decode.

    """
    return JournalEntry(
        version=stored.version,
        time_ms=stored.record.time_ms,
        kind=stored.record.kind,
        event=decode(stored.record),
    )


def stem_of(kind: str) -> str:
    """Return a kind without its version: ``filled`` of ``filled.v1``."""
    return kind.partition(".")[0]


def kind_objection(kind: str) -> str | None:
    """Say why no entry can be of a kind, with or without version; ``None`` where one can."""
    stems = sorted({stem_of(tag) for tag in _TAGS})
    if kind in stems or kind in _TAGS:
        return None
    near = get_close_matches(stem_of(kind).lower(), stems)
    return f"{kind!r} is no kind of entry; accepted: {', '.join(near or stems)}"
