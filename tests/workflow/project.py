"""A project folder to run the real workflow in."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from voiceface.config import load_settings
from voiceface.layout import VIDEO_LIST

ROOT = Path(__file__).parents[2]
COLUMNS = ("speaker", "gender", "language", "location", "licence", "consent", "note")

QUICK: dict[str, Any] = {
    "wav2pix": {"steps": 6, "batch": 4},
    "evaluate": {"classifier_steps": 10, "voices_per_split": 4},
}
"""Settings that train for seconds: for tests of the line, not of the models."""


@dataclass
class Project:
    """A folder with the real Snakefile, a config and sources of its own."""

    folder: Path
    printed: str = ""

    @classmethod
    def make(
        cls, folder: Path, sources: list[dict[str, str]], settings: dict[str, Any] | None = None
    ) -> "Project":
        """Lay out a project; `settings` are laid over the shipped config."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("Snakefile", "workflow", "profiles", "envs"):
            (folder / name).symlink_to(ROOT / name)
        project = cls(folder)
        project.configure(settings or {})
        project.write_sources(sources)
        return project

    def configure(self, settings: dict[str, Any]) -> None:
        """Write config.yaml: the shipped one with `settings` laid over it, section by section."""
        values = load_settings(ROOT / "config.yaml").model_dump(mode="json")
        for name, section in settings.items():
            values[name] = {**values[name], **section} if isinstance(section, dict) else section
        (self.folder / "config.yaml").write_text(yaml.safe_dump(values))

    def write_sources(self, rows: list[dict[str, str]]) -> None:
        """Write manifests/sources.csv."""
        lines = [",".join(f'"{row.get(name, "")}"' for name in COLUMNS) for row in rows]
        path = self.folder / "manifests" / "sources.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join([",".join(COLUMNS), *lines, ""]))

    def voiceface(self, *arguments: str, fails: bool = False) -> str:
        """Run `voiceface` in the project; returns all that it printed."""
        return self._run([sys.executable, "-m", "voiceface", *arguments], fails)

    def snakemake(self, *arguments: str, fails: bool = False) -> str:
        """Run `snakemake` in the project; returns all that it printed."""
        return self._run([sys.executable, "-m", "snakemake", *arguments], fails)

    def videos(self) -> dict[str, str]:
        """Video id of each file, by the file's name."""
        from voiceface.sources import read_videos

        listed = read_videos(self.folder / VIDEO_LIST)
        return {Path(video.location).name: video.video for video in listed}

    def outcome(self, video: str) -> dict[str, Any]:
        """The download record of a video."""
        return json.loads((self.folder / "data" / "download" / f"{video}.json").read_text())

    def _run(self, command: list[str], fails: bool) -> str:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert bool(done.returncode) == fails, done.stdout[-3000:]
        assert "Traceback" not in done.stdout, done.stdout[-3000:]
        return done.stdout
