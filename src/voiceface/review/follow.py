"""Marks that others write to the ledger meanwhile: another server, an import, a merged folder."""

import asyncio
import time
from collections.abc import Callable, Collection
from pathlib import Path

from voiceface.errors import VoicefaceError
from voiceface.review.ledger import Event, read_ledger

_EVERY_S = 1.0
_SHARE = 0.05  # of the time that may go into reading


async def follow(
    root: Path, own: Callable[[], Collection[Path]], take: Callable[[list[Event]], None]
) -> None:
    """Hand over the ledger's events whenever a file that is not one's own has changed; for ever.

    Args:
        root: of the ledger.
        own: the files that this process writes.
        take: knows which events it has already.
    """
    known = await asyncio.to_thread(_sizes, root)
    while True:
        await asyncio.sleep(_EVERY_S)
        sizes = await asyncio.to_thread(_sizes, root)
        mine = own()
        changed = [path for path in sizes if sizes[path] != known.get(path) and path not in mine]
        known = sizes
        if not changed:
            continue
        begun = time.monotonic()
        try:
            take(await asyncio.to_thread(read_ledger, root))
        except VoicefaceError:
            known = {}  # a file half copied: look again
        await asyncio.sleep((time.monotonic() - begun) / _SHARE)


def _sizes(root: Path) -> dict[Path, int]:
    return {path: path.stat().st_size for path in root.glob("*/*.jsonl")}
