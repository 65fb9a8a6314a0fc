"""Marks on what was taken down."""

import json
from pathlib import Path

import pytest

from voiceface.errors import VoicefaceError
from voiceface.review.ledger import Ledger, Mark, read_ledger
from voiceface.review.redact import redact, unredacted

GONE, STAYS = "web-a_1_000000000", "web-a_000000000-1"


def _marked(root: Path) -> None:
    with Ledger(root, "ann") as ledger:
        ledger.append(Mark(GONE, "c" * 64, "drop", reason="turned", note="her brother"))
        ledger.append(Mark(STAYS, "d" * 64, "keep", note="good"))


def test_lines_stay_without_content_and_note_and_others_byte_by_byte(tmp_path: Path) -> None:
    _marked(tmp_path)
    (path,) = tmp_path.glob("*/*.jsonl")
    before = path.read_bytes().splitlines()
    assert unredacted(tmp_path, {"web-a_1"}) == [path]
    assert redact(tmp_path, {"web-a_1"}) == 1
    after = path.read_bytes().splitlines()
    assert after[1] == before[1]
    old, new = json.loads(before[0]), json.loads(after[0])
    assert new == {key: value for key, value in old.items() if key != "note"} | {"content": ""}
    assert (redact(tmp_path, {"web-a_1"}), unredacted(tmp_path, {"web-a_1"})) == (0, [])


def test_an_old_copy_that_is_merged_back_does_not_bring_the_content_back(tmp_path: Path) -> None:
    _marked(tmp_path / "old")
    _marked(tmp_path / "new")
    (old,) = (tmp_path / "old").glob("*/*.jsonl")
    (new,) = (tmp_path / "new").glob("*/*.jsonl")
    new.write_bytes(old.read_bytes())
    redact(tmp_path / "new", {"web-a_1"})
    for name in ("00.jsonl", "zz.jsonl"):  # read before or after it
        copy = new.with_name(name)
        copy.write_bytes(old.read_bytes())
        (event,) = [one for one in read_ledger(tmp_path / "new") if one.sample == GONE]
        assert (event.decision, event.content, event.note) == ("drop", "", "")
        copy.unlink()


def test_a_ledger_in_use_is_left_alone_and_told(tmp_path: Path) -> None:
    with Ledger(tmp_path, "ann") as ledger:
        ledger.append(Mark(GONE, "c" * 64, "keep"))
        with pytest.raises(VoicefaceError, match="close the review page"):
            redact(tmp_path, {"web-a_1"})
        ledger.append(Mark(STAYS, "d" * 64, "keep"))
    assert {event.content[:1] for event in read_ledger(tmp_path)} == {"c", "d"}


@pytest.mark.parametrize("torn_behind", ["web-a_1", "web-a_1_0000", "cccc", "her br"])
def test_a_torn_line_of_theirs_is_cut_and_one_of_others_stays(
    tmp_path: Path, torn_behind: str
) -> None:
    _marked(tmp_path)
    (path,) = tmp_path.glob("*/*.jsonl")
    theirs, others = path.read_bytes().splitlines(keepends=True)
    torn = theirs[: theirs.index(torn_behind.encode()) + len(torn_behind)]
    path.write_bytes(others + torn)
    assert unredacted(tmp_path, {"web-a_1"}) == [path]
    assert redact(tmp_path, {"web-a_1"}) == 1
    assert path.read_bytes() == others
    assert unredacted(tmp_path, {"web-a_1"}) == []
    kept = theirs + others[:-9]
    path.write_bytes(kept)
    assert redact(tmp_path, {"web-a_2"}) == 0
    assert path.read_bytes() == kept
