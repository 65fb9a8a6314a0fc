"""What a model may name of itself beside what every one does, and what holds where it does not."""

from voiceface.models.registry import Trainable


def repeats(model: Trainable) -> bool:
    """`repeats`: whether sound that is too short for it is said again, not joined to the next."""
    return bool(getattr(model, "repeats", False))


def gender_of(model: Trainable) -> str:
    """`gender`: the one whose voices and faces it is made for, as in sources.csv; empty: all."""
    return str(getattr(model, "gender", ""))


def rate_factor(model: Trainable, epochs: float) -> float:
    """`rate_factor`: what the learning rates are multiplied by after so many epochs.

    A GPU's step is recorded anew for each factor: let there be few.
    """
    found = getattr(model, "rate_factor", None)
    return float(found(epochs)) if found else 1.0


def notes_of(model: Trainable) -> tuple[str, ...]:
    """`notes`: what its user should know of how it takes this data, a line each."""
    return tuple(getattr(model, "notes", ()))
