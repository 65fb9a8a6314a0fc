from pathlib import Path
from typing import Any

import pytest
from yt_dlp.extractor.common import InfoExtractor

from voiceface.fetch.listing import _walk
from voiceface.fetch.lost import Lost
from voiceface.fetch.site import open_site

CHANNEL = "https://site.example/@ana"


def video(name: str) -> dict[str, Any]:
    return InfoExtractor.url_result(
        f"https://www.youtube.com/watch?v={name}", "Youtube", name, name
    )


class TabbedIE(InfoExtractor):
    """A channel as YouTube's extractor gives it: lists within the list, and a tab by its url."""

    _VALID_URL = r"https://site\.example/@ana(?P<tab>/\w+)?"

    def _real_extract(self, url: str) -> dict[str, Any]:
        if self._match_valid_url(url)["tab"]:
            return self.playlist_result([video("short000001")], "tab")
        videos = (video(name) for name in ("video000001", "video000002"))
        tabs = [self.playlist_result(videos, "videos"), self.url_result(f"{url}/shorts", "Tabbed")]
        return self.playlist_result(tabs, "channel")


def test_a_channel_is_all_videos_of_its_tabs(tmp_path: Path) -> None:
    with open_site(timeout_s=1, proxy=None, cookies_file=None, scratch=tmp_path) as site:
        site.add_info_extractor(TabbedIE())
        entries = list(_walk(site, CHANNEL, "Tabbed", 0, []))
    assert [(one.video, one.url, one.title) for one in entries] == [
        (f"youtube-{name}", f"https://www.youtube.com/watch?v={name}", name)
        for name in ("video000001", "video000002", "short000001")
    ]


def test_a_channel_that_names_itself_ends(tmp_path: Path) -> None:
    class LoopIE(TabbedIE):
        def _real_extract(self, url: str) -> dict[str, Any]:
            return self.playlist_result([self.url_result(url, "Loop")], "loop")

    with open_site(timeout_s=1, proxy=None, cookies_file=None, scratch=tmp_path) as site:
        site.add_info_extractor(LoopIE())
        with pytest.raises(Lost, match="nothing is listed there"):
            list(_walk(site, CHANNEL, "Loop", 0, []))
