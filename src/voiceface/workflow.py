"""What the Snakefile needs of the package: settings as text, code digests, the list of videos."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from voiceface.codehash import code_digest
from voiceface.config import ModelSection, Settings, parse_section
from voiceface.errors import VoicefaceError
from voiceface.layout import OUTCOMES, VIDEO_LIST
from voiceface.sources import built_videos, read_videos, with_licence

VOICE_EMBEDDING = "models/voice/encoder.safetensors"
VOICE_ACCURACY = "models/voice/accuracy.json"


class Plan:
    """The checked settings and the videos, as the rules use them.

    Raises:
        VoicefaceError: a setting is wrong, or there is no list of videos yet.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        self.settings = parse_section(Settings, config, "config.yaml")
        if not VIDEO_LIST.exists():
            raise VoicefaceError(f"{VIDEO_LIST}: no such file; make it with `voiceface resolve`")
        listed = read_videos(VIDEO_LIST)
        if with_licence(listed, self.settings.resolve.require_licence) != listed:
            raise VoicefaceError(
                f"{VIDEO_LIST}: was made with another resolve.require_licence; run"
                " `voiceface build` once, or `voiceface resolve`"
            )
        built = built_videos(VIDEO_LIST, OUTCOMES)
        self.videos = [row.video for row in built]
        self._clips = {row.video: row.clips for row in built if row.clips}
        self.models = self.settings.models
        ours = "acgan" in self.models and self.settings.acgan.embedding is None
        self.voice_accuracy = [VOICE_ACCURACY] if ours else []
        self.launch = _launcher(self.settings.train.devices)

    def section(self, name: str | None = None) -> str:
        """A section of the settings, or all of them, as JSON: equal settings, equal text."""
        values = self.settings.model_dump(mode="json")
        return json.dumps(values if name is None else values[name], sort_keys=True)

    def stage(self, name: str) -> dict[str, str]:
        """What a stage's result depends on besides its input files: its code and its settings."""
        return {"code": self.code(name), "config": self.section(name)}

    def clips(self, wildcards: Any) -> str:
        """The stretches to use of the video that a job is for, as in sources.csv; empty: all."""
        return self._clips.get(wildcards.video, "")

    def model_section(self, wildcards: Any) -> str:
        """The settings of the model that a job is for.

        Raises:
            VoicefaceError: there is no such model.
        """
        if not isinstance(getattr(self.settings, wildcards.model, None), ModelSection):
            raise VoicefaceError(f"{wildcards.model}: no such model; `voiceface models` lists them")
        return self.section(wildcards.model)

    def begin_with(self, wildcards: Any) -> list[str]:
        """The weights that the model that a job is for takes as trained before."""
        if wildcards.model != "acgan":
            return []
        return [self.settings.acgan.embedding or VOICE_EMBEDDING]

    def code(self, name: str) -> str:
        """Digest of the code of a stage."""
        return code_digest(f"voiceface.stages.{name}")

    def set_environment(self, root: Path) -> None:
        """Give the jobs what they take from the environment.

        Args:
            root: the folder of the workflow, with the package under `src`.
        """
        # Rules call `python`: the one that runs Snakemake, unless a conda environment is asked for.
        # In either, the package is found where the workflow lies.
        python = str(Path(sys.executable).parent)
        os.environ["PATH"] = os.pathsep.join([python, os.environ.get("PATH", "")])
        os.environ["PYTHONPATH"] = str(root.resolve() / "src")
        # How to download makes no video stale that is here: these settings take this way, which
        # Snakemake does not compare.
        os.environ["VOICEFACE_DOWNLOAD"] = self.section("download")
        os.environ["VOICEFACE_LOCAL_ROOTS"] = json.dumps(self.settings.resolve.local_roots)


def _launcher(devices: int) -> str:
    """What starts the training: a process, or one for each device."""
    torchrun = f"torchrun --standalone --nproc-per-node={devices}"
    return "python" if devices == 1 else torchrun
