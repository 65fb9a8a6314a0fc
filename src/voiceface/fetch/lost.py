"""The error of a video or a list that could not be had."""

from typing import Literal


class Lost(Exception):
    """Something could not be had; the text is the true reason, in one line."""

    def __init__(self, reason: str, *, for_good: bool, missing: bool = False) -> None:
        super().__init__(" ".join(reason.split()))
        self.for_good = for_good
        """Whether trying again is of no use."""
        self.missing = missing
        """Whether its site says that it is no longer there."""

    @property
    def status(self) -> Literal["unavailable", "failed"]:
        """As in the record of a download."""
        return "unavailable" if self.for_good else "failed"
