"""The errors a user is meant to read."""


class VoicefaceError(Exception):
    """An expected failure. Its text is one line: what is wrong, where, and how to mend it.

    Everything that is the user's to mend (bad input, bad config, a missing file) is raised as this;
    the command line prints the text alone and exits with 1. Any other exception is a defect.
    """
