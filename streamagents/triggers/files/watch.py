"""The watch over one folder: look, let files settle, send each once, move it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

from streamagents.errors import FileRefusedError
from streamagents.triggers.files.intake import Taken
from streamagents.triggers.files.moving import move, write_beside
from streamagents.triggers.files.patterns import Patterns
from streamagents.triggers.files.reading import FileChangedError, OpenedFile
from streamagents.triggers.files.scan import scan, shown
from streamagents.triggers.files.settling import Settling
from streamagents.triggers.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamagents.ports import Clock
    from streamagents.triggers.files.folder import Folder
    from streamagents.triggers.files.intake import Intake
    from streamagents.triggers.files.ledger import SentFiles
    from streamagents.triggers.files.reading import Content
    from streamagents.triggers.files.scan import Look

log = structlog.stdlib.get_logger("streamagents.triggers")

RESCAN_S = 30.0
"""The folder is looked through so often, whatever we were told: notices get lost, and network
file systems send none."""
_GONE_S = 5.0
"""One that is gone is looked for so often."""
_LEAST_S = 0.2
_OPEN_S = 60.0
"""A file that is settled and still open for so long is named in the log."""


@dataclass
class Counts:
    """What a watch has done since it began. Rows that were sent twice count twice."""

    done: int = 0
    failed: int = 0
    """Files; `sent` and `rejected` are their rows."""
    sent: int = 0
    rejected: int = 0


class Notices(Protocol):
    """Says that something happened in a folder."""

    async def wait(self, timeout_s: float) -> None:
        """Return when something did, or when the time is over."""


class FolderWatch:
    """Watches one folder."""

    def __init__(
        self, folder: Folder, intake: Intake, ledger: SentFiles, notices: Notices, clock: Clock
    ) -> None:
        self._folder, self._intake, self._ledger = folder, intake, ledger
        self._notices, self._clock = notices, clock
        self._patterns = Patterns(folder.patterns)
        self._settling = Settling(folder.settle_s)
        self._failed: dict[str, Look] = {}
        """Files that failed and lie where they were: not tried again before they change."""
        self._unmoved: dict[str, float] = {}
        """Files that cannot be moved, and of which the log knows: when to try again."""
        self._open_since: dict[str, float] = {}
        self.counts = Counts()
        self.gone = ""
        """Why the folder cannot be looked through; empty while it can."""
        self.gone_at = 0.0
        """Since when, in monotonic seconds."""
        self._log = log.bind(folder=folder.name)

    async def run(self) -> None:
        """Watch until cancelled.

        Raises:
            TopicsError: the events' topic does not exist.
            StateError: the ledger cannot be written.
        """
        while True:
            await self._notices.wait(max(_LEAST_S, await self.look()))

    async def look(self) -> float:
        """Look once, handle what is ready; seconds until the next look."""
        found = await self._scanned()
        if found is None:
            return _GONE_S
        await in_thread(self._ledger.seen, found, self._clock.now().timestamp())
        await self._finish_moves(found)
        self._failed = {p: look for p, look in self._failed.items() if found.get(p) == look}
        self._unmoved = {path: at for path, at in self._unmoved.items() if path in found}
        new = {path: look for path, look in found.items() if not self._is_known(path, look)}
        self._open_since = {p: at for p, at in self._open_since.items() if p in new}
        for path in self._settling.ready(new, self._clock.monotonic()):
            await self._handle(path, new[path])
        due = self._settling.next_due_s(self._clock.monotonic()) if new else None
        return RESCAN_S if due is None else min(due, RESCAN_S)

    def _is_known(self, path: str, look: Look) -> bool:
        entry = self._ledger.get(path)
        return self._failed.get(path) == look or (entry is not None and entry.look == look)

    async def _scanned(self) -> Mapping[str, Look] | None:
        try:
            found = await in_thread(scan, self._folder, self._patterns)
        except OSError as exc:
            if not self.gone:  # what lies in it is not gone: a mount comes back
                self._log.warning(
                    "folder_gone", path=str(self._folder.root), reason=str(exc.strerror)
                )
                self.gone_at = self._clock.monotonic()
            self.gone = exc.strerror or type(exc).__name__
            return None
        if self.gone:
            self._log.info("folder_is_back", path=str(self._folder.root))
            self.gone = ""
        return found

    async def _handle(self, path: str, look: Look) -> None:
        """Send one file's events, once it holds still."""
        try:
            with await in_thread(OpenedFile, self._folder.root / path) as file:
                await in_thread(self._must_hold_still, file, path, look)
                content = await self._read(file)
                await self._take(file, path, content)
        except FileChangedError:
            self._settling.again(path, self._clock.monotonic())
        except FileNotFoundError:
            return  # taken away before we read it: nothing of it was sent
        except FileRefusedError as exc:
            await self._fail(path, look, str(exc))
        except OSError as exc:
            if self._settling.hold(path, self._clock.monotonic()) == 1:
                reason = exc.strerror or type(exc).__name__
                self._log.warning("file_unreadable", file=shown(path), reason=reason)

    async def _read(self, file: OpenedFile) -> Content:
        probe = file.probe()
        while await in_thread(probe.step, self._folder.encoding):
            pass
        await in_thread(file.check)
        return probe.content()

    async def _take(self, file: OpenedFile, path: str, content: Content) -> None:
        known = self._ledger.get(path)
        if known is not None and known.hash == content.hash:
            self._log.info("file_seen_before", file=shown(path))
            taken = Taken(0)
        else:
            taken = await self._intake.take(file, path, content)
            await in_thread(file.check)
        if taken.reason:
            await self._fail(path, file.look, taken.reason, sent=taken.sent)
            return
        # Only now: the broker has all of it. Whoever dies before sends it again, the same ids.
        await in_thread(self._ledger.add, path, content.hash, file.look)
        self.counts.done += 1
        self.counts.sent += taken.sent
        self.counts.rejected += taken.rejected
        if known is None or known.hash != content.hash:
            tell = self._log.warning if taken.rejected else self._log.info
            where = {"rejects": shown(str(taken.rejects))} if taken.rejects else {}
            tell(
                "file_done",
                file=shown(path),
                hash=content.hash[:8],
                sent=taken.sent,
                rejected=taken.rejected,
                **where,
            )
        await self._move(path, file.look, self._folder.done)

    async def _fail(self, path: str, look: Look, reason: str, *, sent: int = 0) -> None:
        self._log.warning("file_failed", file=shown(path), reason=reason, sent=sent)
        self.counts.failed += 1
        self.counts.sent += sent
        self._failed[path] = look
        moved = await self._move(path, look, self._folder.failed)
        if moved and self._folder.failed is not None:
            words = f"{reason}\n" + (f"{sent:,} of its rows were sent.\n" if sent else "")
            try:
                await in_thread(
                    write_beside, self._folder.root, moved, self._folder.failed, ".reason", words
                )
            except OSError as exc:
                self._log.warning("reason_not_written", file=shown(path), reason=exc.strerror)

    async def _finish_moves(self, found: Mapping[str, Look]) -> None:
        """Move what was done and still lies there: we died in between, or could not move it."""
        if self._folder.done is None:
            return
        for path, look in found.items():
            entry = self._ledger.get(path)
            if entry is not None and entry.look == look:
                await self._move(path, look, self._folder.done)

    async def _move(self, path: str, look: Look, into: object) -> str | None:
        """Move a file if that is asked for; its new path below that folder."""
        now = self._clock.monotonic()
        if into is None or self._unmoved.get(path, now) > now:
            return None
        try:
            target = await in_thread(move, self._folder.root, path, look, str(into))
        except FileChangedError:
            return None  # another file, or none: the next look tells
        except OSError as exc:
            if path not in self._unmoved:
                self._log.warning(
                    "file_not_moved", file=shown(path), into=str(into), reason=exc.strerror
                )
            self._unmoved[path] = now + RESCAN_S
            return None
        self._unmoved.pop(path, None)
        return target.relative_to(self._folder.root / str(into)).as_posix()

    def _must_hold_still(self, file: OpenedFile, path: str, look: Look) -> None:
        if file.look != look:
            raise FileChangedError
        if not file.is_being_written():
            return
        now = self._clock.monotonic()
        since = self._open_since.setdefault(path, now)
        if now - since >= _OPEN_S:
            self._log.warning("file_still_open", file=shown(path), seconds=round(now - since))
            self._open_since[path] = float("inf")  # said once
        raise FileChangedError
