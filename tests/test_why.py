"""What `voiceface why` says: the causes, of the jobs that were asked for and those before them."""

import json
from pathlib import Path
from typing import Any

import pytest

from voiceface.building.code_record import record_code
from voiceface.building.events import Event
from voiceface.building.reasons import causes, short
from voiceface.codehash import code_digest
from voiceface.config import Dataset
from voiceface.errors import VoicefaceError
from voiceface.files import write_json
from voiceface.why import explain, why

_PARAMS = (
    "Params have changed since last execution: Union of exclusive params before and now across"
)
CODE, OLD_CODE = "0123456789abcdef", "fedcba9876543210"


def job(rule: str, reason: str, number: int = 0, **more: Any) -> Event:
    """A job as a dry run tells it."""
    known = {"jobid": number, "rule_name": rule, "wildcards": {}, "output": [], "log": []}
    return known | {"reason": reason} | more


def _dataset(test_fraction: float) -> str:
    values = Dataset().model_dump(mode="json") | {"test_fraction": test_fraction}
    return json.dumps(values, sort_keys=True)


def params(before: list[str], now: list[str]) -> str:
    """Snakemake's words for changed parameters."""
    sides = (",".join(map(repr, side)) or "<nothing exclusive>" for side in (before, now))
    return "{} all output: before: {} now: {} ".format(_PARAMS, *sides)


@pytest.mark.parametrize(
    ("reason", "brief", "told"),
    [
        (
            params([_dataset(0.2)], [_dataset(0.3)]),
            "changed settings",
            ["dataset.test_fraction is 0.3, was 0.2"],
        ),
        (
            params(['{"report": {"contact_sheet": 1}}', f"{CODE} av==1"],
                   ['{"report": {"contact_sheet": 2, "new": "a; b now: c"}}', f"{CODE} av==2"]),
            "changed settings",
            ["av is 2 in requirements.lock, was 1", "report.contact_sheet is 2, was 1",
             'report.new is new: "a; b now: c"'],
        ),
        (params([CODE], []), "changed settings", ["it has fewer parameters"]),
        (params(["0.2"], ["0.3"]), "changed settings", ["a setting is 0.3, was 0.2"]),
        (params([f"{OLD_CODE} av==1"], [f"{CODE} av==1"]), "changed code", ["its code changed"]),
        (
            params([CODE], [f"{CODE} av==1"]),
            "changed libraries",
            ["av is 1 in requirements.lock, was not used"],
        ),
        (
            f"Code has changed since last execution; {params(['1'], ['2'])}; Software environment"
            " definition has changed since last execution",
            "changed settings",
            ["a setting is 2, was 1", "its rule's command in workflow/rules was edited",
             "its conda environment was edited"],
        ),
        (
            "Set of input files has changed since last execution",
            "another set of videos, marks or models",
            ["it has other input files: of videos, marks or models that came or went"],
        ),
        (
            "Missing output files: a/3, a/1, a/2, a/0; Updated input files: b",
            "not there yet",
            ["never built: a/0, a/1, a/2 and 1 more", "b changed"],
        ),
        ("Incomplete output files: a", "was interrupted", ["it was interrupted while it wrote a"]),
        ("Input files updated by another job: a, b", "what comes before it", []),
    ],
)  # fmt: skip
def test_each_cause_has_its_words(
    reason: str, brief: str, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert short(reason) == brief
    assert causes(job("faces", reason)) == told


def test_a_file_that_is_missing_was_never_built_deleted_or_its_job_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    missing = job("faces", "Missing output files: a", log=["faces.log"])
    assert causes(missing) == ["never built: a"]
    Path("faces.log").write_text("looking\n")
    assert causes(missing) == ["deleted since it was built, or its job was killed: a"]
    Path("faces.log").write_text("voiceface: it is dark; light it\n")
    assert causes(missing) == ["failed: it is dark; light it (faces.log): a"]


def test_the_functions_that_an_edit_changed_are_named_while_the_logs_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    module = "voiceface.stages.downloads"
    digest = code_digest(module)
    record_code(digest, module)
    (record,) = Path("logs/code").iterdir()
    old = json.loads(record.read_text())
    old["parts"]["voiceface.outcome.read_outcome"] = "another"
    write_json(Path(f"logs/code/{OLD_CODE}.json"), old)
    write_json(Path(f"logs/code/{CODE}.json"), {"module": "voiceface.stages.pack", "parts": {}})
    stale = job("downloads", params([OLD_CODE, CODE], [digest]))
    assert causes(stale) == ["its code changed: outcome.read_outcome"]
    record.write_text("{")
    assert causes(stale) == ["its code changed"]


def _faces(number: int, video: str, reason: str) -> Event:
    output = [f"data/faces/{video}.parquet"]
    return job("faces", reason, number, wildcards={"video": video}, output=output)


def test_a_stage_or_a_video_is_told_of_with_what_it_follows_and_no_more() -> None:
    stale = params(['{"steps": 1}'], ['{"steps": 2}'])
    jobs = [
        *(_faces(number, f"file-a{number}", stale) for number in range(5)),
        _faces(5, "file-b", "Missing output files: data/faces/file-b.parquet"),
        job("manifest", "Input files updated by another job: data/faces/file-b.parquet", 6,
            output=["manifests/samples.parquet"]),
        job("train", stale, 7, wildcards={"model": "wav2pix"}),
        job("all", "Input files updated by another job: models/a", 8),
    ]  # fmt: skip
    built = "  faces of file-b: never built: data/faces/<video>.parquet"
    many = "  faces of file-a0, file-a1, file-a2 and 2 more: steps is 2, was 1"
    train = "  train of wav2pix: steps is 2, was 1"
    assert explain(jobs) == [many, built, train, "  what follows from that: manifest"]
    assert explain(jobs, "faces") == [many, built]
    assert explain(jobs, "file-b") == [built]
    assert explain(jobs, "manifest") == [built, "  what follows from that: manifest"]
    assert explain(jobs, "train") == [train]
    assert explain(jobs, "file-c") == []


def test_before_the_first_build_the_sources_are_what_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("Snakefile").touch()
    Path("config.yaml").touch()
    with pytest.raises(VoicefaceError, match="list your videos in manifests"):
        why()
    Path("manifests").mkdir()
    Path("manifests/sources.csv").write_text("speaker,location\nann,ann.mp4\n")
    cause = "  resolve: there is no manifests/videos.csv yet; what follows from that shows when it"
    assert why() == ["reports/index.html: stale", f"{cause} was done"]
