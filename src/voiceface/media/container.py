"""Opening media files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import av.container
import av.error

from voiceface.errors import VoicefaceError


@contextmanager
def opened(media: Path) -> Iterator[av.container.InputContainer]:
    """Open a media file to read, with messages of the decoders turned off.

    Raises:
        VoicefaceError: the file can't be opened.
    """
    av.logging.set_level(None)
    # An absolute path, so that a name with a colon is never taken for a protocol.
    try:
        container = av.open(f"file:{media.absolute()}", metadata_errors="ignore")
    except av.error.FFmpegError as error:
        reason = (error.strerror or str(error)).lower()
        raise VoicefaceError(f"{media}: can't be opened ({reason}); is it a video?") from None
    with container:
        yield container
