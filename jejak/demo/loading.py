"""Sends the sample data over HTTP with the tincan client, once per folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from itertools import groupby

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from tincan import RemoteLRS, StatementList

from jejak.demo.processes import DemoError
from jejak.demo.sample import Sender, Sent
from jejak.demo.state import DemoState, Key

BATCH = 25


def load(
    endpoint: str, keys: dict[Sender, Key], statements: Sequence[Sent], state: DemoState, console: Console
) -> None:
    """Send what was not sent before; `state.loaded` counts, batch by batch. DemoError when one is refused."""
    if state.complete:
        return
    senders = {
        name: RemoteLRS(version="1.0.3", endpoint=endpoint, username=key.key, password=key.secret)
        for name, key in keys.items()
    }
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("Sample data", total=len(statements), completed=state.loaded)
        for batch in _batches(statements[state.loaded :]):
            # tincan renames members of what it is given, so it gets copies.
            copies = StatementList([deepcopy(one.statement) for one in batch])
            answer = senders[batch[0].sender].save_statements(copies)
            if not answer.success:
                text = (answer.data or b"").decode(errors="replace")[:500]
                raise DemoError(f"The record store refused sample data ({answer.response.status}): {text}")
            state.loaded += len(batch)
            state.save()
            progress.update(task, completed=state.loaded)
    state.complete = True
    state.save()


def _batches(statements: Sequence[Sent]) -> Iterator[list[Sent]]:
    """Runs of one sender, at most `BATCH` long."""
    for _, run in groupby(statements, key=lambda one: one.sender):
        rows = list(run)
        for start in range(0, len(rows), BATCH):
            yield rows[start : start + BATCH]
