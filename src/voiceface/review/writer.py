"""The one writer of the server: marks that wait together go to the disk together."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from voiceface.review.ledger import Event, Ledger, Mark


@dataclass(frozen=True)
class _Job:
    root: Path
    curator: str
    marks: list[Mark]
    done: "asyncio.Future[list[Event]]"


class Writer:
    """Appends to one ledger for each root and curator, in one thread."""

    def __init__(self) -> None:
        self._waiting: list[_Job] = []
        self._ledgers: dict[tuple[Path, str], Ledger] = {}
        self._thread = ThreadPoolExecutor(1, "ledger")
        self._draining: asyncio.Task[None] | None = None

    async def write(self, root: Path, curator: str, marks: list[Mark]) -> list[Event]:
        """Write marks, all or none; returns once they are on disk.

        Raises:
            OSError: they could not be written.
            VoicefaceError: the ledger is damaged, or a mark can't be one.
        """
        job = _Job(root, curator, marks, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if self._draining is None or self._draining.done():
            self._draining = asyncio.create_task(self._drain())
        return await job.done

    def files(self) -> set[Path]:
        """The files that this writer made."""
        return {ledger.path for ledger in self._ledgers.values() if ledger.path}

    async def close(self) -> None:
        """Write what waits, and give the files free."""
        if self._draining is not None:
            await self._draining
        for ledger in self._ledgers.values():
            ledger.close()
        self._thread.shutdown()

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            first = self._waiting[0]
            together = [
                job
                for job in self._waiting
                if (job.root, job.curator) == (first.root, first.curator)
            ]
            self._waiting = [job for job in self._waiting if job not in together]
            try:
                events = await loop.run_in_executor(self._thread, self._append, together)
            except Exception as error:  # whatever it is: whoever waits would wait for ever
                for job in together:
                    if not job.done.cancelled():
                        job.done.set_exception(error)
                continue
            for job in together:
                if not job.done.cancelled():
                    job.done.set_result(events[: len(job.marks)])
                events = events[len(job.marks) :]

    def _append(self, jobs: list[_Job]) -> list[Event]:
        key = (jobs[0].root, jobs[0].curator)
        if key not in self._ledgers:
            self._ledgers[key] = Ledger(*key)
        return self._ledgers[key].append(*(mark for job in jobs for mark in job.marks))
