"""yt-dlp as a library: only http(s), no configuration of its own, and errors in plain words."""

import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import LoadError
from pathlib import Path
from typing import Any

import yt_dlp
import yt_dlp.globals
from yt_dlp.downloader.external import FFmpegFD
from yt_dlp.networking.exceptions import HTTPError, RequestError, TransportError
from yt_dlp.utils import (
    ContentTooShortError,
    DownloadError,
    ExtractorError,
    GeoRestrictedError,
    UnsupportedError,
    UserNotLive,
    YoutubeDLError,
    unsmuggle_url,
)
from yt_dlp.utils._utils import _UnsafeExtensionError

from voiceface.errors import VoicefaceError, hardship
from voiceface.fetch.blocked import mend_of
from voiceface.fetch.lost import Lost
from voiceface.sources import is_url

# HTTP says "not now" with these; every other 4xx is an answer for good.
_NOT_NOW = {408, 416, 425, 429}
_MISSING = {404, 410}
# Sites say "not now" in words, under errors that look final.
_NOT_NOW_WORDS = re.compile(
    r"try again|rate.?limit|too many requests|temporarily|premieres? in|will begin in|timed? ?out",
    re.IGNORECASE,
)
_NOISE = re.compile(
    r"\bERROR:\s*|\[download\] Got error:\s*"
    r"|\x1b\[[0-9;]*m|<[^<>]* at 0x[0-9a-f]+>:?\s*"  # colours, addresses in memory
    r"|;? ?please report this issue on .*|\(caused by .*",
    re.DOTALL,
)


class Site(yt_dlp.YoutubeDL):
    """yt-dlp that opens only http(s), and that remembers what its archive held."""

    archived = False

    def urlopen(self, req: Any) -> Any:
        """Refuse every url that is not http(s): yt-dlp itself would open data: and ftp: too."""
        _check_url(req if isinstance(req, str) else req.url)
        response = super().urlopen(req)
        _check_url(response.url)  # after the redirects
        return response

    def dl(self, name: str, info: dict[str, Any], *args: Any, **options: Any) -> Any:
        """Refuse media urls that a downloader other than urlopen (ffmpeg, rtmp) would open."""
        _check_url(info.get("url") or "")
        return super().dl(name, info, *args, **options)

    def in_download_archive(self, info_dict: dict[str, Any]) -> bool:
        """Remember that the archive held it: yt-dlp only prints that."""
        held = bool(super().in_download_archive(info_dict))
        self.archived = self.archived or held
        return held

    def trouble(self, message: Any = None, tb: Any = None, is_error: bool = True) -> None:
        """With `ignoreerrors` all that goes wrong in one of its 1,800 extractors, defects too, is
        reported here; so this raises it."""
        if is_error:
            raise DownloadError(message, sys.exc_info())
        super().trouble(message, tb, is_error)


class Quiet:
    """yt-dlp's logger: its warnings to stderr, the rest nowhere (errors are raised)."""

    def debug(self, message: str) -> None:
        """Nothing: yt-dlp's screen output comes here too."""

    info = error = debug

    def warning(self, message: str) -> None:
        """One line to stderr."""
        if "generic information extractor" not in message:  # said of every site it does not know
            print(f"yt-dlp: {clean(message)}", file=sys.stderr)


@contextmanager
def open_site(
    *, timeout_s: float, proxy: str | None, cookies_file: str | None, scratch: Path, **options: Any
) -> Iterator[Site]:
    """A yt-dlp with our settings; what goes wrong within comes out as `Lost`.

    Args:
        scratch: folder for a copy of the cookies: yt-dlp writes its cookies back.
        options: more of yt-dlp's own parameters.

    Raises:
        Lost: what was asked of it could not be had.
        VoicefaceError: the cookies file is missing or is none.
    """
    yt_dlp.globals.plugin_dirs.value = []  # code from the user's folders would make it unlike ours
    FFmpegFD.real_download = _refuse_ffmpeg  # yt-dlp has no setting that does this
    cookies = _copy_cookies(cookies_file, scratch) if cookies_file else None
    parameters = {
        "quiet": True,
        "noprogress": True,
        "logger": Quiet(),
        "color": {"stdout": "never", "stderr": "never"},
        "ignoreerrors": True,
        "noplaylist": True,
        "socket_timeout": timeout_s,
        "proxy": proxy,
        "cookiefile": cookies,
        "js_runtimes": {"deno": {}, "node": {}},
        "enable_file_urls": False,
        **options,
    }
    try:
        with Site(parameters) as site:
            yield site
    except YoutubeDLError as error:
        if _has(list(_chain(error)), LoadError):
            raise VoicefaceError(f"{cookies_file}: not cookies in Netscape format") from None
        raise explain(error, with_cookies=bool(cookies_file)) from None
    finally:
        if cookies:
            Path(cookies).unlink(missing_ok=True)


def explain(error: BaseException, *, with_cookies: bool = False) -> Lost:
    """yt-dlp's error as a reason, and whether it is for good or waits for the user.

    Raises:
        VoicefaceError: the video is not to blame: the disk is full, or memory ran out.
    """
    chain = list(_chain(error))
    if refused := next(filter(None, map(hardship, chain)), None):
        raise VoicefaceError(refused) from None
    reason = clean(_reason(chain))
    if mend := mend_of(reason, with_cookies=with_cookies):
        return Lost(reason, for_good=False, mend=mend)
    if _NOT_NOW_WORDS.search(reason):
        return Lost(reason, for_good=False)
    http = next((one for one in chain if isinstance(one, HTTPError)), None)
    if http is not None:
        return _explain_status(http, reason)
    if _has(chain, TransportError, ContentTooShortError, UserNotLive):
        return Lost(reason, for_good=False)
    if _has(chain, RequestError, UnsupportedError, GeoRestrictedError, _UnsafeExtensionError):
        return Lost(reason, for_good=True)
    told = next((one for one in chain if isinstance(one, ExtractorError)), None)
    if told is not None:
        # What was made private is still there, for some.
        missing = told.expected and "private" not in reason.lower()
        return Lost(reason, for_good=told.expected, missing=missing)
    if "not get any data blocks" in reason:
        return Lost("the file is empty", for_good=True)
    return Lost(reason, for_good=False)


def clean(message: str) -> str:
    """yt-dlp's words without colours, addresses and advice for its own command line; one line."""
    return " ".join(_NOISE.sub("", str(message)).split()).rstrip(" .;:")


def plain_url(url: str) -> str:
    """The url without what yt-dlp's extractors tell each other in it."""
    return str(unsmuggle_url(url)[0])


def _check_url(url: str) -> None:
    if not is_url(url.lower()):
        raise RequestError(f"refused {url[:200]!r}: only http(s) is opened")


def _refuse_ffmpeg(*_: Any) -> bool:
    """In the place of a download by ffmpeg: it asks for its urls itself, unchecked and untimed."""
    raise RequestError(
        "refused: only ffmpeg can fetch this stream (encrypted, or live), and it would open any url"
    )


def _has(chain: list[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(one, kinds) for one in chain)


def _explain_status(error: HTTPError, reason: str) -> Lost:
    if error.redirect_loop:
        return Lost("it redirects in a loop", for_good=True)
    # A page that answers while its media is forbidden is an expired or a throttled link.
    throttled = error.status == 403 and reason.startswith("unable to download video data")
    not_now = error.status >= 500 or error.status in _NOT_NOW or throttled
    return Lost(reason, for_good=not not_now, missing=error.status in _MISSING)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and all that it came from: yt-dlp keeps causes in three places."""
    seen: set[int] = set()
    queue = [error]
    while queue:
        one = queue.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            known = getattr(one, "exc_info", None) or (None, None, None)
            queue += [one.__cause__, one.__context__, getattr(one, "cause", None), known[1]]


def _reason(chain: list[BaseException]) -> str:
    for one in chain:
        if isinstance(one, ExtractorError):
            # Its own defects it calls "an extractor error"; what it was is in the cause.
            defect = one.cause if isinstance(one.cause, (LookupError, StopIteration)) else None
            return f"{one.orig_msg} {defect!r}" if defect else str(one.orig_msg)
    for one in chain:
        origin = (getattr(one, "exc_info", None) or (None, None))[1]
        if origin is not None and not isinstance(origin, (YoutubeDLError, OSError)):
            return f"yt-dlp: {type(origin).__name__}: {origin}"
    return str(chain[0])


def _copy_cookies(cookies_file: str, scratch: Path) -> str:
    scratch.mkdir(parents=True, exist_ok=True)
    copy = scratch / "cookies.txt"
    try:
        copy.touch(mode=0o600)
        shutil.copyfile(cookies_file, copy)
    except FileNotFoundError:
        raise VoicefaceError(f"{cookies_file}: no such file (cookies_file in config)") from None
    return str(copy)
