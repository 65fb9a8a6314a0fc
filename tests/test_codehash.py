"""Code digests: an edit makes stale exactly the stages that use the edited code."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import voiceface
from voiceface.codehash import used_libraries

SOURCE = Path(voiceface.__file__).parent


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package that may be edited."""
    shutil.copytree(SOURCE, tmp_path / "voiceface", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "voiceface"


def _digests(package: Path, *stages: str) -> list[str]:
    """Digests as a new process computes them, with the copy in place of the package."""
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from voiceface.codehash import code_digest\n"
        "for name in sys.argv[2:]: print(code_digest(f'voiceface.stages.{name}'))"
    )
    command = [sys.executable, "-c", script, str(package.parent), *stages]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.split()


def test_an_edited_helper_changes_the_stages_that_import_it_and_no_other(package: Path) -> None:
    before = _digests(package, "speech", "faces")
    helper = package / "media" / "vad.py"
    helper.write_text(
        helper.read_text().replace("np.flatnonzero(good)", "np.flatnonzero(good) + 1")
    )
    speech, faces = _digests(package, "speech", "faces")
    assert speech != before[0]
    assert faces == before[1]


def test_a_new_setting_or_column_of_one_stage_changes_no_other(package: Path) -> None:
    stages = (
        "speech", "faces", "samples", "gather", "manifest", "dataset", "pack", "train", "evaluate",
    )  # fmt: skip
    before = _digests(package, *stages)

    def changed(module: str, old: str, new: str) -> set[str]:
        path = package / module
        whole = path.read_text()
        assert old in whole
        path.write_text(whole.replace(old, new, 1))
        after = _digests(package, *stages)
        path.write_text(whole)
        return {stage for stage, one, two in zip(stages, before, after, strict=True) if one != two}

    key = "    size: Annotated[int, Field(ge=32, le=1024)] = 128\n"
    assert changed("config.py", key, key + "    new: int = 1\n") == {"faces"}
    shared = "Fraction = Annotated[float, Field(ge=0, le=1)]"
    narrower = shared.replace("le=1", "le=0.5")
    assert {"speech", "samples", "dataset"} <= changed("section.py", shared, narrower)
    columns = 'for name in ("sample", "speaker", "gender", "emotion"'
    wider = columns + ', "language"'
    assert changed("tables.py", columns, wider) == {"pack", "train", "evaluate"}
    # What a module does when it is imported counts for all that import it.
    assert changed("ids.py", "import re\n", "import re\nre.purge()\n") >= {"speech", "samples"}


def test_a_stage_uses_the_libraries_that_its_code_reaches() -> None:
    speech, faces = (used_libraries(f"voiceface.stages.{name}") for name in ("speech", "faces"))
    assert {"webrtcvad", "silero_vad", "av", "numpy", "pyarrow"} <= speech
    assert {"dlib", "face_recognition_models", "cv2"} <= faces
    assert not speech & {"dlib", "cv2", "torch", "yt_dlp", "json"}
    assert not faces & {"webrtcvad", "silero_vad", "torch", "yt_dlp"}


def test_taking_a_digest_imports_none_of_what_it_reads() -> None:
    script = (
        "import sys\n"
        "from voiceface.codehash import code_digest\n"
        "code_digest('voiceface.stages.train'), code_digest('voiceface.stages.faces')\n"
        "print({'torch', 'numpy', 'pyarrow'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "set()"


def test_comments_docstrings_and_layout_change_nothing(package: Path) -> None:
    before = _digests(package, "speech")
    helper = package / "media" / "vad.py"
    text = helper.read_text().replace('"""Voiced segments', '"""Other words', 1)
    helper.write_text("# a comment\n\n\n" + text)
    assert _digests(package, "speech") == before


def test_threads_may_take_digests_at_a_time() -> None:
    # CPython 3.11's parser fails when another thread parses, too, while it collects garbage.
    script = (
        "import gc, time\n"
        "from concurrent.futures import ThreadPoolExecutor as Pool\n"
        "from voiceface.codehash import code_digest\n"
        "gc.callbacks.append(lambda *_: time.sleep(1e-5)); gc.set_threshold(200)\n"
        "modules = ['voiceface.demo.video', 'voiceface.stages.faces', 'voiceface.stages.speech']\n"
        "with Pool(3) as pool: list(pool.map(code_digest, modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_dataset_stages_never_import_torch() -> None:
    stages = [
        "resolve",
        "download",
        "downloads",
        "speech",
        "faces",
        "samples",
        "gather",
        "manifest",
        "dataset",
        "pack",
    ]
    script = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]: importlib.import_module(f'voiceface.stages.{name}')\n"
        "print('torch' in sys.modules)"
    )
    command = [sys.executable, "-c", script, *stages]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"


def test_training_imports_no_dlib_yt_dlp_snakemake_nor_a_model_that_was_not_asked_for() -> None:
    script = (
        "import sys, voiceface.stages.train, voiceface.stages.evaluate\n"
        "others = ('dlib', 'yt_dlp', 'snakemake', 'voiceface.models.wav2pix')\n"
        "print([name for name in others if name in sys.modules])"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_every_init_is_empty() -> None:
    for path in SOURCE.rglob("__init__.py"):
        assert path.read_text() == "", path


def test_every_stage_is_a_module_with_a_rule_file() -> None:
    rules = {path.stem for path in (SOURCE.parents[1] / "workflow" / "rules").glob("*.smk")}
    for name in rules - {"common"}:
        assert importlib.util.find_spec(f"voiceface.stages.{name}"), name


@pytest.mark.parametrize(
    "line",
    [
        "from . import vad",
        "from voiceface.media.vad import *",
        "import voiceface.media.vad",
        "from voiceface import media",
    ],
)
def test_an_import_that_cannot_be_followed_is_an_error_and_never_unseen(
    package: Path, line: str
) -> None:
    speech = package / "stages" / "speech.py"
    speech.write_text(speech.read_text() + f"\n{line}\n")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        _digests(package, "speech")
    assert "UnfollowedImportError" in caught.value.stderr


def test_a_table_that_a_loop_fills_counts(package: Path) -> None:
    vad = package / "media" / "vad.py"
    vad.write_text(vad.read_text() + "\nTABLE = {}\nfor each in (1, 2):\n    TABLE[each] = 1\n")
    (before,) = _digests(package, "speech")
    vad.write_text(vad.read_text().replace("TABLE[each] = 1", "TABLE[each] = 2"))
    assert _digests(package, "speech") != [before]


def test_what_is_only_said_of_an_error_makes_nothing_stale(package: Path) -> None:
    before = _digests(package, "speech")
    errors = package / "errors.py"
    errors.write_text(errors.read_text().replace("the disk is full", "no room on the disk"))
    assert _digests(package, "speech") == before
