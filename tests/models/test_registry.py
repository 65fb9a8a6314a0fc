"""The models by name: asking for one imports no other."""

import pytest

from voiceface.config import model_sections, recogniser_sections
from voiceface.errors import VoicefaceError
from voiceface.models import registry


def test_every_model_of_the_settings_is_in_the_registry() -> None:
    assert "wav2pix" in model_sections()
    for name in model_sections():
        assert registry.entry(name).paper


def test_every_recogniser_of_the_settings_is_in_the_registry_and_is_no_model() -> None:
    assert "voice" in recogniser_sections()
    for name in recogniser_sections():
        assert registry.recogniser(name).paper
        with pytest.raises(VoicefaceError, match="no such model"):
            registry.entry(name)


@pytest.mark.parametrize("name", ["foo", "saved", "../registry", "", "wav2pix.nn"])
def test_a_name_that_is_of_no_model_is_one_line(name: str) -> None:
    with pytest.raises(VoicefaceError, match="no such model; `voiceface models` lists them"):
        registry.entry(name)
