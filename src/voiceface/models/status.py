"""Which models there are, and how far each is."""

from dataclasses import dataclass
from pathlib import Path

from voiceface import files
from voiceface.config import Settings, model_sections
from voiceface.errors import VoicefaceError
from voiceface.layout import TAKEDOWNS
from voiceface.models.provenance import trained_on
from voiceface.models.registry import entry
from voiceface.takedowns import read_takedowns


@dataclass(frozen=True)
class ModelStatus:
    """One model, as `voiceface models` lists it."""

    name: str
    paper: str
    about: str
    """What it draws from, and how."""
    wanted: bool
    """Whether the config asks for it."""
    trained_steps: int | None
    """Steps of the trained model; None where there is none."""
    taken_down: bool
    """Whether it was trained on what was taken down since: `voiceface build` trains it anew."""
    headline: dict[str, float]
    """The main metrics of its drawings, where it is evaluated: "identity/test" and so on."""


def models_status(
    models: Path, settings: Settings, reports: Path = Path("reports")
) -> list[ModelStatus]:
    """Every model of the registry, with what lies in the folders of models and of reports.

    Raises:
        VoicefaceError: a model's card or metrics are damaged.
    """
    down = trained_on(models, read_takedowns(TAKEDOWNS).videos)
    return [
        ModelStatus(
            name,
            entry(name).paper,
            entry(name).about,
            name in settings.models,
            _trained_steps(models / name),
            name in down,
            _headline(reports / name / "metrics.json"),
        )
        for name in model_sections()
    ]


def _trained_steps(folder: Path) -> int | None:
    if not (folder / "generator.safetensors").is_file() or not (folder / "model.json").is_file():
        return None
    path = folder / "model.json"
    card = files.read_json(path)
    try:
        return int(card["steps"])
    except (KeyError, TypeError, ValueError) as error:
        raise VoicefaceError(
            f"{path}: not the card of a model ({error!r}); delete it and build again"
        ) from None


def _headline(path: Path) -> dict[str, float]:
    if not path.is_file():
        return {}
    whole = files.read_json(path)
    try:
        return {
            f"{name}/{split}": float(value["generated"])
            for name, split in whole["headlines"]
            if (value := whole["metrics"][name]["values"][split])["generated"] is not None
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise VoicefaceError(
            f"{path}: not the metrics of this version ({error!r}); delete it and build again"
        ) from None
