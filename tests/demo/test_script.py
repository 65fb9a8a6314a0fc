from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from voiceface.demo.script import RATE_HZ, TROUBLES, Script, Stretch, deck, write_script
from voiceface.demo.sound import Sound
from voiceface.demo.traits import guest_traits, speaker_traits


def script_of(speaker: int, video: int, seconds: float = 60.0, **options: float) -> Script:
    person = speaker_traits(speaker, 0)
    troubles = deck(speaker, video, 0)
    guest = guest_traits(0, 0, person)
    return write_script(person, guest, seconds, troubles, [0, speaker, video], **options)


@pytest.fixture(scope="module")
def every() -> Script:
    """All troubles one after the other."""
    return script_of(0, 0, 150.0, clean_s=0.0)


def part(sound: Sound, stretch: Stretch) -> Sound:
    return sound[round(stretch.start_s * RATE_HZ) : round(stretch.end_s * RATE_HZ)]


def one(script: Script, trouble: str) -> Stretch:
    return next(s for s in script.stretches if s.trouble == trouble)


def test_the_default_world_has_every_trouble_and_a_third_of_its_time_is_spoilt() -> None:
    spent: Counter[str] = Counter()
    for speaker in range(6):
        for video in range(2):
            for stretch in script_of(speaker, video).stretches:
                spent[stretch.trouble] += stretch.end_s - stretch.start_s
    assert set(spent) == {"", *TROUBLES}
    assert min(spent.values()) > 3
    assert 0.25 < 1 - spent[""] / sum(spent.values()) < 0.42


def test_stretches_follow_each_other_and_cover_the_video() -> None:
    stretches = script_of(1, 0).stretches
    assert stretches[0].start_s == 0
    assert stretches[-1].end_s == 60
    for before, after in pairwise(stretches):
        assert before.end_s == after.start_s
    assert all(s.end_s > s.start_s for s in stretches)


def test_silence_is_silent_and_clean_speech_is_not_clipped(every: Script) -> None:
    assert np.abs(part(every.mix, one(every, "silence"))).max() < 0.01
    clean = script_of(2, 0)
    for stretch in clean.stretches:
        if not stretch.trouble:
            heard = part(clean.mix, stretch)
            assert 0.01 < heard.std() < 0.2
            assert np.abs(heard).max() < 0.95


def test_clipped_sound_stands_at_full_scale(every: Script) -> None:
    assert np.mean(np.abs(part(every.mix, one(every, "clipping"))) > 0.99) > 0.05


def test_music_and_noise_are_louder_than_the_room_and_lie_under_speech(every: Script) -> None:
    alone = part(every.mix, one(every, "music_only"))
    assert alone.std() > 0.05
    assert not part(every.main, one(every, "music_only")).any()
    for trouble, least in (("music", 0.8), ("noise", 0.4)):
        voice = part(every.main, one(every, trouble))
        added = part(every.mix, one(every, trouble)) - voice
        assert added.std() > least * voice.std() > 0


def test_a_guest_speaks_alone(every: Script) -> None:
    stretch = one(every, "guest")
    assert part(every.guest, stretch).std() > 0.02
    assert not part(every.main, stretch).any()


def test_two_voices_overlap_and_end_together(every: Script) -> None:
    stretch = one(every, "overlap")
    main, guest = part(every.main, stretch), part(every.guest, stretch)
    assert guest.std() > 0.4 * main.std() > 0
    after = Stretch(stretch.end_s, stretch.end_s + 0.5, "", "")
    assert not part(every.guest, after).any()


@pytest.mark.parametrize("trouble", ["dubbed", "listening", "guest_talks"])
def test_only_the_other_voice_is_heard_where_the_truth_says_so(every: Script, trouble: str) -> None:
    stretch = one(every, trouble)
    assert stretch.voice == "guest"
    assert np.abs(part(every.mix - every.guest, stretch)).max() < 0.01
    assert part(every.guest, stretch).std() > 0.02
    assert bool(part(every.unheard, stretch).any()) == (trouble == "dubbed")


def test_quiet_speech_is_hardly_heard(every: Script) -> None:
    stretch = one(every, "quiet")
    assert part(every.mix, stretch).std() < 0.05 * part(every.main, stretch).std()


def test_pauses_within_a_passage_are_short() -> None:
    script = script_of(3, 1)
    for stretch in script.stretches:
        if stretch.voice != "main":
            continue
        quiet = np.abs(part(script.main, stretch)) < 0.003
        edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet.astype(int), [0]])))
        assert max(edges[1::2] - edges[::2], default=0) < 0.5 * RATE_HZ


def test_videos_with_a_jingle_share_it() -> None:
    one_, other = script_of(0, 0, 12.0, jingle=True), script_of(1, 1, 12.0, jingle=True)
    assert one_.stretches[0].trouble == other.stretches[0].trouble == "jingle"
    first, second = part(one_.mix, one_.stretches[0]), part(other.mix, other.stretches[0])
    assert np.abs(first - second).max() < 0.01
    assert first.std() > 0.05
