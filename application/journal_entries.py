"""A stored record as the journal entry that whoever drives the desk reads."""

from tidegate.ports.desk import JournalEntry
from tidegate.ports.state import StoredRecord

from .codec import decode

__all__ = ["as_entry"]


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
