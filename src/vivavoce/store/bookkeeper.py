"""Keeping calls that are over: read, folded, priced, put into the store, told to whoever wants to hear of them.

A call costs the loop that runs it one :meth:`Bookkeeper.call_ended`, a few microseconds. All else is a thread's. The
timeline files are what is worked off, so nothing is lost while a database is away, or if this process dies: whatever
the store does not have is found in the folder of calls by the next one that looks.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from vivavoce.store.books import Books, Duties, OpenStore, Statistics
from vivavoce.store.posting import Courier, Delivering, Post

_log = logging.getLogger(__name__)

GATHER_S: Final = 1.0
"""After a call has ended, until it is kept: several that end together are kept in one stroke."""
_POST_STOPS_S: Final = 1.0


class Bookkeeper:
    """A thread that keeps what ends, and one more that delivers where there is a ``courier``. They never raise.

    ``jitter`` gives a number from 0 to 1, another each time, so that several servers do not come back to a database at
    once.
    """

    def __init__(
        self,
        open_store: Callable[[], OpenStore],
        calls: Path,
        duties: Duties,
        *,
        now: Callable[[], datetime],
        jitter: Callable[[], float],
        courier: Courier | None = None,
        gather_s: float = GATHER_S,
    ) -> None:
        self._books = Books(open_store, calls, duties, now=now, jitter=jitter)
        self._post = Post(Delivering(courier, now), self._books.opened) if courier is not None else None
        self._gather_s = gather_s
        self._work = threading.Event()
        self._stopping = threading.Event()
        self._abandoned = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vivavoce-books", daemon=True)

    @property
    def statistics(self) -> Statistics:
        """From any thread."""
        return self._books.statistics

    def start(self) -> None:
        """The first thing it does is look for calls that were not kept before."""
        self._thread.start()
        if self._post is not None:
            self._post.start()

    def call_ended(self, folder: Path) -> None:
        """From any thread. The folder's files are closed."""
        self._books.call_ended(folder.name)
        self._work.set()

    def search(self) -> None:
        """Look again for calls that are not kept, as those of another process that died. From any thread."""
        self._books.search()
        self._work.set()

    def stop(self, limit_s: float) -> int:
        """Work off what is there. Blocks for the limit and a second at most; gives how many calls are left, for the
        next start to find."""
        self._stopping.set()
        self._work.set()
        if self._thread.ident is not None:
            self._thread.join(limit_s)
        self._abandoned.set()
        post_ended = self._post is None or self._post.stop(_POST_STOPS_S)
        left = self._books.statistics.waiting
        if post_ended and not self._thread.is_alive():
            self._books.close()
        if left:
            _log.warning("calls that ended are not in the store yet; the next start keeps them: %d", left)
        return left

    def _run(self) -> None:
        while not self._abandoned.is_set():
            self._work.clear()
            wait_s = self._books.step()
            if self._post is not None and not wait_s:
                self._post.look()
            if wait_s == 0:
                continue
            if self._stopping.is_set():
                break
            if wait_s is None:
                self._work.wait()
                wait_s = self._gather_s
            self._stopping.wait(wait_s)
