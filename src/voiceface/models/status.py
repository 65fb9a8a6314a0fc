"""Which models there are, and how far each is."""

from dataclasses import dataclass
from pathlib import Path

from voiceface import files
from voiceface.config import Settings, model_sections, recogniser_sections
from voiceface.errors import VoicefaceError
from voiceface.layout import TAKEDOWNS
from voiceface.model_config import ModelSection, TrainedSection
from voiceface.models.provenance import trained_on
from voiceface.models.registry import entry, recogniser
from voiceface.takedowns import read_takedowns


@dataclass(frozen=True)
class ModelStatus:
    """One model, as `voiceface models` lists it."""

    name: str
    paper: str
    about: str
    """What it draws from, and how; of a recogniser, what it hears."""
    needs: str
    """What it can't be trained without, in words; may be empty."""
    wanted: bool
    """Whether the config asks for it."""
    trained_steps: int | None
    """Steps of the trained model; None where there is none."""
    taken_down: bool
    """Whether it was trained on what was taken down since: `voiceface build` trains it anew."""
    headline: dict[str, float]
    """The main metrics, where it is evaluated: "identity/test" and so on; of a recogniser the
    unheard recordings that it names rightly, in percent."""


def models_status(
    models: Path, settings: Settings, reports: Path = Path("reports")
) -> list[ModelStatus]:
    """Every model, then every recogniser of speakers, with what lies in these folders of each.

    Raises:
        VoicefaceError: a model's card or metrics are damaged.
    """
    down = trained_on(models, read_takedowns(TAKEDOWNS).videos)
    drawing = [
        ModelStatus(
            name,
            (model := entry(name)).paper,
            model.about,
            _needs(getattr(settings, name), model.needs),
            name in settings.models,
            _trained_steps(models / name, "generator"),
            name in down,
            _headline(reports / name / "metrics.json"),
        )
        for name in model_sections()
    ]
    begun_with = {getattr(settings, name).begins_with for name in settings.models}
    telling = [
        ModelStatus(
            name,
            (teller := recogniser(name)).paper,
            teller.about,
            _needs(getattr(settings, name), teller.needs),
            name in begun_with.union(settings.recognisers),
            _trained_steps(models / name, "encoder"),
            name in down,
            _accuracy(models / name / "accuracy.json"),
        )
        for name in recogniser_sections()
    ]
    return [*drawing, *telling]


def _needs(section: TrainedSection, more: str) -> str:
    recogniser = section.begins_with if isinstance(section, ModelSection) else None
    before = f"{recogniser}, trained first" if recogniser else ""
    sound = f"sound at {section.rate_hz / 1000:g} kHz" if section.rate_hz else ""
    return "; ".join(filter(None, (before, sound, more)))


def _trained_steps(folder: Path, weights: str) -> int | None:
    if not (folder / f"{weights}.safetensors").is_file() or not (folder / "model.json").is_file():
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


def _accuracy(path: Path) -> dict[str, float]:
    if not path.is_file():
        return {}
    try:
        known = files.read_json(path)["test"]["top1"]
        return {} if known is None else {"speaker/test": float(known)}
    except (KeyError, TypeError, ValueError) as error:
        raise VoicefaceError(
            f"{path}: not the accuracy of a recogniser ({error!r}); delete it and build again"
        ) from None
