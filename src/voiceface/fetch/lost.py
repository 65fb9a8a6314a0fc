"""The error of a video or a list that could not be had."""

from typing import Literal


class Lost(Exception):
    """Something could not be had; the text is the true reason, in one line."""

    def __init__(
        self, reason: str, *, for_good: bool, missing: bool = False, mend: str = ""
    ) -> None:
        super().__init__(" ".join(f"{reason}; {mend}".removesuffix("; ").split()))
        self.mend = mend
        """What the user has to do before a new try can help; empty when nothing would."""
        self.for_good = for_good
        """Whether trying again is of no use."""
        self.missing = missing
        """Whether its site says that it is no longer there."""

    @property
    def status(self) -> Literal["unavailable", "blocked", "failed"]:
        """As in the record of a download."""
        if self.mend:
            return "blocked"
        return "unavailable" if self.for_good else "failed"
