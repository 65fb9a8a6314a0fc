"""What `voiceface models` lists."""

import json
from pathlib import Path

import pytest

from voiceface.config import Settings, model_sections, recogniser_sections
from voiceface.errors import VoicefaceError
from voiceface.files import write_json
from voiceface.ids import video_mark
from voiceface.layout import TAKEDOWNS
from voiceface.models.registry import entry, recogniser
from voiceface.models.status import ModelStatus, models_status
from voiceface.takedowns import Takedown, add_takedowns


def _wav2pix(models: Path, reports: Path = Path("reports")) -> ModelStatus:
    return next(one for one in models_status(models, Settings(), reports) if one.name == "wav2pix")


def test_a_model_counts_as_trained_when_its_weights_and_card_are_there(tmp_path: Path) -> None:
    status = _wav2pix(tmp_path / "models", tmp_path / "reports")
    assert (status.name, status.wanted, status.trained_steps) == ("wav2pix", True, None)
    assert status.headline == {}
    folder = tmp_path / "models" / "wav2pix"
    folder.mkdir(parents=True)
    (folder / "model.json").write_text('{"steps": 7}')
    assert _wav2pix(tmp_path / "models").trained_steps is None
    (folder / "generator.safetensors").touch()
    assert _wav2pix(tmp_path / "models").trained_steps == 7


def test_a_model_of_what_was_taken_down_since_is_told_as_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_json(Path("models/wav2pix/model.json"), {"videos": [video_mark("web-a")]})
    assert not _wav2pix(Path("models")).taken_down
    add_takedowns(TAKEDOWNS, [Takedown(video="web-b", date="2026-11-26", reason="asked")])
    assert not _wav2pix(Path("models")).taken_down
    add_takedowns(TAKEDOWNS, [Takedown(video="web-a", date="2026-11-26", reason="asked")])
    assert _wav2pix(Path("models")).taken_down
    Path("models/wav2pix/model.json").write_text("{}")  # nobody knows
    assert _wav2pix(Path("models")).taken_down


def test_the_headline_leaves_out_what_there_is_no_value_of(tmp_path: Path) -> None:
    report = tmp_path / "reports" / "wav2pix" / "metrics.json"
    report.parent.mkdir(parents=True)
    values = {"test": {"generated": 50.0}, "unseen": {"generated": None}}
    metrics = {"identity": {"values": values}, "l1": {"values": values}}
    told = [["identity", "test"], ["identity", "unseen"]]
    report.write_text(json.dumps({"headlines": told, "metrics": metrics}))
    status = _wav2pix(tmp_path / "models", tmp_path / "reports")
    assert status.headline == {"identity/test": 50.0}


@pytest.mark.parametrize("text", ["{}", "[]", '{"steps": null}', '{"metrics": []}', "3"])
def test_a_damaged_card_or_metrics_file_is_one_line(tmp_path: Path, text: str) -> None:
    models, reports = tmp_path / "models", tmp_path / "reports"
    for folder in (models / "wav2pix", reports / "wav2pix"):
        folder.mkdir(parents=True)
    (models / "wav2pix" / "model.json").write_text(text)
    metrics = reports / "wav2pix" / "metrics.json"
    metrics.write_text(text)
    with pytest.raises(VoicefaceError, match=f"^{metrics}: not the metrics .*build again$"):
        models_status(models, Settings(), reports)
    metrics.unlink()
    (models / "wav2pix" / "generator.safetensors").touch()
    with pytest.raises(VoicefaceError, match=r"model\.json: not the card .*build again$"):
        models_status(models, Settings(), reports)


def test_each_model_and_each_recogniser_says_what_it_takes_and_needs(tmp_path: Path) -> None:
    write_json(tmp_path / "voice/model.json", {"steps": 5})
    (tmp_path / "voice/encoder.safetensors").touch()
    write_json(tmp_path / "voice/accuracy.json", {"test": {"n": 4, "top1": 75.0}})
    settings = Settings(models=["acgan"])
    listed = {one.name: one for one in models_status(tmp_path, settings, tmp_path)}
    assert list(listed) == [*model_sections(), *recogniser_sections()]
    assert all(one.paper and one.about for one in listed.values())
    assert listed["acgan"].needs == "voice, trained first; sound at 16 kHz"
    assert listed["fegan"].needs.startswith("vnet, trained first; emotion")
    assert listed["wav2pix"].needs == ""
    assert (
        listed["mapping"].needs == "sincnet, trained first; sound at 16 kHz; faces.descriptor: true"
    )
    assert listed["sincnet"].needs == "sound at 16 kHz"
    for name, one in {n: entry(n) for n in model_sections()}.items():
        assert one.section.rate_hz == getattr(one.build, "rate_hz", None), name
    for name, one in {n: recogniser(n) for n in recogniser_sections()}.items():
        assert one.section.rate_hz == getattr(one.build, "rate_hz", None), name
    assert [name for name, one in listed.items() if one.wanted] == ["acgan", "voice"]
    assert listed["voice"].trained_steps == 5
    assert listed["voice"].headline == {"speaker/test": 75.0}
    write_json(tmp_path / "voice/accuracy.json", {})
    with pytest.raises(VoicefaceError, match=r"accuracy\.json: not the accuracy of a recogniser"):
        models_status(tmp_path, settings, tmp_path)
