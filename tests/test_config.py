"""Settings: what is wrong is said in one line, and nothing starts with a wrong one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from voiceface.config import Settings, Speech, load_settings, parse_section, settings_schema
from voiceface.errors import VoicefaceError
from voiceface.sources import source_schema

ROOT = Path(__file__).parents[1]


def test_config_yaml_holds_every_key_with_its_default() -> None:
    shipped = yaml.safe_load((ROOT / "config.yaml").read_text())
    assert shipped == Settings().model_dump(mode="json")


def test_the_published_schemas_are_those_of_the_classes() -> None:
    schemas = ROOT / "workflow" / "schemas"
    assert (schemas / "config.schema.json").read_text() == settings_schema()
    assert (schemas / "sources.schema.json").read_text() == source_schema()


def test_every_setting_says_what_it_means() -> None:
    for name, field in Settings.model_fields.items():
        for key, setting in getattr(field.annotation, "model_fields", {}).items():
            assert setting.description, f"{name}.{key}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("speech: {min_voised: 0.8}", r"speech\.min_voised: unknown key"),
        ("speech: {min_voiced: many}", r"speech\.min_voiced: .*number.*'many'"),
        ("speech: {min_voiced: 1.2}", r"speech\.min_voiced: .*less than or equal to 1.*1\.2"),
        ("speech: {vad_mode: 7}", r"speech\.vad_mode: .*0, 1, 2 or 3.*7"),
        ("faces: {size: '128'}", r"faces\.size: .*integer.*'128'"),
        ("speach: {}", r"speach: unknown key"),
        ("models: [gan2000]", r"models\.0: .*'gan2000'"),
        ("- a", "must be sections of keys, not list"),
        ("a: [", "not YAML"),
    ],
)
def test_a_wrong_setting_is_one_line_with_key_value_and_mend(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(VoicefaceError, match=words) as caught:
        load_settings(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_all_wrong_settings_are_reported_at_once() -> None:
    with pytest.raises(VoicefaceError, match=r"vad_mode.*min_voiced"):
        parse_section(Speech, {"vad_mode": 9, "min_voiced": -1})


def test_snakemake_itself_stops_at_a_typo_before_any_job(tmp_path: Path) -> None:
    settings = yaml.safe_load((ROOT / "config.yaml").read_text())
    settings["faces"]["siez"] = 3
    (tmp_path / "config.yaml").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "snakemake", "-n", "--snakefile", str(ROOT / "Snakefile")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "faces.siez: unknown key" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
