"""Settings: what is wrong is said in one line, and nothing starts with a wrong one."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from voiceface.config import Settings, Speech, load_settings, result_settings, settings_schema
from voiceface.errors import VoicefaceError
from voiceface.section import parse_section
from voiceface.sources import source_schema
from voiceface.takedowns import takedown_schema

ROOT = Path(__file__).parents[1]


def test_config_yaml_holds_every_key_with_its_default() -> None:
    shipped = yaml.safe_load((ROOT / "config.yaml").read_text())
    assert shipped == Settings().model_dump(mode="json")


def test_the_published_schemas_are_those_of_the_classes() -> None:
    schemas = ROOT / "workflow" / "schemas"
    assert (schemas / "config.schema.json").read_text() == settings_schema()
    assert (schemas / "sources.schema.json").read_text() == source_schema()
    assert (schemas / "takedowns.schema.json").read_text() == takedown_schema()


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
        ("train: {seed: 2020-01-01}", r"train\.seed: must be .*not the date 2020-01-01"),
        ("train: {seed: 2020-13-45}", "not YAML"),
        ("resolve: {local_roots: !!set {a}}", r"resolve\.local_roots: .*not the set"),
        ("models: [!!binary aGk=]", r"models\.0: .*not the bytes"),
        ("2020-01-01: 3", r"2020-01-01: unknown key"),
        ("train: &a {seed: *a}", "a value holds itself"),
        ("faces: {margin: .nan}", r"faces\.margin: .*nan"),
        ("samples: {min_snr_db: -.inf}", r"samples\.min_snr_db: .*finite.*-inf"),
        ("wav2pix: {lr_generator: .inf}", r"wav2pix\.lr_generator: .*finite.*inf"),
        ("train: {seed: -1}", r"train\.seed: .*-1"),
        ("evaluate: {seed: 2147483648}", r"evaluate\.seed: .*2147483648"),
        ("evaluate: {seconds: [0.0]}", r"evaluate\.seconds\.0: .*0\.1.*not 0\.0"),
        ("dataset: {seed: 2147483648}", r"dataset\.seed: .*2147483648"),
        ("speech: {chunk_s: 0.01}", r"speech: chunk_s must be .*30 ms.*not 0\.01 s"),
        ("speech: {segment_s: 2, chunk_s: 2.5}", r"speech: chunk_s must be .*2 s\).*not 2\.5 s"),
        ("{models: [fegan], vnet: {front_end: mfcc}}", r"fegan\.front_end is fbank, .* both alike"),
        (
            "{models: [modern], speech: {sample_rate_hz: 32000}}",
            r"modern takes .* 16000 .*32000; set",
        ),
        ("{recognisers: [sincnet], speech: {sample_rate_hz: 8000}}", r"sincnet takes .*16000 Hz"),
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


def test_only_settings_that_change_results_are_told_as_such() -> None:
    def told(**sections: dict[str, object]) -> str:
        return result_settings(parse_section(Settings, sections))

    polite = {"retries": 9, "proxy": "http://me:secret@host:1", "cookies_file": "/home/me/jar"}
    reach = {"socket_timeout_s": 3.0, "proxy": "http://me:secret@host:1", "cookies_file": "jar"}
    assert told(download=polite, resolve=reach) == told()
    assert told(download={"format": "best"}) != told()
    assert told(resolve={"newest_per_channel": 2}) != told()
    assert told(train={"seed": 2}) != told()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [("siez", "3", "faces.siez: unknown key"), ("size", "2020-01-01", "faces.size: must be")],
)
def test_snakemake_itself_stops_at_a_wrong_setting_before_any_job(
    tmp_path: Path, key: str, value: str, words: str
) -> None:
    (tmp_path / "config.yaml").write_text(f"faces: {{{key}: {value}}}\n")
    command = [sys.executable, "-m", "snakemake", "-n", "--snakefile", str(ROOT / "Snakefile")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
