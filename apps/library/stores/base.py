"""What every store can do. Calls block: they are for threads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Unfinished
from types import TracebackType
from typing import TYPE_CHECKING, Any

from apps.common.errors import Unavailable

if TYPE_CHECKING:
    from apps.library.models import StoredFile

#: What is read or sent at once.
PIECE = 1 << 20
#: While a writer waits for the store it says that often that it is still there, in seconds.
SAYS_EVERY = 2.0
Says = Callable[[], None]


class StoreAway(Unavailable):
    """The store doesn't answer, or doesn't let us."""


class Content(ABC):
    """A whole file, to be read from anywhere. `size` in bytes."""

    size: int

    @abstractmethod
    def read(self, offset: int, length: int) -> bytes:
        """Fewer bytes past the end; never more than 4 MiB."""

    @abstractmethod
    def pieces(self, first: int, last: int) -> Generator[bytes, None, None]:
        """The bytes from `first` to `last`, both included, in order."""

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Content:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Writer(ABC):
    """Takes a file's bytes from an offset on. For one thread at a time; `mark` is called at whole
    multiples of `mark_bytes` and nowhere else. What becomes safe does so in a thread of its own, so
    that bytes go on arriving meanwhile.
    """

    mark_bytes: int
    #: So many marks are made safe at once; bytes wait where it would be more.
    at_once = 1

    def __init__(self, offset: int, says: Says) -> None:
        self.at = self.safe = offset
        self._says = says
        self._threads = ThreadPoolExecutor(self.at_once, "library-store")
        self._pending: deque[tuple[int, Future[Any]]] = deque()

    @abstractmethod
    def before(self, count: int) -> bytes:
        """The last `count` bytes, fewer than 64, before the offset that it began at."""

    @abstractmethod
    def write(self, piece: bytes) -> None: ...

    @abstractmethod
    def _work(self) -> Callable[[], Any]:
        """What makes safe what came up to now."""

    def mark(self) -> int:
        """Begins to make safe what came; the offset up to which everything is. Waits only while
        earlier marks take all threads.
        """
        self._wait(self.at_once - 1)
        self._pending.append((self.at, self._threads.submit(self._work())))
        return self.safe

    def look(self) -> int:
        """The offset up to which everything is safe by now. Waits for nothing."""
        self._wait(self.at_once)
        return self.safe

    def settle(self) -> int:
        """Makes everything safe, and waits for it; the offset."""
        self._wait()
        if self.at > self.safe:
            self._settle()
            self.safe = self.at
        return self.safe

    @abstractmethod
    def _settle(self) -> None: ...

    @abstractmethod
    def drop(self, offset: int) -> None:
        """Gives up what came after the offset that it began at. Only `close` may follow."""

    @abstractmethod
    def forget(self) -> None:
        """Lets go of what only the offset that it began at needed: the upload is past it now."""

    def _wait(self, left: int = 0) -> None:
        """Until no more than so many marks are under way; what ended in between is safe, too."""
        while self._pending and (len(self._pending) > left or self._pending[0][1].done()):
            at, work = self._pending[0]
            try:
                work.result(SAYS_EVERY)
            except Unfinished:
                if work.done():
                    raise
                self._says()
                continue
            self._pending.popleft()
            self.safe = at

    def close(self) -> None:
        """Always, and once more does no harm."""
        self._threads.shutdown(wait=True)


class Store(ABC):
    """`largest` is the most bytes that one file may have."""

    largest: int

    @abstractmethod
    def begin(self, file: StoredFile) -> dict[str, Any]:
        """Makes ready for a file; what has to be remembered of it until it is whole."""

    @abstractmethod
    def writer(self, file: StoredFile, offset: int, says: Says) -> Writer:
        """Raises FileNotFoundError where what came before is gone."""

    @abstractmethod
    def finish(self, file: StoredFile) -> None:
        """Makes a file of what came, once all of it did. Doing it again does no harm."""

    @abstractmethod
    def open(self, file: StoredFile) -> Content:
        """Raises FileNotFoundError."""

    @abstractmethod
    def remove(self, file: StoredFile) -> Callable[[], None]:
        """What takes the bytes away, whole or not, once the row is gone."""

    @abstractmethod
    def free_bytes(self) -> int | None:
        """What can be put there; None where nobody can say."""

    @abstractmethod
    def tidy(self, known: Callable[[str], bool]) -> int:
        """Takes away what no row is about; `known(key)` says of which keys there is one. How many
        things went.
        """
