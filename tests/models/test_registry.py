"""The models by name: asking for one imports no other."""

import subprocess
import sys

import pytest

from voiceface.config import model_sections
from voiceface.errors import VoicefaceError
from voiceface.models import registry


def test_every_model_of_the_settings_is_in_the_registry() -> None:
    assert "wav2pix" in model_sections()
    for name in model_sections():
        assert registry.entry(name).paper


@pytest.mark.parametrize("name", ["foo", "saved", "../registry", "", "wav2pix.nn"])
def test_a_name_that_is_of_no_model_is_one_line(name: str) -> None:
    with pytest.raises(VoicefaceError, match="no such model; `voiceface models` lists them"):
        registry.entry(name)


def test_what_trains_and_draws_imports_no_model_until_it_is_asked_for() -> None:
    script = (
        "import sys, voiceface.stages.train, voiceface.stages.evaluate\n"
        "print('voiceface.models.wav2pix' in sys.modules)"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
