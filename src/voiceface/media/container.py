"""Opening media files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import av.container


@contextmanager
def opened(media: Path) -> Iterator[av.container.InputContainer]:
    """Open a media file to read, with messages of the decoders turned off.

    Raises:
        av.error.FFmpegError: the file can't be read.
    """
    av.logging.set_level(None)
    # An absolute path, so that a name with a colon is never taken for a protocol.
    with av.open(f"file:{media.absolute()}", metadata_errors="ignore") as container:
        yield container
