"""A built project, made up: the tables, faces, histories and metrics that the report reads."""

import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa

from tests.builders import drawn_face
from tests.tables_builder import write_media
from voiceface.experiments import Experiment
from voiceface.files import write_json, write_table
from voiceface.ids import sample_id
from voiceface.stages.experiment import run as run_experiment
from voiceface.tables import DATASET, FACES, FUNNEL, HISTORY, MANIFEST, PEOPLE

SEGMENT_US = 4_000_000
_FATES = ["kept"] * 9 + ["turned", "no_face", "blurred", "noise_or_music", "several_faces"]
_FATES += ["wrong_person", "dropped_by_curator"]


def built_project(
    root: Path,
    *,
    speakers: tuple[str, ...] = ("Ana", "Bo", "Chen", "Dara"),
    videos: int = 2,
    segments: int = 16,
    models: tuple[str, ...] = ("wav2pix",),
    seed: int = 0,
) -> Path:
    """Write what the report reads below `root`, and return it.

    Every video has `segments` segments of 4 s, 10 s without speech and one stretch that is too
    short; the last speaker is unseen, and two videos more are lost.
    """
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    funnel: list[dict[str, Any]] = []
    for number, speaker in enumerate(speakers):
        traits = rng.random(8)
        for one in range(videos):
            video = f"file-{hashlib.sha256(f'{number}/{one}'.encode()).hexdigest()[:12]}"
            mine = [_row(speaker, number, video, place) for place in range(segments)]
            _write_faces(root / f"data/faces/{video}.parquet", mine, traits, rng)
            funnel += _funnel(speaker, video, mine)
            rows += mine
    funnel.append(_count(speakers[0], "youtube-lost", "unavailable: Private video of a_b", 0, 0))
    funnel.append(_count(speakers[0], "file-gone", "gone: no longer at its source", 0, 0))
    write_table(root / "manifests/samples.parquet", pa.Table.from_pylist(rows, schema=MANIFEST))
    write_table(root / "manifests/funnel.parquet", pa.Table.from_pylist(funnel, schema=FUNNEL))
    kept = [{**row, "split": _split(row, speakers)} for row in rows if row["fate"] == "kept"]
    write_table(root / "manifests/dataset.parquet", pa.Table.from_pylist(kept, schema=DATASET))
    people = _people([row for row in rows if row["fate"] == "kept"], speakers)
    write_table(root / "manifests/people.parquet", pa.Table.from_pylist(people, schema=PEOPLE))
    proof = {"compared": {"video": 8, "face": len(kept)}, "shared_between_splits": 0}
    write_json(root / "manifests/leakage.json", {**proof, "videos_joined_by_content": []})
    for model in models:
        _write_model(root, model, rng)
    return root


def write_experiment(root: Path, name: str, experiment: Experiment, seeds: int = 3) -> None:
    """Write what an experiment ends in: its cells' identity accuracy rises with each cell and seed.

    By the real stage, from made up metrics.
    """
    runs = []
    for place, cell in enumerate(experiment.cells):
        runs.append([(f"{name}-{place}-{seed}", seed) for seed in range(seeds)])
        for run, seed in runs[-1]:
            metrics = metrics_of(cell.model)
            for split, value in metrics["metrics"]["identity"]["values"].items():
                if split != "unseen":
                    value["generated"] = {"train": 60.0, "test": 40.0}[split] + 8 * place + 2 * seed
            write_json(root / "reports" / run / "metrics.json", metrics)
    dataset, reports = root / "manifests/dataset.parquet", root / "reports"
    run_experiment(experiment, json.dumps(runs), dataset, reports, reports / "experiments" / name)


def _row(speaker: str, number: int, video: str, place: int) -> dict[str, Any]:
    fate = _FATES[(place * 5 + number) % len(_FATES)]
    curated = fate == "dropped_by_curator"
    clean = fate == "kept" or curated
    start = place * SEGMENT_US
    digest = hashlib.sha256(f"{video}/{start}".encode()).hexdigest()
    return {
        **dict.fromkeys(("voiced", "clipped"), 0.5),
        "sample": sample_id(video, start),
        "video": video,
        "start_us": start,
        "end_us": start + SEGMENT_US,
        "content": None if fate == "no_face" else digest,
        "loudness_db": -20.0,
        "snr_db": 20.0,
        "speech": 0.9,
        "second_voice": 0.0,
        "voice_change": 0.0,
        "faces": 0 if fate == "no_face" else 1,
        "face_number": 0,
        "frame_us": None if fate == "no_face" else start,
        "audio_sha256": digest,
        "face_sha256": None if fate == "no_face" else digest,
        "audio_prints": [],
        "audio_marks": [],
        "flags": [] if clean else [fate, *(["quiet"] if place % 3 == 0 else [])],
        "speaker": speaker,
        "gender": ("female", "male")[number % 2],
        "language": "es",
        "licence": "",
        "emotion": "",
        "face_video": video,
        "face_start_us": start,
        "clean": clean,
        "review": "drop" if curated else "keep" if place % 4 == 0 and clean else "pending",
        "review_reason": "lips not in time" if curated else "",
        "curator": "",
        "reviewed_at": "",
        "fate": fate,
    }


def _people(kept: list[dict[str, Any]], speakers: tuple[str, ...]) -> list[dict[str, Any]]:
    """The first two speakers are one person, and the last label hides another one."""
    if len(speakers) < 2:
        return []
    findings = []
    pairs = [("same_person", *speakers[:2], 0.21), ("several_people", *speakers[-1:] * 2, 0.83)]
    for kind, one, other, distance in pairs:
        mine = next(row for row in kept if row["speaker"] == one)
        theirs = [row for row in kept if row["speaker"] == other][-1]
        findings.append(
            {
                "kind": kind,
                "speaker": one,
                "other": other,
                "distance": distance,
                "faces": 12,
                "videos": [mine["video"]],
                "sample": mine["sample"],
                "other_faces": 1,
                "other_videos": [theirs["video"]],
                "other_sample": theirs["sample"],
            }
        )
    return findings


def _funnel(speaker: str, video: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    fates = [row["fate"] for row in rows]
    counted = [
        _count(speaker, video, fate, fates.count(fate), fates.count(fate) * SEGMENT_US)
        for fate in sorted(set(fates))
    ]
    silent = _count(speaker, video, "no_speech", 0, 10_000_000)
    return [*counted, silent, _count(speaker, video, "too_short", 0, 1_234_567)]


def _count(speaker: str, video: str, reason: str, samples: int, us: int) -> dict[str, Any]:
    return {
        "speaker": speaker,
        "video": video,
        "reason": reason,
        "samples": samples,
        "duration_us": us,
    }


def _split(row: dict[str, Any], speakers: tuple[str, ...]) -> str:
    if row["speaker"] == speakers[-1]:
        return "unseen"
    return "test" if int(row["video"][-1], 16) % 2 else "train"


def _write_faces(
    path: Path, rows: list[dict[str, Any]], traits: np.ndarray, rng: np.random.Generator
) -> None:
    faces = []
    for row in rows:
        picture = drawn_face(traits, rng)[:, :, ::-1]
        png = cv2.imencode(".png", picture)[1].tobytes()
        face = None if row["frame_us"] is None else {"bytes": png, "path": ""}
        wanted = {name: row.get(name) for name in FACES.names}
        faces.append({**wanted, "face": face})
    write_media(path, faces, FACES)


def _write_model(root: Path, model: str, rng: np.random.Generator) -> None:
    history = []
    for step in range(1, 600):
        for name, start in [("loss/generator", 30.0), ("loss/discriminator", 3.0)]:
            value = start * np.exp(-step / 150) + 0.1 * start * rng.normal() + start / 5
            history.append({"step": step, "metric": name, "value": float(value)})
        accuracy = 1 - np.exp(-step / 200) + 0.05 * rng.normal()
        history.append({"step": step, "metric": "accuracy/voice", "value": float(accuracy)})
    folder = root / "models" / model
    write_table(folder / "history.parquet", pa.Table.from_pylist(history, schema=HISTORY))
    write_json(folder / "model.json", {"name": model, "px": 64, "steps": 600})
    picture = np.vstack(
        [np.hstack([drawn_face(rng.random(8), rng, 64) for _ in range(8)]) for _ in range(2)]
    )
    for path in (folder / "grid.png", root / "reports" / model / "generated.png"):
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), picture[:, :, ::-1])
    write_json(root / "reports" / model / "metrics.json", metrics_of(model))


def metrics_of(model: str) -> dict[str, Any]:
    """A model's metrics.json, made up."""

    def values(*pairs: tuple[float | None, float | None], **more: Any) -> dict[str, Any]:
        splits = zip(("train", "test", "unseen"), pairs, strict=True)
        return {split: {"generated": g, "real": r, "n": 40, **more} for split, (g, r) in splits}

    groups = {
        "Is it the speaker's face?": ["identity", "matching"],
        "Is it a face?": ["landmarks", "frechet_dlib", "fid", "kid"],
    }
    landmarks = values((91.2, 100.0), (89.0, 99.5), (85.3, 99.1), interval=[80.5, 95.25])
    identity = values((71.2, 98.0), (44.1, 95.0), (None, None), chance=25.0)
    identity["unseen"].pop("chance")
    identity["unseen"]["note"] = "these people are not in the training split"
    matching = values((90.1, 99.0), (82.5, 98.0), (61.5, 97.0), chance=50.0, trials=1_200_000)
    frechet = values((0.31, 0.02), (0.36, 0.04), (0.4, 0.05))
    absent = values(*[(None, None)] * 3, note="evaluate.inception_weights is not set")
    paper = {"identity": {"train": 76.81, "test": 50.08}, "landmarks": {"all": 90.25}}

    def told(middle: float | None) -> dict[str, Any]:
        ends = {} if middle is None else {"interval": [middle - 3, middle + 2.5]}
        return {"generated": middle, "real": 99.0, "n": 40, **ends}

    return {
        "model": model,
        "input_s": 1.024,
        "classifier": "built-in",
        "groups": [{"title": title, "metrics": names} for title, names in groups.items()],
        "headlines": [["identity", "test"], ["identity", "unseen"], ["matching", "unseen"]],
        "metrics": {
            "identity": _metric("Identity accuracy", "%", True, identity),
            "matching": _metric("Voice-to-face matching", "%", True, matching),
            "landmarks": _metric("Landmarks found", "%", True, landmarks),
            "frechet_dlib": _metric("Fréchet distance of descriptors", "", False, frechet),
            "fid": _metric("FID", "", False, absent),
            "kid": _metric("KID", "", False, absent),
        },
        "noise": {"matching": {"train": told(51.0), "test": told(49.5), "unseen": told(50.2)}},
        "seconds": {
            "matching": {
                "train": {"1": told(88.0), "2": told(89.0), "10": told(90.3)},
                "test": {"1": told(78.0), "2": told(80.0), "10": told(82.7)},
                "unseen": {},
            },
            "identity": {"train": {}, "test": {}, "unseen": {"1": told(None), "2": told(None)}},
        },
        "babble": {},
        "paper": {"source": "Someone, 2019", "note": "on the paper's own data", "values": paper},
        "inputs": {},
    }


def _metric(title: str, unit: str, higher: bool, values: dict[str, Any]) -> dict[str, Any]:
    about = {"title": title, "unit": unit, "higher_is_better": higher}
    return {**about, "needs": [], "values": values}
