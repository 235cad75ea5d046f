"""`jejak rebuild`: derive everything that is not a statement anew."""

from __future__ import annotations

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from jejak.cli.shared import json_option, opened_store, show
from jejak.clock import new_id, now
from lrs.records.learning_record import LearningRecord


@click.command()
@json_option
def rebuild(as_json: bool) -> None:
    """Derive keys, people, entries and summaries anew from the statements. Safe while the server runs."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with (
        opened_store() as store,
        Progress(*columns, console=Console(stderr=True), transient=True) as progress,
    ):
        task = progress.add_task("Reading statements", total=None)

        def tell(done: int) -> None:
            progress.update(task, description=f"{done} statements read")

        count = LearningRecord.over(store, now, new_id).rebuild(tell)
    show({"statements": count}, as_json)
