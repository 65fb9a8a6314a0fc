import base64
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.web_host import Host, Reply, make_media
from voiceface.config import Download, Faces, Speech
from voiceface.errors import VoicefaceError
from voiceface.fetch.local import digest
from voiceface.files import sha256_file, write_table
from voiceface.media import audio
from voiceface.media.pictures import read_pictures
from voiceface.outcome import Outcome, read_outcome
from voiceface.sources import Video, write_videos
from voiceface.stages import faces, speech
from voiceface.stages.download import run
from voiceface.tables import SPEECH

MEDIA = Path("data/media/web-a.mkv")
OUTCOME = Path("data/download/web-a.json")
Downloader = Callable[..., Outcome]


def listed(name: str, location: str) -> Video:
    return Video(name, "ana", "", "", location, "", None, "", "", "", "listed", location)


@pytest.fixture
def download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Downloader:
    """In a project of its own: fetch one location, as the video web-a, and give its record."""
    monkeypatch.chdir(tmp_path)

    def downloaded(
        location: str, *, name: str = "web-a", roots: str = '["/"]', **config: object
    ) -> Outcome:
        write_videos(Path("videos.csv"), [listed(name, location)])
        quick = {"retries": 0, "backoff_s": 0.01, "socket_timeout_s": 0.4} | config
        settings = Download(**quick)  # type: ignore[arg-type]
        run(settings, name, Path("videos.csv"), MEDIA, OUTCOME, roots)
        outcome = read_outcome(OUTCOME)
        assert (MEDIA.stat().st_size > 0) == (outcome.status == "ok")
        assert "\n" not in outcome.reason
        return outcome

    return downloaded


def local(path: Path) -> str:
    return f"file-{sha256_file(path)[:12]}"


@pytest.fixture
def video(clip: Path) -> Reply:
    return Reply(clip.read_bytes(), "video/mp4")


def test_a_local_file_is_linked_and_described(download: Downloader, clip: Path) -> None:
    before = clip.stat()
    outcome = download(str(clip), name=local(clip))
    assert outcome == Outcome(
        video=local(clip),
        status="ok",
        size=before.st_size,
        sha256=sha256_file(clip),
        format="mov,mp4,m4a,3gp,3g2,mj2",
        duration_us=outcome.duration_us,
        width=64,
        height=48,
        fps=10.0,
        video_codec="h264",
        audio_codec="aac",
    )
    assert outcome.duration_us == pytest.approx(1_000_000, abs=50_000)
    assert MEDIA.stat().st_ino == before.st_ino
    assert clip.stat().st_mtime_ns == before.st_mtime_ns
    record = OUTCOME.read_bytes()
    download(str(clip), name=local(clip))
    assert OUTCOME.read_bytes() == record
    assert os.listdir(MEDIA.parent) == [MEDIA.name]


def test_a_local_file_is_copied_where_no_link_can_be_made(
    download: Downloader, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refused)
    assert download(str(clip), name=local(clip)).status == "ok"
    assert MEDIA.stat().st_ino != clip.stat().st_ino
    assert MEDIA.read_bytes() == clip.read_bytes()


def test_files_that_are_no_media_are_recorded_and_left_alone(
    download: Downloader, clip: Path
) -> None:
    bad = {
        "truncated.mp4": clip.read_bytes()[:2000],
        "text.mp4": b"hello, this is text\n" * 99,
        "picture.mp4": b"\x89PNG\r\n\x1a\n" + b"\0" * 99,
        "empty.mp4": b"",
        # Playlists: opened as media they would make FFmpeg read what they name.
        "hls.mp4": b"#EXTM3U\n#EXTINF:1,\nclip.ts\n#EXT-X-ENDLIST\n",
        "concat.mp4": b"ffconcat version 1.0\nfile clip.mp4\n",
    }
    shutil.copy(clip, "clip.mp4")
    for name, content in bad.items():
        Path(name).write_bytes(content)
        outcome = download(name, name=local(Path(name)))
        assert outcome.status == "unavailable", name
        assert outcome.reason.startswith("unreadable: "), name
        assert Path(name).read_bytes() == content


def test_picture_alone_and_sound_alone_are_ok_and_told_apart(download: Downloader) -> None:
    mute = make_media(Path("mute.mp4"), "-an")
    sound = make_media(Path("sound.mkv"), "-vn")
    outcome = download(str(mute), name=local(mute))
    assert (outcome.status, outcome.audio_codec, outcome.width) == ("ok", None, 64)
    outcome = download(str(sound), name=local(sound))
    assert (outcome.status, outcome.video_codec, outcome.width, outcome.fps) == (
        *("ok", None),
        *(None, None),
    )
    assert outcome.audio_codec == "vorbis"


@pytest.mark.parametrize("ending", ["wav", "flac", "m4a", "mp3", "ogg", "opus", "aac"])
def test_sound_of_every_kind_is_taken_and_heard_at_its_own_time(
    download: Downloader, tmp_path: Path, ending: str
) -> None:
    sound = make_media(tmp_path / f"a.{ending}", "-vn", seconds=2)
    outcome = download(str(sound), name=local(sound))
    assert (outcome.lost, outcome.video_codec, outcome.pictures) == ("", None, None)
    assert outcome.duration_us == pytest.approx(2_000_000, abs=100_000)
    start_us = audio.first_sound_us(MEDIA)
    assert start_us == pytest.approx(0, abs=60_000)
    assert sum(map(len, audio.decode_pcm(MEDIA, 16_000, start_us))) == pytest.approx(
        32_000, abs=999
    )


def put_pictures(folder: Path, *endings: str) -> list[np.ndarray]:
    """Unlike pictures 0.jpg, 1.png…, of unlike sizes; what a decoder makes of each."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    seen = []
    for number, ending in enumerate(endings):
        small = rng.integers(0, 256, (6, 8, 3)).astype(np.uint8)
        path = folder / f"{number}.{ending}"
        cv2.imwrite(str(path), cv2.resize(small, (64 + 8 * number, 48)))
        seen.append(cv2.imread(str(path))[:, :, ::-1])
    return seen


def pictures_name(folder: Path) -> str:
    return f"pictures-{digest(folder)[:12]}"


@pytest.mark.parametrize(("endings", "codec"), [("jpg jpg jpg", "mjpeg"), ("jpg png bmp", "png")])
def test_pictures_become_one_file_without_loss_in_the_order_of_their_names(
    download: Downloader, endings: str, codec: str
) -> None:
    folder = Path("faces/ana")
    seen = put_pictures(folder, *endings.split())
    outcome = download("faces/ana", name=pictures_name(folder))
    assert (outcome.lost, outcome.pictures, outcome.video_codec) == ("", 3, codec)
    assert (outcome.audio_codec, outcome.duration_us) == (None, None)
    found = list(read_pictures(MEDIA))
    assert [one.start_us for one in found] == [0, 1_000_000, 2_000_000]
    for one, expected in zip(found, seen, strict=True):
        assert one.rgb is not None
        assert np.array_equal(one.rgb, expected)
    assert download("faces/ana", name=pictures_name(folder)) == outcome


def test_a_damaged_picture_costs_only_itself(download: Downloader) -> None:
    folder = Path("faces/ana")
    seen = put_pictures(folder, "jpg", "jpg", "jpg", "jpg")
    (folder / "0.jpg").write_bytes(b"")
    (folder / "2.jpg").write_bytes((folder / "2.jpg").read_bytes()[:600])
    outcome = download("faces/ana", name=pictures_name(folder))
    assert (outcome.status, outcome.pictures) == ("ok", 2)
    found = {one.start_us: one.rgb for one in read_pictures(MEDIA)}
    assert sorted(found) == [1_000_000, 3_000_000]
    assert np.array_equal(found[3_000_000], seen[3])  # type: ignore[arg-type]


def test_pictures_of_which_none_can_be_read_are_recorded(download: Downloader) -> None:
    folder = Path("faces/ana")
    put_pictures(folder, "jpg")
    (folder / "0.jpg").write_bytes(b"no picture")
    outcome = download("faces/ana", name=pictures_name(folder))
    assert outcome.lost == "unavailable: unreadable: none of its 1 pictures can be decoded"


def test_changed_pictures_are_recorded(download: Downloader) -> None:
    folder = Path("faces/ana")
    put_pictures(folder, "jpg", "png")
    name = pictures_name(folder)
    (folder / "1.png").unlink()
    assert "changed since it was listed" in download("faces/ana", name=name).lost


def test_wav2pix_faces_get_their_colours_back(download: Downloader) -> None:
    folder = Path("faces/ana")
    folder.mkdir(parents=True)
    swapped = np.full((64, 64, 3), (20, 90, 230), np.uint8)  # red, as OpenCV has it, written as RGB
    data = cv2.imencode(".jpg", swapped[:, :, ::-1])[1].tobytes()
    (folder / "cropped_face_frame_7.png").write_bytes(data)
    (folder / "preprocessed_frame_7.wav").touch()
    assert download("faces/ana", name=pictures_name(folder)).video_codec == "png"
    [picture] = read_pictures(MEDIA)
    assert picture.rgb is not None
    assert np.abs(picture.rgb.mean((0, 1)) - (230, 90, 20)).max() < 6


def test_a_duration_that_no_header_tells_is_measured(download: Downloader) -> None:
    live = make_media(Path("live.webm"), "-f", "webm", "-live", "1", "-c:v", "vp8")
    outcome = download("live.webm", name=local(live))
    assert outcome.duration_us == pytest.approx(1_000_000, abs=110_000)


def test_a_missing_or_changed_local_file_is_recorded(download: Downloader) -> None:
    assert download("no.mp4").lost == (
        "unavailable: no.mp4: taken away since it was listed, and no copy is kept; resolve again"
    )
    Path("a.mp4").write_bytes(b"other content")
    assert download("a.mp4", name="file-0123456789ab").lost == (
        "failed: a.mp4: changed since it was listed; resolve again"
    )


def test_a_lock_file_can_t_name_files_outside_of_the_local_roots(
    download: Downloader, clip: Path
) -> None:
    Path("door.mp4").symlink_to(clip)
    for path in (clip, Path("door.mp4"), Path("../..") / clip.parent.name / "no.mp4"):
        assert download(str(path), name=local(clip), roots='["."]').lost == (
            f"unavailable: {path}: outside of the folders in resolve.local_roots; add theirs"
        )
    allowed = f'[".", "{clip.parent}"]'
    assert download("door.mp4", name=local(clip), roots=allowed).status == "ok"


def test_a_source_written_over_in_place_stops_the_stages_that_read_it(
    download: Downloader, clip: Path
) -> None:
    shutil.copy(clip, "a.mp4")
    video = local(clip)
    assert download("a.mp4", name=video).status == "ok"
    told = "web-a.mkv: was changed since it was taken in; run `voiceface resolve`"
    for content in (clip.read_bytes()[:2000], clip.read_bytes() + b"more"):
        Path("a.mp4").write_bytes(content)  # as cp does it
        with pytest.raises(VoicefaceError, match=told):
            speech.run(Speech(), video, MEDIA, OUTCOME, *map(Path, "sct"))
        write_table(Path("s"), SPEECH.empty_table())
        with pytest.raises(VoicefaceError, match=told):
            faces.run(Faces(), MEDIA, OUTCOME, Path("s"), Path("f"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_recorded(download: Downloader, clip: Path) -> None:
    shutil.copy(clip, "a.mp4")
    os.chmod("a.mp4", 0)
    assert download("a.mp4", name="file-unreadable-1").lost == "failed: a.mp4: Permission denied"


def test_long_and_foreign_file_names_are_no_harm(download: Downloader, clip: Path) -> None:
    path = Path("ñ" * 120 + " :%(id)s.mp4")
    shutil.copy(clip, path)
    assert download(str(path), name=local(path)).status == "ok"


def test_a_direct_link_and_a_page_give_the_same_bytes(
    download: Downloader, host: Host, video: Reply
) -> None:
    for url in (host.serve("/a.mp4", video), host.page("/talk", "/a.mp4")):
        outcome = download(url)
        assert (outcome.status, outcome.width) == ("ok", 64)
        assert MEDIA.read_bytes() == video.body
        assert os.listdir(MEDIA.parent / ".part") == []


def test_a_cut_connection_is_resumed_to_the_very_bytes(
    download: Downloader, host: Host, video: Reply
) -> None:
    half = len(video.body) // 2
    host.serve("/a.mp4", Reply(video.body, video.kind, cut_after=half), video)
    assert download(host.page("/talk", "/a.mp4"), retries=1).status == "ok"
    first, second = host.asked("/a.mp4")
    assert first is None
    assert second is not None
    assert 0 < int(second.removeprefix("bytes=").removesuffix("-")) <= half
    assert MEDIA.read_bytes() == video.body


def test_the_next_run_resumes_what_a_failed_one_left(
    download: Downloader, host: Host, video: Reply
) -> None:
    cut = Reply(video.body, video.kind, cut_after=len(video.body) // 2)
    host.serve("/a.mp4", cut, video)
    page = host.page("/talk", "/a.mp4")
    assert download(page).status == "failed"
    assert download(page).status == "ok"
    assert host.asked("/a.mp4")[1] is not None
    assert MEDIA.read_bytes() == video.body


def test_a_host_without_ranges_is_fetched_from_the_start(
    download: Downloader, host: Host, video: Reply
) -> None:
    cut = Reply(video.body, video.kind, cut_after=len(video.body) // 2)
    host.serve("/a.mp4", cut, Reply(video.body, video.kind, ranges=False))
    assert download(host.page("/talk", "/a.mp4"), retries=1).status == "ok"
    assert MEDIA.read_bytes() == video.body


@pytest.mark.parametrize("trouble", [Reply(status=429), Reply(status=503), Reply(stall_s=1)])
def test_what_may_pass_is_tried_again(
    download: Downloader, host: Host, video: Reply, trouble: Reply
) -> None:
    url = host.serve("/a.mp4", trouble, trouble, video)
    assert download(url, retries=1).status == "failed"
    url = host.serve("/a.mp4", trouble, trouble, video)
    assert download(url, retries=2).status == "ok"


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(status=404), "unavailable: Unable to download webpage: HTTP Error 404"),
        (Reply(status=410), "unavailable: Unable to download webpage: HTTP Error 410"),
        (Reply(status=403), "unavailable: Unable to download webpage: HTTP Error 403"),
        (Reply(status=429), "failed: Unable to download webpage: HTTP Error 429"),
        (Reply(status=500), "failed: Unable to download webpage: HTTP Error 500"),
        (Reply(stall_s=1), "failed: Unable to download webpage: "),
        (Reply(b"<html>no video here</html>"), "unavailable: Unsupported URL"),
        (Reply(kind="video/mp4"), "unavailable: the file is empty"),
        (Reply(b"<html>no video</html>", "video/mp4"), "unavailable: unreadable"),
        (Reply(status=302, headers={"Location": "/a.mp4"}), "unavailable: it redirects in a loop"),
    ],
)
def test_every_trouble_has_its_true_reason(
    download: Downloader, host: Host, reply: Reply, told: str
) -> None:
    outcome = download(host.serve("/a.mp4", reply))
    assert outcome.lost.startswith(told)
    assert " at 0x" not in outcome.reason
    if outcome.status == "unavailable":
        assert os.listdir(MEDIA.parent / ".part") == []


def test_a_bot_wall_is_no_forbidden_page_and_is_not_run_against(
    download: Downloader, host: Host, video: Reply
) -> None:
    wall = Reply(b"<title>Attention Required! | Cloudflare</title>", status=403)
    url = host.serve("/a.mp4", wall, wall, video)
    lost = download(url, retries=5).lost
    assert lost.startswith("blocked: ")
    assert "Cloudflare" in lost
    assert "takes this for a robot" in lost
    tries = len(host.asked("/a.mp4"))
    assert tries <= 2  # yt-dlp asks once more in another dress
    host.serve("/a.mp4", video)
    assert download(url).status == "ok"


def test_a_wanted_login_says_which_setting_takes_the_cookies(
    download: Downloader, host: Host
) -> None:
    url = host.serve("/a.mp4", Reply(status=401))
    lost = download(url).lost
    assert lost.startswith("blocked: ")
    assert "set cookies_file in config.yaml" in lost
    Path("cookies.txt").write_text("# Netscape HTTP Cookie File\n")
    assert "renew them" in download(url, cookies_file="cookies.txt").lost


def test_a_forbidden_medium_on_an_open_page_may_pass(download: Downloader, host: Host) -> None:
    host.serve("/a.mp4", Reply(status=403))
    assert download(host.page("/talk", "/a.mp4")).status == "failed"


def test_nobody_listening_may_pass(download: Downloader) -> None:
    outcome = download("http://127.0.0.1:1/a.mp4")
    assert outcome.status == "failed"
    assert "refused" in outcome.reason


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "data:video/mp4;base64,AAAA", "ftp://h/a"]
)
def test_only_http_is_opened_whatever_a_page_says(
    download: Downloader, host: Host, address: str
) -> None:
    assert download(host.page("/talk", address)).status == "unavailable"
    moved = host.serve("/moved.mp4", Reply(status=302, headers={"Location": address}))
    assert download(moved).status == "unavailable"
    assert download(host.page("/other", "/moved.mp4")).status == "unavailable"


@pytest.mark.parametrize("location", ["--exec=touch owned", "file:///etc/passwd", "ytsearch:cats"])
def test_a_location_is_never_an_option_nor_another_kind_of_url(
    download: Downloader, location: str
) -> None:
    outcome = download(location)
    assert outcome.lost.startswith(f"unavailable: {Path(location)}: taken away since")
    assert not Path("owned").exists()


def test_separate_picture_and_sound_are_merged(download: Downloader, host: Host) -> None:
    sets = ""
    for kind, codec, drop in (("video", "avc1.64000a", "-an"), ("audio", "mp4a.40.2", "-vn")):
        path = make_media(Path(f"{kind}.mp4"), drop, "-pix_fmt", "yuv420p")
        host.serve(f"/{kind}.mp4", Reply(path.read_bytes(), "video/mp4"))
        sets += (
            f'<AdaptationSet mimeType="{kind}/mp4"><Representation id="{kind}" bandwidth="9"'
            f' codecs="{codec}"><BaseURL>/{kind}.mp4</BaseURL></Representation></AdaptationSet>'
        )
    mpd = f'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period>{sets}</Period></MPD>'
    outcome = download(host.serve("/talk.mpd", Reply(mpd.encode(), "application/dash+xml")))
    assert (outcome.lost, outcome.format) == ("", "matroska,webm")
    assert (outcome.video_codec, outcome.audio_codec) == ("h264", "aac")
    assert download(f"{host.url}/talk.mpd") == outcome  # the digest too


def test_a_stream_of_parts_is_whole_or_not_at_all(download: Downloader, host: Host) -> None:
    part = make_media(Path("part.ts"), "-pix_fmt", "yuv420p").read_bytes()
    url = host.serve("/1.ts", Reply(part, "video/mp2t"))
    inline = f"data:video/mp2t;base64,{base64.b64encode(part).decode()}"

    def stream(*parts: str) -> str:
        lines = "".join(f"#EXTINF:1,\n{part}\n" for part in parts)
        text = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n{lines}#EXT-X-ENDLIST\n"
        return host.serve("/talk.m3u8", Reply(text.encode(), "application/x-mpegurl"))

    assert download(stream(url)).lost == ""
    assert "404" in download(stream(url, f"{host.url}/missing.ts")).lost
    for other in (inline, "file:///etc/passwd"):
        assert "only http(s) is opened" in download(stream(url, other)).lost


def test_a_stream_that_only_ffmpeg_could_fetch_is_refused(download: Downloader, host: Host) -> None:
    part = make_media(Path("part.ts"), "-pix_fmt", "yuv420p").read_bytes()
    url = host.serve("/1.ts", Reply(part, "video/mp2t"))
    text = (
        f'#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI="{host.url}/key"\n'
        f"#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n"
    )
    stream = host.serve("/talk.m3u8", Reply(text.encode(), "application/x-mpegurl"))
    outcome = download(stream)
    assert outcome.status == "unavailable"
    assert "only ffmpeg can fetch this stream" in outcome.reason
    assert not host.asked("/1.ts")
    assert not host.asked("/key")


def test_a_page_that_became_a_list_is_not_taken_for_a_video(
    download: Downloader, host: Host, video: Reply
) -> None:
    host.serve("/a.mp4", video)
    feed = host.feed("/feed", ("one", f"{host.url}/a.mp4"), ("two", f"{host.url}/a.mp4"))
    assert download(feed).lost.startswith("unavailable: a list of videos")


def test_the_archive_is_kept_and_what_it_names_is_not_fetched(
    download: Downloader, host: Host, video: Reply
) -> None:
    url = host.serve("/a.mp4", video)
    assert download(url, archive="archive.txt").status == "ok"
    assert Path("archive.txt").read_text() == "generic a\n"
    MEDIA.unlink()
    asked = len(host.requests)
    outcome = download(url, archive="archive.txt")
    assert outcome.status == "unavailable"
    assert "the archive archive.txt names it as downloaded already" in outcome.reason
    assert len(host.requests) - asked <= 1  # the page at most


def test_a_run_stopped_after_the_archive_was_written_loses_nothing(
    download: Downloader, host: Host, video: Reply
) -> None:
    url = host.serve("/a.mp4", video)
    Path("archive.txt").write_text("generic a\n")
    kept = MEDIA.parent / ".part/web-a/media.mp4.mp4"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(video.body)
    assert download(url, archive="archive.txt").status == "ok"
    assert MEDIA.read_bytes() == video.body


@pytest.mark.parametrize(
    "name",
    ["1+2.f1.mp4", "1+2.f1.5.mp4", "1+2.temp.mkv", "mp4.mp4.part-Frag3", "mp4.mp4.ytdl"],
)
def test_no_half_file_of_a_stopped_run_is_taken_for_the_video_that_the_archive_names(
    download: Downloader, host: Host, video: Reply, name: str
) -> None:
    Path("archive.txt").write_text("generic a\n")
    half = MEDIA.parent / ".part/web-a" / f"media.{name}"
    half.parent.mkdir(parents=True)
    half.write_bytes(video.body)
    outcome = download(host.serve("/a.mp4", video), archive="archive.txt")
    assert "names it as downloaded already, but it is not here" in outcome.reason


def test_cookies_are_sent_and_their_file_is_left_as_it_was(
    download: Downloader, host: Host, video: Reply
) -> None:
    url = host.serve("/a.mp4", Reply(video.body, video.kind, headers={"Set-Cookie": "new=1"}))
    jar = "# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\tkey\tsecret\n"
    Path("cookies.txt").write_text(jar)
    assert download(url, cookies_file="cookies.txt").status == "ok"
    assert "key=secret" in host.cookies
    assert Path("cookies.txt").read_text() == jar
    with pytest.raises(VoicefaceError, match=r"no.txt: no such file"):
        download(url, cookies_file="no.txt")
    Path("cookies.txt").write_text("[1, 2]")
    with pytest.raises(VoicefaceError, match=r"cookies.txt: not cookies"):
        download(url, cookies_file="cookies.txt")


def test_a_proxy_is_used(download: Downloader, host: Host, video: Reply) -> None:
    host.serve("http://far.example/a.mp4", video)
    assert download("http://far.example/a.mp4", proxy=host.url).status == "ok"


def test_progress_is_told_about_every_two_seconds(
    download: Downloader, host: Host, video: Reply, capsys: pytest.CaptureFixture[str]
) -> None:
    url = host.serve("/a.mp4", Reply(video.body * 2, video.kind))
    download(url, rate_limit_kib_s=len(video.body) * 2 / 1024 / 2.6)
    assert "MiB/s" in capsys.readouterr().err


def test_a_video_that_is_not_in_the_lock_file_is_an_error(download: Downloader) -> None:
    download("no.mp4")
    with pytest.raises(VoicefaceError, match="no video web-b"):
        run(Download(), "web-b", Path("videos.csv"), MEDIA, OUTCOME, "[]")


def test_a_full_disk_is_no_fault_of_the_video() -> None:
    from yt_dlp.utils import UnavailableVideoError

    from voiceface.fetch.site import explain

    with pytest.raises(VoicefaceError, match="the disk is full"):
        explain(UnavailableVideoError(OSError(28, "No space left on device")))


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("Private video. Sign in if you've been granted access", "unavailable"),
        ("This video has been removed by the uploader", "unavailable"),
        ("Sign in to confirm you’re not a bot. Use --cookies", "blocked"),
        ("Sign in to confirm your age. This video may be inappropriate", "blocked"),
        ("Join this channel to get access to members-only content", "blocked"),
        ("This video is only available for registered users", "blocked"),
        ("The uploader has not made this video available in your country", "blocked"),
        ("The page needs to be reloaded; try again later", "failed"),
        ("The current session has been rate-limited for up to an hour", "failed"),
        ("Premieres in 3 hours", "failed"),
    ],
)
def test_a_site_s_words_tell_what_may_pass(words: str, status: str) -> None:
    from yt_dlp.utils import ExtractorError

    from voiceface.fetch.site import explain

    lost = explain(ExtractorError(words, expected=True))
    assert lost.status == status
    assert str(lost).startswith(words)
    assert (str(lost) != words) == (status == "blocked")
