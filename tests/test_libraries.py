"""Which libraries' versions a stage's result depends on."""

from importlib import metadata
from pathlib import Path

import pytest

from voiceface.building.progress import STAGES
from voiceface.codehash import used_libraries
from voiceface.config import model_sections, recogniser_sections
from voiceface.errors import VoicefaceError
from voiceface.libraries import LOCK, SHOWN, pinned, read_pins
from voiceface.models.registry import module_of

MODULES = [f"voiceface.stages.{name}" for name in STAGES]
MODULES += map(module_of, [*model_sections(), *recogniser_sections()])


@pytest.mark.parametrize("module", MODULES)
def test_each_library_of_the_code_is_pinned_by_the_name_that_installs_it(module: str) -> None:
    used = used_libraries(module) - {"pydantic"}
    told = [pin.split("==")[0] for pin in pinned(used, read_pins(LOCK)).split()]
    files = [file for name in told for file in metadata.files(name) or []]
    assert len(told) == len(used)
    assert used <= {file.parts[0].partition(".")[0] for file in files}


def test_what_the_report_shows_is_pinned() -> None:
    assert pinned(SHOWN, read_pins(LOCK)).count("==") == len(SHOWN)


def test_only_what_is_named_counts_and_its_name_is_normalised(tmp_path: Path) -> None:
    lock = tmp_path / LOCK.name
    lock.write_text("# a comment\nface_recognition_models==0.3.0\nPyYAML==6.0.3 ; extra\nav==1\n")
    used = {"face_recognition_models", "av", "pydantic"}
    assert pinned(used, read_pins(lock)) == "av==1 face-recognition-models==0.3.0"
    with pytest.raises(VoicefaceError, match="no line with the version of dlib-bin"):
        pinned({"dlib"}, read_pins(lock))
    with pytest.raises(VoicefaceError, match="no such file"):
        read_pins(tmp_path / "none")
