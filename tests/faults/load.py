"""Writers that put a store under load and say what was acknowledged; and the check of what they left.

Run as a program (`python -m tests.faults.load ADDRESS`) it writes until it is killed, and prints one JSON
line per step: a batch it is about to write, then the same batch once the store has acknowledged it.

Every write appends a batch of records, hides one record of the thread's batch before, and puts a
document that tells all of it; every tenth names a blob that was stored before. So a write that was kept
in part shows.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

from lrs.store.documents import Document, DocumentQuery
from lrs.store.errors import UnavailableError
from lrs.store.log import LogQuery, Record
from lrs.store.open import open_store
from lrs.store.port import Store, Writer
from lrs.store.writes import WriteHints
from lrs.xapi.statement_keys import STATEMENT_KEYS

TENANT = "bkn"
KIND = "batch"
THREADS = 8
BLOB_BYTES = 600_000


@dataclass(frozen=True)
class Batch:
    """What one write does."""

    name: str
    ids: list[str]
    hides: str = ""
    blob: str = ""


def blob_of(name: str) -> bytes:
    """The blob that goes with a batch, made from its name."""
    return (name.encode() * (BLOB_BYTES // len(name) + 1))[:BLOB_BYTES]


def store_batch(store: Store, batch: Batch) -> None:
    """Write one batch; a batch that is there already is left as it is."""
    if batch.blob:
        store.blobs.put(batch.blob, io.BytesIO(blob_of(batch.name)), BLOB_BYTES)

    def work(writer: Writer) -> None:
        if writer.get(TENANT, batch.ids):
            return
        first = writer.stamp(len(batch.ids))
        views = (frozenset({f"b{batch.name}"}),)
        body = json.dumps(asdict(batch)).encode()
        writer.append([Record(TENANT, id, first + n, body, b"d", views) for n, id in enumerate(batch.ids)])
        writer.hide(TENANT, [batch.hides] if batch.hides else [])
        writer.put(Document(KIND, TENANT, batch.name, body))

    store.writing(work, WriteHints(prefetch=[(TENANT, id) for id in batch.ids]))


def write(store: Store, say: Callable[[str, Batch], None], stop: threading.Event) -> list[BaseException]:
    """Write batches from several threads until `stop`; returns what was raised.

    `say` hears ("try", batch) before and ("done", batch) after each write.
    """
    raised: list[BaseException] = []

    def run(seed: int) -> None:
        dice = random.Random(seed ^ uuid.uuid4().int)
        last = ""
        count = 0
        while not stop.is_set():
            count += 1
            name = str(uuid.uuid4())
            blob = hashlib.sha256(blob_of(name)).hexdigest() if count % 10 == 0 else ""
            batch = Batch(name, [str(uuid.uuid4()) for _ in range(dice.randint(1, 6))], last, blob)
            say("try", batch)
            try:
                store_batch(store, batch)
            except BaseException as error:
                raised.append(error)
                last = ""
                if not isinstance(error, UnavailableError):
                    return
                stop.wait(0.05)
            else:
                say("done", batch)
                last = batch.ids[0]

    threads = [threading.Thread(target=run, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def check(store: Store, done: Iterable[Batch]) -> int:
    """Fail unless every batch is there once and whole or not at all; the number of records.

    `done` are the acknowledged ones: each must be there.
    """
    records: list[Record] = []
    with store.reading() as reader:
        since = 0
        while page := reader.find(
            LogQuery(TENANT, since=since, ascending=True, limit=2000, include_hidden=True)
        ):
            records += page
            since = page[-1].stored
            more = reader.find(LogQuery(TENANT, since=since - 1, until=since, limit=99, include_hidden=True))
            known = {record.id for record in page}
            records += [record for record in more if record.id not in known]
        told: dict[str, Batch] = {}
        after: tuple[str, str] | None = None
        while found := reader.find_documents(DocumentQuery(KIND, TENANT, after=after, limit=1000)):
            after = (found[-1].order, found[-1].name)
            told |= {each.name: Batch(**json.loads(each.body)) for each in found}
    assert max(Counter(record.id for record in records).values(), default=1) == 1
    assert {record.id for record in records} == {id for batch in told.values() for id in batch.ids}
    hidden = {record.id for record in records if record.hidden}
    assert hidden == {batch.hides for batch in told.values() if batch.hides}
    lost = [batch.name for batch in done if batch.name not in told]
    assert lost == []
    for batch in told.values():
        if batch.blob:
            whole = hashlib.sha256(b"".join(store.blobs.chunks(batch.blob))).hexdigest()
            assert whole == batch.blob
    return len(records)


def main(address: str) -> None:
    """Write until killed."""
    lock = threading.Lock()

    def say(step: str, batch: Batch) -> None:
        with lock:
            print(json.dumps([step, asdict(batch)]), flush=True)

    write(open_store(address, STATEMENT_KEYS), say, threading.Event())


if __name__ == "__main__":
    main(sys.argv[1])
