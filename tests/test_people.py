"""Labels that are no one person, through the manifest stage."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.tables_builder import Segment, Tables
from voiceface.config import Gather
from voiceface.tables import PEOPLE


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(tmp_path)


def people(tables: Tables, config: Gather | None = None) -> list[dict[str, Any]]:
    tables.run_manifest(config)
    found = pq.read_table(tables.root / "manifests/people.parquet")
    assert found.schema.equals(PEOPLE)
    return found.to_pylist()


def faces(tables: Tables, person: np.ndarray, count: int) -> list[Segment]:
    return [Segment(descriptor=tables.near(person)) for _ in range(count)]


def test_two_labels_of_one_person_are_found_and_different_people_are_not(tables: Tables) -> None:
    man, other = tables.rng.normal(0, 0.1, (2, 128))
    tables.add("file-a", "president", faces(tables, man, 5))
    tables.add("file-b", "candidate", faces(tables, man, 4))
    tables.add("file-c", "reporter", faces(tables, other, 4))
    [found] = people(tables)
    assert (found["kind"], found["speaker"], found["other"]) == (
        "same_person",
        "candidate",
        "president",
    )
    assert found["distance"] < 0.35
    assert (found["faces"], found["other_faces"]) == (4, 5)
    assert (found["videos"], found["other_videos"]) == (["file-b"], ["file-a"])
    assert found["sample"].startswith("file-b_")
    assert found["other_sample"].startswith("file-a_")
    assert people(tables, Gather(same_person_distance=None)) == []
    assert people(tables, Gather(max_identity_distance=None)) == []


def test_a_label_that_hides_somebody_else_s_video_is_found(tables: Tables) -> None:
    man, woman = tables.rng.normal(0, 0.1, (2, 128))
    tables.add("file-a", "mixed", faces(tables, man, 9))
    tables.add("file-b", "mixed", [*faces(tables, man, 8), *faces(tables, woman, 2)])
    tables.add("file-c", "mixed", faces(tables, woman, 3))
    tables.add("file-d", "mixed", faces(tables, man, 3))
    [found] = people(tables)
    assert (found["kind"], found["speaker"], found["other"]) == ("several_people", *["mixed"] * 2)
    assert (found["faces"], found["other_faces"]) == (20, 5)
    assert found["other_videos"] == ["file-b", "file-c"]
    assert found["distance"] > 0.45


def test_a_guest_in_one_video_of_many_is_no_second_person_of_the_label(tables: Tables) -> None:
    host, guest = tables.rng.normal(0, 0.1, (2, 128))
    for video in "abcd":
        tables.add(f"file-{video}", "ana", faces(tables, host, 6))
    tables.add("file-e", "ana", [*faces(tables, host, 6), *faces(tables, guest, 3)])
    assert people(tables) == []
