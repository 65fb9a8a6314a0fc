"""Each known corpus, on a small tree with its real layout and names."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.corpora.conftest import SOURCES, Importer, fetched
from tests.web_host import Host, Reply
from voiceface.corpora import avspeech, ravdess
from voiceface.corpora.tables import People
from voiceface.demo.voice import EMOTIONS
from voiceface.errors import VoicefaceError
from voiceface.sources import Source

Put = Callable[..., None]

VOX1 = """VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet
id10001\tA.J._Buckley\tm\tIreland\tdev
id10270\tEartha_Kitt\tf\tUSA\ttest
"""
VOX2 = """VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set
id00012 ,n000012 ,m ,dev
id00017 ,n000017 ,f ,test
"""


def said(row: Source, *names: str) -> tuple[str, ...]:
    return tuple(getattr(row, name) for name in names)


def put_pictures(*paths: str) -> None:
    rng = np.random.default_rng(0)
    for path in paths:
        place = Path("corpus", path)
        place.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place), rng.integers(0, 256, (32, 24, 3)).astype(np.uint8))


def test_voxceleb1_is_a_row_for_each_person_with_the_gender_of_its_table(
    put: Put, imported: Importer
) -> None:
    put("wav/id10001/1zcIwhmdeo4/00001.wav", "wav/id10001/7gWzIy6yIIk/00002.wav")
    put("wav/id10270/5r0dWxy17C8/00001.wav")
    Path("corpus/vox1_meta.csv").write_text(VOX1)
    rows = imported("voxceleb1")
    assert [said(row, "speaker", "gender", "location") for row in rows] == [
        ("id10001", "male", "corpus/wav/id10001"),
        ("id10270", "female", "corpus/wav/id10270"),
    ]
    found = fetched()
    assert [video.speaker for video, _ in found] == ["id10001", "id10001", "id10270"]
    assert all((one.lost, one.video_codec) == ("", None) for _, one in found)


def test_voxceleb2_has_a_tree_of_sound_and_one_of_video(
    put: Put, imported: Importer, capsys: pytest.CaptureFixture[str]
) -> None:
    put("dev/aac/id00012/21Uxsk56VDQ/00001.m4a", "dev/mp4/id00012/21Uxsk56VDQ/00001.mp4")
    put("test/mp4/id00017/01dfn2spqyE/00001.mp4")
    Path("vox2_meta.csv").write_text(VOX2)
    rows = imported("voxceleb2")
    assert [said(row, "speaker", "gender") for row in rows] == [
        ("id00012", "male"),
        ("id00012", "male"),
        ("id00017", "female"),
    ]
    assert [one.video_codec for _, one in fetched()] == [None, "h264", "h264"]


def test_vggface_has_voxceleb_s_labels_where_its_table_names_the_person(
    imported: Importer,
) -> None:
    put_pictures("A.J._Buckley/1.jpg", "A.J._Buckley/2.jpg", "Aamir_Khan/1.jpg")
    Path("vox1_meta.csv").write_text(VOX1)
    rows = imported("vggface")
    assert [said(row, "speaker", "gender", "location") for row in rows] == [
        ("id10001", "male", "corpus/A.J._Buckley"),
        ("Aamir_Khan", "", "corpus/Aamir_Khan"),
    ]
    assert [one.pictures for _, one in fetched()] == [2, 1]


def test_vggface2_has_voxceleb_s_labels_by_a_table_that_is_named(imported: Importer) -> None:
    put_pictures("train/n000012/0001_01.jpg", "test/n000001/0001_01.jpg")
    Path("corpus/identity_meta.csv").write_text(
        'Class_ID, Name, Sample_Num, Flag, Gender\nn000001, "14th_Dalai_Lama", 424, 0, m\n'
    )
    Path("elsewhere").mkdir()
    Path("elsewhere/vox2_meta.csv").write_text(VOX2)
    rows = imported("vggface2", tables=[Path("elsewhere/vox2_meta.csv")])
    assert sorted(said(row, "speaker", "gender") for row in rows) == [
        ("id00012", "male"),
        ("n000001", "male"),
    ]
    assert [one.pictures for _, one in fetched()] == [1, 1]


def test_ravdess_tells_actor_gender_and_emotion_by_its_file_names(
    put: Put, imported: Importer
) -> None:
    put("Actor_12/01-01-06-01-02-01-12.mp4", "Actor_12/02-01-06-01-02-01-12.mp4")
    put("Actor_12/03-01-06-01-02-01-12.wav", "Actor_12/01-02-03-01-02-01-12.mp4")
    put("Actor_01/03-01-01-01-01-01-01.wav", "Actor_01/03-01-05-02-01-01-01.wav")
    rows = imported("ravdess")
    assert [said(row, "speaker", "gender", "emotion", "location") for row in rows] == [
        ("ravdess-01", "male", "neutral", "corpus/Actor_01/03-01-01-01-01-01-01.wav"),
        ("ravdess-01", "male", "anger", "corpus/Actor_01/03-01-05-02-01-01-01.wav"),
        ("ravdess-12", "female", "fear", "corpus/Actor_12/01-01-06-01-02-01-12.mp4"),
    ]
    found = fetched()
    assert [video.emotion for video, _ in found] == ["neutral", "anger", "fear"]
    assert [one.lost for _, one in found] == [""] * 3


def test_an_emotion_of_the_demo_world_has_the_word_that_a_corpus_has(tmp_path: Path) -> None:
    for number in range(1, 9):
        (tmp_path / f"03-01-0{number}-01-01-01-01.wav").touch()
    told = {row.emotion for row in ravdess.find(tmp_path, People()).sources}
    assert told > set(EMOTIONS)


def test_enterface05_tells_subject_and_emotion_by_its_folders(put: Put, imported: Importer) -> None:
    put("subject 1/anger/sentence 1/s1_an_1.avi", "subject 1/anger/sentence 2/s1_an_2.avi")
    put("subject 6/sadness/s6_sa_1.avi", "subject 6/surprise/s6_su_1.avi")
    rows = imported("enterface05")
    assert [said(row, "speaker", "emotion", "location") for row in rows] == [
        ("enterface05-01", "anger", "corpus/subject 1"),
        ("enterface05-06", "sadness", "corpus/subject 6/sadness"),
        ("enterface05-06", "surprise", "corpus/subject 6/surprise"),
    ]
    assert [video.emotion for video, _ in fetched()] == ["anger", "anger", "sadness", "surprise"]


def test_crema_d_takes_the_video_of_a_take_and_else_its_sound(put: Put, imported: Importer) -> None:
    put("AudioWAV/1001_DFA_ANG_XX.wav", "AudioWAV/1002_IEO_HAP_HI.wav")
    put("VideoFlash/1001_DFA_ANG_XX.flv")
    Path("corpus/VideoDemographics.csv").write_text(
        '"ActorID","Age","Sex","Race","Ethnicity"\n'
        '1001,51,"Male","Caucasian","Not Hispanic"\n1002,21,"Female","Caucasian","Not Hispanic"\n'
    )
    rows = imported("crema-d")
    assert [said(row, "speaker", "gender", "emotion", "location") for row in rows] == [
        ("crema-d-1002", "female", "happiness", "corpus/AudioWAV/1002_IEO_HAP_HI.wav"),
        ("crema-d-1001", "male", "anger", "corpus/VideoFlash"),
    ]
    assert [one.video_codec for _, one in fetched()] == [None, "flv"]


@pytest.mark.parametrize("inner", ["s1/video", "s1", "s1/video/mpg_6000", "video/s1"])
def test_grid_is_a_row_for_each_talker(put: Put, imported: Importer, inner: str) -> None:
    put(f"{inner}/bbaf2n.mpg", f"{inner}/lwwz9s.mpg", "audio/s21/swiz3n.wav")
    Path("corpus/s1/align").mkdir(parents=True)
    Path("corpus/s1/align/bbaf2n.align").write_text("0 23750 sil\n")
    rows = imported("grid")
    assert {said(row, "speaker", "language") for row in rows} == {
        ("grid-s1", "en"),
        ("grid-s21", "en"),
    }
    assert len(rows) == 2
    assert sorted(str(one.video_codec) for _, one in fetched()) == ["None"] + ["mpeg1video"] * 2


def test_avspeech_is_a_row_for_each_video_with_its_clips(
    imported: Importer,
    host: Host,
    monkeypatch: pytest.MonkeyPatch,
    bytes_of: Callable[[str], bytes],
) -> None:
    host.serve("/a.mp4", Reply(bytes_of("mp4"), "video/mp4"))
    host.page("/watch?v=Swss72CHSWg", "/a.mp4")
    host.page("/watch?v=-0l4Pp5zG28", "/a.mp4")
    monkeypatch.setattr(avspeech, "WATCH", f"{host.url}/watch?v=")
    Path("avspeech_test.csv").write_text(
        "Swss72CHSWg,90.023267,97.400000,0.235937,0.290278\n"
        "-0l4Pp5zG28,0.1,0.4,-0.5,0.5\nSwss72CHSWg,120.000000,125.5,0.2,0.3\nbroken,1\n\n"
    )
    rows = imported("avspeech", "avspeech_test.csv", report=Path("report.json"))
    assert [said(row, "speaker", "clips") for row in rows] == [
        ("avspeech-Swss72CHSWg", "90.023267-97.4@0.235937x0.290278;120-125.5@0.2x0.3"),
        ("avspeech--0l4Pp5zG28", "0.1-0.4"),
    ]
    assert "avspeech_test.csv:4" in Path("report.json").read_text()
    assert [(video.clips, one.lost) for video, one in fetched()] == [
        ("90.023267-97.4@0.235937x0.290278;120-125.5@0.2x0.3", ""),
        ("0.1-0.4", ""),
    ]


def test_hdtf_is_a_row_for_each_video_with_its_clips(imported: Importer, host: Host) -> None:
    watch = f"{host.url}/watch?v="
    Path("corpus").mkdir()
    for name, text in {
        "RD_video_url": f"Radio11 {watch}XtySvTwIOfw\nRadio24 {watch}cU0JPT3n9B4\n",
        "RD_annotion_time": "Radio11.mp4 00:30-01:00 01:30-02:30\nRadio1.mp4 00:20-01:35\n",
        "WRA_video_url": f"RandPaul0 {watch}QwymRXncOC8&t=6s\nRandPaul1 {watch}U34G5IEydmw\n"
        f"Twin {watch}XtySvTwIOfw&t=5s\n",
        "WRA_annotion_time": "RandPaul0.mp4 00:01-03:05 \nRandPaul1.mp4 00:01-1:00:25\n"
        "Twin.mp4 00:01-00:09\n",
    }.items():
        Path(f"corpus/{name}.txt").write_text(text)
    rows = imported("hdtf", report=Path("report.csv"))
    assert [said(row, "speaker", "location", "clips") for row in rows] == [
        ("hdtf-Radio11", f"{watch}XtySvTwIOfw", "30-60;90-150"),
        ("hdtf-RandPaul", f"{watch}QwymRXncOC8", "1-185"),
        ("hdtf-RandPaul", f"{watch}U34G5IEydmw", "1-3625"),
    ]
    told = Path("report.csv").read_text()
    assert "left_out,RD/Radio24,no stretch" in told
    assert "left_out,WRA/Twin,the same video as RD/Radio11" in told


def test_a_folder_is_a_row_for_each_person_in_it(put: Put, imported: Importer) -> None:
    put("ana/deep/a.mp4", "Ñandú Pérez/a.wav", "stray.mp4")
    Path("corpus/empty").mkdir()
    rows = imported("folder", report=Path("report.csv"))
    assert [said(row, "speaker", "location") for row in rows] == [
        ("ana", "corpus/ana"),
        ("Nandu_Perez", "corpus/Ñandú Pérez"),
    ]
    assert "stray.mp4" in Path("report.csv").read_text()
    assert [one.lost for _, one in fetched()] == ["", ""]


def test_two_folders_that_would_be_one_person_are_refused_by_name(
    put: Put, imported: Importer
) -> None:
    put("Ana/a.mp4", "ána/b.mp4")
    with pytest.raises(VoicefaceError, match=r"corpus/Ana and corpus/ána: both would be"):
        imported("folder")
    assert not SOURCES.exists()


def test_of_many_files_that_say_the_same_there_is_one_row(put: Put, imported: Importer) -> None:
    put(*(f"VideoFlash/1001_{sentence}_ANG_XX.flv" for sentence in ("DFA", "IEO", "ITH")))
    put("more/1001_IWL_ANG_XX.flv", "more/not_of_it.flv")
    assert [row.location for row in imported("crema-d")] == [
        "corpus/VideoFlash",
        "corpus/more/1001_IWL_ANG_XX.flv",
    ]
