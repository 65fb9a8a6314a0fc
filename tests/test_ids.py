"""Names that are safe everywhere and never collide."""

from voiceface.ids import content_digest, is_video_id, sample_id, video_id


def test_a_youtube_id_is_kept_as_it_is() -> None:
    assert video_id("Youtube", "-dQw4w9WgX_") == "youtube--dQw4w9WgX_"
    assert is_video_id("youtube--dQw4w9WgX_")


def test_an_unsafe_id_becomes_safe_and_stays_distinct() -> None:
    names = {video_id("Generic", source) for source in ("a/b", "a b", "a_b", "../a", "é" * 300)}
    assert len(names) == 5
    assert all(is_video_id(name) and len(name) < 120 for name in names)


def test_a_sample_is_named_by_its_start_in_milliseconds() -> None:
    assert sample_id("file-0123456789ab", 61_002_900) == "file-0123456789ab_000061002"


def test_content_changes_with_the_face_and_with_the_sound() -> None:
    digests = {content_digest(face, sound) for face in ("a", "b") for sound in ("c", "d")}
    assert len(digests) == 4


def test_a_further_face_of_a_segment_has_its_number_in_its_name() -> None:
    first = sample_id("file-0123456789ab", 61_002_900, 0)
    assert sample_id("file-0123456789ab", 61_002_900, 2) == f"{first}-2"
