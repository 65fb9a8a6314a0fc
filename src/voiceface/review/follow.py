"""Marks that others write to the ledger meanwhile: another server, an import, a merged folder."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection
from pathlib import Path

from voiceface.errors import VoicefaceError
from voiceface.review.ledger import Event, read_ledger

_EVERY_S = 1.0
_SHARE = 0.05  # of the time that may go into reading


async def follow(
    root: Path,
    known: dict[Path, int],
    own: Callable[[], Collection[Path]],
    take: Callable[[list[Event]], None],
    tell: Callable[[str], None],
) -> None:
    """Hand over the events of every file that is not one's own and has changed; for ever.

    Args:
        root: of the ledger.
        known: `file_sizes`, from before it was read.
        own: the files that this process writes.
        take: knows which events it has already.
        tell: is told what is wrong as long as others' marks can't be read; empty when they can.
    """
    while True:
        await asyncio.sleep(_EVERY_S)
        sizes = await asyncio.to_thread(file_sizes, root)
        mine = own()
        changed = {path for path in sizes if sizes[path] != known.get(path) and path not in mine}
        known = sizes
        begun = time.monotonic()
        try:
            if changed:
                take(await asyncio.to_thread(read_ledger, root, changed))
            tell("")
        except (OSError, VoicefaceError) as error:
            # A file that is being copied is whole in a moment; a damaged one is to be mended.
            tell(f"marks of others can't be read: {error}")
            known = {path: size for path, size in sizes.items() if path not in changed}
        await asyncio.sleep((time.monotonic() - begun) / _SHARE)


def file_sizes(root: Path) -> dict[Path, int]:
    """The ledger's files with their sizes in bytes."""
    sizes = {}
    for path in root.glob("*/*.jsonl"):
        with contextlib.suppress(FileNotFoundError):
            sizes[path] = path.stat().st_size
    return sizes
