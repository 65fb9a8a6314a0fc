"""How much the studio takes and keeps."""

LEAST_S = 1.0
"""Speech that any model waits for, in seconds: the shortest that the evaluation draws from."""

MOST_S = 60.0
"""Longest recording and longest file, in seconds."""

MOST_FILE_BYTES = 64 << 20

MOST_TABS = 8

RATES_HZ = (8_000, 192_000)
"""Sample rates of a microphone."""
