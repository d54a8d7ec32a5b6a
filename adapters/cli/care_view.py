"""What ``tidegate state`` found or did, for a person and for a program."""

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from tidegate.ports.state_care import Compacted, StoreFacts
from tidegate.ports.state_commands import BackupReport, RestoreReport, StateReport

from . import figures
from .machine import plain

__all__ = ["show_backup", "show_compacted", "show_report", "show_restored", "verified_document"]

_KIBI = 1024
_DIFFERS = (
    "The entries are sound and are the truth; the books of the snapshot are not what they make. "
    "Start no desk on it. Where day_offset_minutes was changed since, set it back and verify "
    "again; else restore a copy that verifies: tidegate state restore FILE --move-aside."
)
_INCOMPLETE = (
    "What is left agrees with the snapshot, and a desk can trade on it. The entries before it were "
    "not looked at: put the missing archives beside the journal to verify them too."
)
_BEHIND = (
    "What happened since the copy was made is asked from the venue at the next start, as far back "
    "as it keeps its history. Compare the books before new entries: tidegate reconcile"
)


def verified_document(report: StateReport) -> dict[str, object]:
    """Return a report for a program."""
    return {
        "is_verified": report.is_verified,
        "is_complete": report.is_complete,
        **plain(report),
    }


def show_report(console: Console, report: StateReport) -> None:
    """Show what a verification found."""
    console.print("[bold]tidegate state verify[/]")
    console.print(_table(_rows(report)))
    if report.differences:
        console.print(f"[bold red]DIFFERS[/]: {escape(_DIFFERS)}")
    elif not report.is_complete:
        console.print(f"[bold yellow]INCOMPLETE[/]: {escape(_INCOMPLETE)}")
    else:
        console.print("[bold green]VERIFIED[/]: every entry is sound, and the books agree.")


def _rows(report: StateReport) -> list[tuple[str, str]]:
    facts = report.facts
    rows = [
        ("Journal", facts.place),
        ("Store", f"format {facts.format}, {_size(facts.bytes_count)}"),
        ("Versions", _versions(facts)),
    ]
    for archive in facts.archives:
        size = "MISSING" if archive.bytes_count is None else _size(archive.bytes_count)
        rows.append(("Archive", f"{archive.first} to {archive.last}, {size}: {archive.place}"))
    if report.first_ms is not None and report.last_ms is not None:
        times = f"{figures.moment(report.first_ms)} to {figures.moment(report.last_ms)} UTC"
        rows.append(("Time", times))
    rows.append(("Belongs to", _owner(report)))
    session = "ended in an orderly way" if report.is_stopped else "runs, or was killed"
    rows += [("Last session", session), ("Snapshot", _snapshot(report))]
    rows.append(("Entries", f"{sum(report.kinds.values()):,} read"))
    rows.extend(("", f"{number:>7,}  {kind}") for kind, number in report.kinds.items())
    return rows


def _versions(facts: StoreFacts) -> str:
    if facts.version == facts.base:
        held = "none in the journal itself"
    else:
        held = f"{facts.base + 1:,} to {facts.version:,}"
    return f"{held}; the last is {facts.version:,}"


def _owner(report: StateReport) -> str:
    if report.venue is None:
        return "nobody yet"
    account = "" if report.account is None else f", account {report.account}"
    return f"{report.venue.value}{account}"


def _snapshot(report: StateReport) -> str:
    if report.snapshot_version is None:
        return "none that this release reads; a start folds every entry"
    at = f"of version {report.snapshot_version:,}"
    if report.differences:
        return f"{at}, DIFFERS in {', '.join(report.differences)}"
    origin = "the first entry" if report.is_complete else f"version {report.folded_from:,}"
    return f"{at}; recomputed from {origin}, the same"


def _size(count: int) -> str:
    return f"{count / _KIBI:,.1f} KiB"


def _table(rows: Iterable[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(name, escape(text))
    return table


def _copy_rows(copy: StateReport) -> list[tuple[str, str]]:
    until = "" if copy.last_ms is None else f", until {figures.moment(copy.last_ms)} UTC"
    return [
        ("Version", f"{copy.facts.version:,}{until}"),
        ("Belongs to", _owner(copy)),
        ("Size", _size(copy.facts.bytes_count)),
    ]


def show_backup(console: Console, report: BackupReport) -> None:
    """Show where a copy is, and what it holds."""
    console.print(_table([("Copy", report.place), *_copy_rows(report.copy)]))
    console.print("[bold green]VERIFIED[/]: the copy is on the disk and reads back whole.")
    apart = [archive for archive in report.copy.facts.archives if not archive.is_within]
    if apart:
        console.print("Archives are not in it; copy them too, once:")
    for archive in apart:
        console.print(f"  {escape(_name(archive.place))}")


def _name(place: str) -> str:
    return place.replace("\\", "/").rpartition("/")[2]


def show_restored(console: Console, report: RestoreReport) -> None:
    """Show what was put in place, and what became of what had been there."""
    rows = [("Journal", report.place), *_copy_rows(report.copy)]
    if report.moved_to is not None:
        rows.append(("Moved aside", report.moved_to))
    if report.behind is not None:
        rows.append(("Behind", f"{figures.count(report.behind, 'entry', 'entries')} of that one"))
    console.print(_table(rows))
    console.print(escape(_BEHIND) + ".")


def show_compacted(console: Console, report: Compacted) -> None:
    """Show what was moved, and the sizes."""
    rows = [
        ("Archive", f"{archive.first:,} to {archive.last:,}: {archive.place}")
        for archive in report.archives
    ]
    if not rows:
        rows.append(("Archive", "none written: no entry came since the last compaction"))
    before, after = _size(report.bytes_before), _size(report.bytes_after)
    rows += [("Version", f"{report.version:,}"), ("Store", f"{before} before, {after} now")]
    console.print(_table(rows))
