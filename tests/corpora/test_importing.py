"""Rows into the list of sources: what is there stays, nothing comes twice, nothing by halves."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.corpora.conftest import SOURCES, Importer
from voiceface.cli import main
from voiceface.errors import VoicefaceError

Put = Callable[..., None]


def listed(text: str) -> None:
    SOURCES.parent.mkdir(exist_ok=True)
    SOURCES.write_text(text)


def test_what_is_there_stays_byte_for_byte_and_nothing_comes_twice(
    put: Put, imported: Importer
) -> None:
    put("ana/a.mp4", "bob/b.mp4")
    old = 'location,speaker,note\nhttps://a.org/@eve,"eve","two\nlines"\n\ncorpus/ana,anna,mine'
    listed(old)
    imported("folder")
    after = SOURCES.read_text()
    assert after == f"{old}\ncorpus/bob,bob,\n"
    imported("folder")
    assert SOURCES.read_text() == after


def test_a_column_that_is_needed_is_added(put: Put, imported: Importer) -> None:
    put("Actor_01/03-01-05-02-01-01-01.wav")
    listed("speaker,location,gender\nana,a.mp4,female\n")
    rows = imported("ravdess")
    assert [(row.speaker, row.gender, row.emotion) for row in rows] == [
        ("ana", "female", ""),
        ("ravdess-01", "male", "anger"),
    ]


def test_a_speaker_s_gender_is_the_one_that_is_there(put: Put, imported: Importer) -> None:
    put("ana/a.mp4")
    listed("speaker,location,gender\nana,a.mp4,female\n")
    assert [row.gender for row in imported("folder")] == ["female", "female"]


def test_rows_that_contradict_those_there_are_not_added(put: Put, imported: Importer) -> None:
    put("ana/a.mp4", "bob/b.mp4")
    listed("speaker,location\nANA,a.mp4\n")
    before = SOURCES.read_bytes()
    with pytest.raises(VoicefaceError, match=r"nothing was added: .*sources.csv: .*'ANA' on line"):
        imported("folder")
    assert SOURCES.read_bytes() == before
    assert [path.name for path in SOURCES.parent.iterdir()] == [SOURCES.name]


def test_what_is_no_such_corpus_is_told_in_a_line(put: Put, imported: Importer) -> None:
    put("ana/a.mp4")
    for kind, path, told in [
        ("ravdess", "corpus", r"corpus: nothing of the layout of ravdess \(corpus/ana/a.mp4: not"),
        ("voxceleb1", "corpus", "corpus: nothing of the layout of voxceleb1; see docs/sources.md"),
        ("folder", "nowhere", "nowhere: no such file or folder"),
        ("lrs3", "corpus", "lrs3: no known kind of corpus; these are: voxceleb1, voxceleb2"),
    ]:
        with pytest.raises(VoicefaceError, match=told):
            imported(kind, path)
    Path("odd.csv").write_text("a,b\n1,2\n")
    with pytest.raises(VoicefaceError, match=r"odd.csv: not a table of people"):
        imported("voxceleb1", tables=[Path("odd.csv")])


def test_the_command_tells_what_it_found_and_what_to_set(
    put: Put, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put("Actor_01/03-01-05-02-01-01-01.wav", "Actor_01/03-02-05-02-01-01-01.wav")
    command = ["import-corpus", "ravdess", "corpus", "--consent=public"]
    assert main(command) == 0
    told = capsys.readouterr().out
    assert "left_out: corpus/Actor_01/03-02-05-02-01-01-01.wav: song" in told
    assert "ravdess: 1 rows of 1 speakers; 1 added to manifests/sources.csv, 0 were there" in told
    assert "set speech.segment_s to 2" in told
    assert "local_roots" not in told
    assert ",public," in SOURCES.read_text()
    assert main(command) == 0
    assert "0 added to manifests/sources.csv, 1 were there" in capsys.readouterr().out


def test_a_corpus_outside_of_the_allowed_folders_is_told(
    put: Put,
    imported: Importer,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "ana").mkdir()
    (outside / "ana/a.mp4").touch()
    assert main(["import-corpus", "folder", str(outside)]) == 0
    assert f"add {outside} to resolve.local_roots" in capsys.readouterr().out
