"""Work in the background that pages may wait for a moment, but need not.

One at a time for the same thing, and so many at once for one agency and in all: beyond that a job is not
begun, and the page shows what is known until a later visit begins it.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable

import structlog

from lrs.outbound.waiting import elsewhere
from lrs.store.errors import StoreError

log = structlog.get_logger(__name__)

PER_TENANT, PER_PROCESS = 3, 8
"""Jobs at once."""
WAITING = 32
"""Pages that may wait for a job at once; further ones do not wait."""
PATIENCE_SECONDS = 0.8
"""How long after its beginning a job is waited for."""


class Job:
    """One piece of work that is going on, or was."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.began = time.monotonic()
        self.done = threading.Event()


class Jobs:
    """Begins jobs and waits for them; safe for many threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._going: dict[Hashable, Job] = {}
        self._waiting = threading.BoundedSemaphore(WAITING)

    def going(self, key: Hashable) -> Job | None:
        """The job of this name that is going on in this process."""
        with self._guard:
            return self._going.get(key)

    def begin(self, key: Hashable, tenant: str, work: Callable[[], None]) -> Job | None:
        """Do `work` in the background; the job that is at it already, or None when there is no place."""
        with self._guard:
            going = self._going.get(key)
            if going is not None:
                return going
            counts = Counter(job.tenant for job in self._going.values())
            if counts[tenant] >= PER_TENANT or len(self._going) >= PER_PROCESS:
                return None
            job = self._going[key] = Job(tenant)
        try:
            threading.Thread(target=self._run, args=(key, job, work), name="background", daemon=True).start()
        except RuntimeError as error:
            # The system has no thread to give: nobody would ever take the job off the list again.
            log.warning("lti_job_not_begun", error=str(error))
            with self._guard:
                del self._going[key]
            job.done.set()
            return None
        return job

    def wait(self, job: Job | None) -> bool:
        """Wait for a job that began a moment ago; whether it has ended. Holds nothing meanwhile."""
        if job is None or job.done.is_set():
            return job is not None
        left = job.began + PATIENCE_SECONDS - time.monotonic()
        if left <= 0 or not self._waiting.acquire(blocking=False):
            return False
        try:
            with elsewhere():
                return job.done.wait(left)
        finally:
            self._waiting.release()

    def _run(self, key: Hashable, job: Job, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            # Nobody waits for it any more: a thread that ends here would leave no sign.
            log.warning(
                "lti_job_failed", error=type(error).__name__, exc_info=not isinstance(error, StoreError)
            )
        finally:
            with self._guard:
                del self._going[key]
            job.done.set()
