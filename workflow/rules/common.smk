# What every rule file uses: the checked settings, the list of videos, and stage().

import json
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from voiceface.codehash import code_digest
from voiceface.config import Settings, parse_section
from voiceface.errors import VoicefaceError
from voiceface.sources import built_videos
from voiceface.tables import SPLITS

# Rules call `python`: the one that runs Snakemake, unless a conda environment is asked for.
# In either, the package is found where this workflow lies.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
os.environ["PYTHONPATH"] = str(Path(workflow.basedir).resolve() / "src")

VIDEO_LIST = "manifests/videos.csv"

try:
    SETTINGS = parse_section(Settings, config, "config.yaml")
    if not Path(VIDEO_LIST).exists():
        raise VoicefaceError(f"{VIDEO_LIST}: no such file; make it with `voiceface resolve`")
    VIDEOS = [row.video for row in built_videos(Path(VIDEO_LIST), Path("data/download"))]
except VoicefaceError as error:
    raise WorkflowError(str(error)) from None

MODELS = SETTINGS.models


wildcard_constraints:
    video="[a-z0-9]+-[A-Za-z0-9_-]+",
    model="[a-z0-9_]+",
    split="|".join(SPLITS),


def section(name):
    """A section of the settings as JSON with sorted keys: equal settings, equal text."""
    return json.dumps(SETTINGS.model_dump(mode="json")[name], sort_keys=True)


def stage(name, key=None):
    """What a stage's result depends on besides its input files: its code and its settings.

    The settings are the section of the same name, or `key`.
    """
    return {"code": code_digest(f"voiceface.stages.{name}"), "config": section(key or name)}


# How politely to download changes no video, so these settings make none stale: the rule gets them
# through the environment, which Snakemake does not compare.
os.environ["VOICEFACE_DOWNLOAD"] = section("download")


def model_section(wildcards):
    """The model's own settings, as JSON."""
    return section(wildcards.model)
