"""``tidegate state``: verify, back up, restore and compact a journal."""

from typing import Annotated

import typer
from tidegate.ports.commands import CommandsPort

from .care_view import show_backup, show_compacted, show_report, show_restored, verified_document
from .exits import Exit
from .machine import as_json, plain
from .options import (
    JOURNAL_FILE,
    SETTING_VARIABLES,
    SETTINGS_FILE,
    ConfigOption,
    JsonOption,
    ModeOption,
    Row,
    StateOption,
    epilog,
    where_of,
)
from .output import machine_out, page, reported

__all__ = ["CARE_COMMANDS", "add_state"]

CARE_COMMANDS = ("verify", "backup", "restore", "compact")
_ARCHIVE_FILE: Row = ("journal-archive-...", "what compactions moved away, beside the journal")
_MOVED_FILE: Row = ("journal-replaced-...", "what a restore moved aside, beside the journal")
_HELP = """Verify, back up, restore and compact the journal of a desk.

None of them asks a venue or sends anything. A store that is damaged, of a newer
release or of another program is refused, and keeps every byte.
"""


def add_state(app: typer.Typer, commands: CommandsPort) -> None:
    """Add the group with its commands."""
    group = typer.Typer(
        name="state",
        help=_HELP,
        epilog=epilog(
            Exit.BAD_INPUT,
            Exit.STATE,
            Exit.UNVERIFIED,
            examples=("tidegate state verify", "tidegate state backup ~/journal-monday.sqlite"),
            files=(JOURNAL_FILE, _ARCHIVE_FILE, _MOVED_FILE, SETTINGS_FILE),
            variables=SETTING_VARIABLES,
        ),
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for add in (_add_verify, _add_backup, _add_restore, _add_compact):
        add(group, commands)
    app.add_typer(group)


def _add_verify(group: typer.Typer, commands: CommandsPort) -> None:
    @group.command(
        epilog=epilog(
            Exit.BAD_INPUT,
            Exit.STATE,
            Exit.UNVERIFIED,
            examples=(
                "tidegate state verify --state run1 --json",
                "tidegate state verify ~/journal-monday.sqlite",
            ),
            files=(JOURNAL_FILE, _ARCHIVE_FILE, SETTINGS_FILE),
            variables=SETTING_VARIABLES,
        )
    )
    def verify(
        file: Annotated[
            str | None,
            typer.Argument(
                metavar="FILE",
                help="A copy to check, in place of the journal.",
                show_default=False,
            ),
        ] = None,
        mode: ModeOption = None,
        state: StateOption = None,
        config: ConfigOption = None,
        is_json: JsonOption = False,
    ) -> None:
        """Check a journal, or a copy of one, from its first entry to its last.

        Every page of the file or every row in the database, every digest of the chain through all
        archives, and every entry is read. All of them are folded anew from the start, and the books
        that come out are compared with those of the snapshot, and with what a start would make of
        the snapshot and the rest.

        Nothing is written, and it works while a session runs. Damage ends with code 3 and the place
        of it, what is safe meanwhile, and the newest sound copy in the state folder. Code
        13 says that nothing is damaged, and that the snapshot is not what the entries fold to, or
        that an archive is missing, without which only the rest could be recomputed.

        A copy may be of a journal in a file or of one in a database, wherever the desk's own is.
        The archives of one in a file are looked for beside it.
        """
        with reported():
            report = commands.state(where_of(state, config, mode)).verify(file)
        if is_json:
            machine_out(as_json(verified_document(report)))
        else:
            show_report(page(), report)
        raise typer.Exit(Exit.OK if report.is_verified else Exit.UNVERIFIED)


def _add_backup(group: typer.Typer, commands: CommandsPort) -> None:
    @group.command(
        epilog=epilog(
            Exit.BAD_INPUT,
            Exit.STATE,
            examples=("tidegate state backup ~/journal-monday.sqlite --state run1",),
            files=(JOURNAL_FILE, SETTINGS_FILE),
            variables=SETTING_VARIABLES,
        )
    )
    def backup(
        file: Annotated[
            str, typer.Argument(metavar="FILE", help="The new file; none is replaced.")
        ],
        mode: ModeOption = None,
        state: StateOption = None,
        config: ConfigOption = None,
        is_json: JsonOption = False,
    ) -> None:
        """Copy a journal to a new file, also while a session runs.

        The copy is the journal as it was at one instant. It is made under a hidden name in the
        folder of FILE, forced to the disk and verified; only then it gets its name. A FILE that is
        there already is refused. Archives beside a journal are not copied: they never change, so
        copy those files once, with any tool. Those in a database are in the copy.
        """
        with reported():
            report = commands.state(where_of(state, config, mode)).backup(file)
        if is_json:
            machine_out(as_json({"place": report.place, "copy": verified_document(report.copy)}))
        else:
            show_backup(page(), report)


def _add_restore(group: typer.Typer, commands: CommandsPort) -> None:
    @group.command(
        epilog=epilog(
            Exit.BAD_INPUT,
            Exit.STATE,
            examples=(
                "tidegate state restore ~/journal-monday.sqlite --move-aside",
                "tidegate state restore copy.sqlite --state run2 --account 107083000",
            ),
            files=(JOURNAL_FILE, _MOVED_FILE, SETTINGS_FILE),
            variables=SETTING_VARIABLES,
        )
    )
    def restore(
        file: Annotated[str, typer.Argument(metavar="FILE", help="The copy; it stays as it is.")],
        moves_aside: Annotated[
            bool,
            typer.Option(
                "--move-aside",
                help="Move a journal that is there to a name with the time in it; none is deleted.",
            ),
        ] = False,
        account: Annotated[
            str | None,
            typer.Option(
                metavar="ID",
                help="The venue's id of the account that the copy must be of.",
                show_default="that of the journal in its place",
            ),
        ] = None,
        mode: ModeOption = None,
        state: StateOption = None,
        config: ConfigOption = None,
        is_json: JsonOption = False,
    ) -> None:
        """Put a copy of a journal where the desk looks for it.

        The copy is verified first. It is refused when it belongs to a venue of another mode or to
        another account, when a journal is there that may not be moved aside, and when a session has
        that journal open. In a database a journal is moved aside by its name. A copy of a journal
        in a file can be put into a database, and the other way round, with all of its archives.

        A copy is behind by everything after it was made. The next start asks the venue for that:
        executions and funding from its history, as far back as the venue keeps them, then orders,
        positions and stops. Orders of this journal's that the copy does not know are cancelled, and
        what cannot be explained is a finding that stops new entries. See tidegate reconcile.
        """
        with reported():
            report = commands.state(where_of(state, config, mode)).restore(
                file, account=account, moves_aside=moves_aside
            )
        if is_json:
            machine_out(as_json({**plain(report), "copy": verified_document(report.copy)}))
        else:
            show_restored(page(), report)


def _add_compact(group: typer.Typer, commands: CommandsPort) -> None:
    @group.command(
        epilog=epilog(
            Exit.BAD_INPUT,
            Exit.STATE,
            examples=("tidegate state compact --state run1",),
            files=(JOURNAL_FILE, _ARCHIVE_FILE, SETTINGS_FILE),
            variables=SETTING_VARIABLES,
        )
    )
    def compact(
        mode: ModeOption = None,
        state: StateOption = None,
        config: ConfigOption = None,
        is_json: JsonOption = False,
    ) -> None:
        """Move a journal's entries into an archive, and keep the books they make.

        The journal is verified, its entries go to an archive beside it (in a database to the table
        of archived ones), and the journal shrinks to its snapshot. Versions go on from where they
        are. The session must be stopped, and must have ended in an orderly way. Killed at any step,
        every entry is in the journal or in an archive, and the next compaction finishes the work.

        Keep the archives where they are: finished trades are read from them, and a release with
        another form of snapshot folds all entries anew. An older release refuses the journal.
        """
        with reported():
            report = commands.state(where_of(state, config, mode)).compact()
        if is_json:
            machine_out(as_json(report))
        else:
            show_compacted(page(), report)
