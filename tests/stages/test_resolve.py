import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.web_host import Host, Reply
from voiceface.config import Resolve
from voiceface.errors import VoicefaceError
from voiceface.sources import Video, built_videos, read_videos
from voiceface.stages.resolve import is_stale, relicense, run

LOCK = Path("manifests/videos.csv")
SOURCES = Path("manifests/sources.csv")
Resolver = Callable[..., list[Video]]


@pytest.fixture
def resolve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Resolver:
    """In a project of its own: write the sources, resolve them, and give the lock file's rows."""
    monkeypatch.chdir(tmp_path)
    SOURCES.parent.mkdir()

    def resolved(*rows: str, **config: object) -> list[Video]:
        if rows:
            SOURCES.write_text("\n".join(["speaker,location", *rows, ""]))
        run(Resolve(socket_timeout_s=0.5, **config), SOURCES, LOCK)  # type: ignore[arg-type]
        return read_videos(LOCK)

    return resolved


def put(path: str, content: bytes | str) -> str:
    data = content if isinstance(content, bytes) else content.encode()
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(data)
    return f"file-{hashlib.sha256(data).hexdigest()[:12]}"


def names(videos: list[Video], status: str = "listed") -> list[str]:
    return [video.title for video in videos if video.status == status]


def test_a_folder_gives_its_video_files_sorted_with_ids_of_their_content(
    resolve: Resolver,
) -> None:
    b = put("talks/b.MP4", "b")
    a = put("talks/deep/er/ñ, a.mkv", "a")
    for other in ("talks/notes.txt", "talks/._b.mp4", "talks/.hidden/c.mp4"):
        put(other, "c")
    videos = resolve("ana,talks/")
    assert [(one.video, one.location, one.title) for one in videos] == [
        (b, "talks/b.MP4", "b"),
        (a, "talks/deep/er/ñ, a.mkv", "ñ, a"),
    ]
    assert {(one.speaker, one.source, one.status) for one in videos} == {
        ("ana", "talks/", "listed")
    }


def test_a_licence_that_is_not_required_keeps_out_with_a_count_and_asks_no_site(
    resolve: Resolver, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in "abc":
        put(f"talks/{name}.mp4", name)
    SOURCES.write_text(
        "speaker,location,licence\nana,talks/a.mp4,CC0-1.0\nbo,talks/b.mp4,CC-BY-NC\nbo,talks/c.mp4,\n"
    )
    assert names(resolve()) == ["a", "b", "c"]
    told = resolve(require_licence=["cc0-1.0", "CC-BY-4.0"])
    assert (names(told), names(told, "unlicensed")) == (["a"], ["b", "c"])
    words = "2 videos are kept out by resolve.require_licence: 1 × CC-BY-NC, 1 × none"
    assert words in capsys.readouterr().out
    assert resolve(require_licence=["cc0-1.0", "CC-BY-4.0"]) == told
    assert "nothing changed" in capsys.readouterr().out
    assert [video.title for video in built_videos(LOCK, Path("data/download"))] == ["a"]
    put("talks/d.mp4", "d")  # not looked at
    open_to_all = Resolve(socket_timeout_s=0.5)
    relicense(open_to_all, LOCK)
    assert names(read_videos(LOCK)) == ["a", "b", "c"]
    assert is_stale(open_to_all, SOURCES, LOCK) is None
    relicense(Resolve(require_licence=["CC-BY-NC"]), LOCK)
    assert names(read_videos(LOCK)) == ["b"]
    assert is_stale(Resolve(socket_timeout_s=0.5, require_licence=["x"]), SOURCES, LOCK) is None


def test_a_file_that_was_taken_away_does_not_come_back_with_its_licence(resolve: Resolver) -> None:
    put("talks/a.mp4", "a")
    put("talks/b.mp4", "b")
    resolve("ann,talks")
    Path("talks/a.mp4").unlink()
    resolve()
    for required in (["CC-BY"], []):
        relicense(Resolve(require_licence=required), LOCK)
    assert {video.title: video.status for video in read_videos(LOCK)} == {
        "a": "gone",
        "b": "listed",
    }


def test_shards_share_nobody_and_together_hold_all(resolve: Resolver) -> None:
    people = [f"p{number}" for number in range(40)]
    for person in people:
        put(f"videos/{person}/a.mp4", person)
    rows = [f"{person},videos/{person}" for person in people]
    parts = [{one.speaker for one in resolve(*rows, shard=f"{part}/3")} for part in (1, 2, 3)]
    assert sorted(speaker for part in parts for speaker in part) == sorted(people)
    assert all(parts)
    # One person more moves nobody.
    put("videos/new/a.mp4", "new")
    again = {one.speaker for one in resolve(*rows, "new,videos/new", shard="1/3")}
    assert again - {"new"} == parts[0]
    config = Resolve(socket_timeout_s=0.5, shard="1/3")
    assert is_stale(config, SOURCES, LOCK) is None
    put("videos/p0/b.mp4", "more")
    assert bool(is_stale(config, SOURCES, LOCK)) == ("p0" in parts[0])
    with pytest.raises(VoicefaceError, match=r"nobody is of resolve\.shard 2/1"):
        resolve(*rows, shard="2/1")


def test_all_pictures_of_a_folder_are_one_item_named_by_their_content(resolve: Resolver) -> None:
    put("faces/ana/2.JPG", "two")
    put("faces/ana/1.png", "one")
    put("faces/ana/notes.txt", "no picture")
    put("faces/ana/.3.png", "hidden")
    put("faces/deeper/ana/4.webp", "four")
    first, second = resolve("ana,faces")
    assert (first.location, second.location) == ("faces/ana", "faces/deeper/ana")
    assert first.video.startswith("pictures-")
    config = Resolve(socket_timeout_s=0.5)
    os.utime("faces/ana/1.png", ns=(1, 1))
    assert is_stale(config, SOURCES, LOCK) is None
    os.rename("faces/ana", "faces/anna")
    assert resolve()[0].video == first.video
    put("faces/anna/1.png", "ONE")
    assert is_stale(config, SOURCES, LOCK) == "local files changed: faces/anna"
    assert resolve()[0].video != first.video


def test_pictures_beside_videos_are_thumbnails_and_those_beside_sound_are_not(
    resolve: Resolver,
) -> None:
    put("talks/a.mp4", "a")
    put("talks/a.jpg", "thumbnail")
    put("clips/1.wav", "sound")
    put("clips/1.png", "face")
    videos = resolve("ana,talks", "bob,clips")
    assert [one.location for one in videos] == ["talks/a.mp4", "clips", "clips/1.wav"]


def test_a_picture_outside_of_the_allowed_folders_is_refused(
    resolve: Resolver, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "a.png"
    outside.write_bytes(b"a")
    Path("faces").mkdir()
    Path("faces/link.png").symlink_to(outside)
    with pytest.raises(VoicefaceError, match=r"faces/link.png: outside"):
        resolve("ana,faces")


def test_sound_files_are_taken_from_a_folder_whatever_their_kind(resolve: Resolver) -> None:
    for name in ("a.wav", "b.flac", "c.m4a", "d.mp3", "e.ogg", "f.opus"):
        put(f"talks/{name}", name)
    assert names(resolve("ana,talks")) == ["a", "b", "c", "d", "e", "f"]


def test_emotion_and_clips_of_a_row_go_with_its_videos(
    resolve: Resolver, capsys: pytest.CaptureFixture[str]
) -> None:
    put("talks/a.mp4", "a")
    resolve("ana,talks")
    SOURCES.write_text("speaker,location,emotion,clips\nana,talks,anger,1-2.5;4-6\n")
    [video] = resolve()
    assert (video.emotion, video.clips) == ("anger", "1-2.5;4-6")
    assert "emotion was '', clips was ''" in capsys.readouterr().out


def test_a_single_file_is_taken_whatever_its_ending(resolve: Resolver) -> None:
    name = put("talk.data", "a")
    assert [one.video for one in resolve("ana,talk.data")] == [name]


def test_two_resolves_give_the_same_bytes(resolve: Resolver, host: Host) -> None:
    put("talks/b.mp4", "b")
    put("talks/a.mp4", "a")
    feed = host.feed("/feed", ("one", f"{host.url}/1.mp4"), ("two", f"{host.url}/2.mp4"))
    rows = (f"ana,{feed}", "bob,talks")
    resolve(*rows)
    first = LOCK.read_bytes()
    resolve(*rows)
    assert LOCK.read_bytes() == first
    LOCK.unlink()
    Path("data/resolve.json").unlink()
    resolve(*rows)
    assert LOCK.read_bytes() == first


def test_same_content_twice_is_listed_once_and_the_other_is_named(
    resolve: Resolver, capsys: pytest.CaptureFixture[str]
) -> None:
    put("talks/a.mp4", "same")
    put("talks/b.mp4", "same")
    assert names(resolve("ana,talks")) == ["a"]
    assert "talks/b.mp4: the same video as talks/a.mp4" in capsys.readouterr().out


def test_same_content_under_two_speakers_is_an_error_naming_both(resolve: Resolver) -> None:
    put("talks/a.mp4", "same")
    put("more/b.mp4", "same")
    with pytest.raises(VoicefaceError, match=r"talks/a.mp4 of ana and more/b.mp4 of bob"):
        resolve("ana,talks", "bob,more")
    assert not LOCK.exists()


def test_empty_files_are_listed_each_on_its_own(resolve: Resolver) -> None:
    put("talks/a.mp4", "")
    put("talks/b.mp4", "")
    put("more/c.mp4", "")
    videos = resolve("ana,talks", "bob,more")
    assert names(videos) == ["a", "b", "c"]
    assert len({one.video for one in videos}) == 3


def test_local_paths_must_lie_in_the_allowed_folders(
    resolve: Resolver, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "a.mp4").write_bytes(b"a")
    put("talks/b.mp4", "b")
    Path("talks/link.mp4").symlink_to(outside / "a.mp4")
    Path("door").symlink_to(outside)
    with pytest.raises(VoicefaceError) as caught:
        resolve("ana,talks", f"bob,{outside}", "cy,door", "dan,../x/../y", "eve,missing.mp4")
    told = str(caught.value)
    for path in ("talks/link.mp4", str(outside / "a.mp4"), "door/a.mp4", "missing.mp4"):
        assert path in told
    assert "resolve.local_roots" in told
    assert names(resolve(f"bob,{outside}", local_roots=[str(outside)])) == ["a"]


def test_a_name_that_no_table_can_hold_is_left_out_and_told(
    resolve: Resolver, capsys: pytest.CaptureFixture[str]
) -> None:
    put("talks/a.mp4", "a")
    with open(b"talks/\xff.mp4", "wb") as bad:
        bad.write(b"b")
    assert names(resolve("ana,talks")) == ["a"]
    assert r"'talks/\udcff.mp4': left out" in capsys.readouterr().out


def test_a_disappeared_video_is_gone_and_may_come_back(
    resolve: Resolver, capsys: pytest.CaptureFixture[str]
) -> None:
    put("talks/a.mp4", "a")
    put("talks/b.mp4", "b")
    resolve("ana,talks")
    os.rename("talks/a.mp4", "a.mp4")
    videos = resolve()
    assert (names(videos), names(videos, "gone")) == (["b"], ["a"])
    assert "- gone: " in capsys.readouterr().out
    videos = resolve()
    assert names(videos, "gone") == ["a"]
    assert "1 videos of 1 speakers, 1 gone; nothing changed" in capsys.readouterr().out
    os.rename("a.mp4", "talks/a.mp4")
    assert names(resolve()) == ["a", "b"]
    assert "+ back: " in capsys.readouterr().out


def test_a_removed_row_takes_its_videos_along(resolve: Resolver) -> None:
    put("talks/a.mp4", "a")
    put("more/b.mp4", "b")
    resolve("ana,talks", "bob,more")
    assert [one.speaker for one in resolve("bob,more")] == ["bob"]


def test_a_changed_row_changes_its_videos(
    resolve: Resolver, capsys: pytest.CaptureFixture[str]
) -> None:
    put("talks/a.mp4", "a")
    resolve("ana,talks")
    assert [one.speaker for one in resolve("anna,talks")] == ["anna"]
    assert "speaker was 'ana'" in capsys.readouterr().out


def test_a_touched_file_is_the_same_and_one_of_equal_size_is_not(resolve: Resolver) -> None:
    put("talks/a.mp4", "a")
    config = Resolve(socket_timeout_s=0.5)
    resolve("ana,talks")
    os.utime("talks/a.mp4", ns=(1, 1))
    assert is_stale(config, SOURCES, LOCK) is None
    put("talks/a.mp4", "b")
    os.utime("talks/a.mp4", ns=(2, 2))
    assert is_stale(config, SOURCES, LOCK) == "local files changed: talks/a.mp4"


def test_it_is_stale_after_every_change_that_can_be_seen_here_and_only_then(
    resolve: Resolver,
) -> None:
    put("talks/a.mp4", "a")
    config = Resolve(socket_timeout_s=0.5)
    assert "no manifests/videos.csv" in str(is_stale(config, SOURCES, LOCK))
    resolve("ana,talks")
    assert is_stale(config, SOURCES, LOCK) is None
    put("talks/notes.txt", "no video")
    assert is_stale(config, SOURCES, LOCK) is None
    assert "settings" in str(is_stale(Resolve(newest_per_channel=3), SOURCES, LOCK))
    put("talks/b.mp4", "b")
    assert is_stale(config, SOURCES, LOCK) == "local files changed: talks/b.mp4"
    resolve()
    put("talks/a.mp4", "aa")
    assert is_stale(config, SOURCES, LOCK) == "local files changed: talks/a.mp4"
    resolve()
    SOURCES.write_text(SOURCES.read_text() + "bob,talks/b.mp4\n")
    assert "sources.csv changed" in str(is_stale(config, SOURCES, LOCK))


def test_a_fresh_copy_of_the_project_keeps_its_list_of_web_videos(
    resolve: Resolver, host: Host
) -> None:
    host.page("/a", "/a.mp4")
    resolve(f"ana,{host.url}/a")
    Path("data/resolve.json").unlink()
    assert is_stale(Resolve(), SOURCES, LOCK) is None
    SOURCES.write_text(SOURCES.read_text() + f"bob,{host.url}/b\n")
    assert "does not fit" in str(is_stale(Resolve(), SOURCES, LOCK))


def test_a_feed_gives_its_newest_videos_with_title_and_day(resolve: Resolver, host: Host) -> None:
    items = [(f"talk {n}", f"{host.url}/{n}.mp4") for n in (5, 4, 3, 2, 1)]
    feed = host.feed("/feed", *items)
    videos = resolve(f"ana,{feed}", newest_per_channel=3)
    assert names(videos) == ["talk 5", "talk 4", "talk 3"]
    assert {one.uploaded for one in videos} == {"2019-05-12"}
    assert [one.location for one in videos] == [url for _, url in items[:3]]
    assert len(resolve(newest_per_channel=None)) == 5


def test_a_page_with_one_video_is_that_video(resolve: Resolver, host: Host) -> None:
    [video] = resolve(f"ana,{host.page('/talk', '/talk.mp4', 'On birds')}")
    assert video.location == f"{host.url}/talk"
    assert "On birds" in video.title
    assert video.video.startswith("web-talk-")


def test_a_video_that_went_is_gone_but_one_that_grew_old_is_not(
    resolve: Resolver, host: Host
) -> None:
    items = [(f"talk {n}", f"{host.url}/{n}.mp4") for n in (4, 3, 2, 1)]
    feed = host.feed("/feed", *items[1:])
    resolve(f"ana,{feed}", newest_per_channel=2)
    host.feed("/feed", items[0], items[2], items[3])  # 4 is new, 3 went, 2 is no longer newest
    videos = resolve(newest_per_channel=1)
    assert (names(videos), names(videos, "gone")) == (["talk 4"], ["talk 3"])


def test_a_source_out_of_reach_keeps_its_videos_and_is_told(
    resolve: Resolver, host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    feed = host.feed("/feed", ("one", f"{host.url}/1.mp4"))
    put("talks/a.mp4", "a")
    before = resolve(f"ana,{feed}", "bob,talks")
    empty = b"<rss><channel></channel></rss>"
    for trouble in (Reply(status=503), Reply(stall_s=1.5), Reply(empty), Reply(empty[:9])):
        host.serve("/feed", trouble)
        assert resolve() == before
        assert f"! {feed}: " in capsys.readouterr().out


def test_a_new_source_out_of_reach_is_asked_again_by_the_next_build(
    resolve: Resolver, host: Host
) -> None:
    put("talks/a.mp4", "a")
    page = host.serve("/talk", Reply(status=503))
    assert names(resolve("bob,talks", f"ana,{page}")) == ["a"]
    assert f"not resolved last time: {page}" in str(
        is_stale(Resolve(socket_timeout_s=0.5), SOURCES, LOCK)
    )


def test_a_source_that_its_site_no_longer_has_is_gone(
    resolve: Resolver, host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    page = host.page("/talk", "/talk.mp4")
    resolve(f"ana,{page}")
    host.serve("/talk", Reply(status=404))
    assert [one.status for one in resolve()] == ["gone"]
    assert "404" in capsys.readouterr().out


def test_a_list_can_not_name_a_local_file(
    resolve: Resolver, host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    feed = host.feed(
        "/feed", ("bad", "file:///etc/passwd"), ("good", f"{host.url}/1.mp4"), ("d", "data:,x")
    )
    assert names(resolve(f"ana,{feed}")) == ["good"]
    assert "'file:///etc/passwd': left out: only http(s)" in capsys.readouterr().out


def test_no_video_at_all_is_an_error_with_the_reasons(resolve: Resolver, host: Host) -> None:
    Path("talks").mkdir()
    with pytest.raises(VoicefaceError, match=r"no video found: .*403.*talks: neither a file"):
        resolve(f"ana,{host.serve('/feed', Reply(status=403))}", "bob,talks")
