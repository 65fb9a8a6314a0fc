"""Where things lie in a project's folder (DESIGN: the way of the data)."""

from pathlib import Path

CONFIG = Path("config.yaml")
SOURCES = Path("manifests/sources.csv")
TAKEDOWNS = Path("manifests/takedowns.csv")
VIDEO_LIST = Path("manifests/videos.csv")
SAMPLES = Path("data/samples")
GATHERED = Path("data/gathered.parquet")
OUTSIDE = Path("data/outside.parquet")
MANIFEST = Path("manifests/samples.parquet")
FUNNEL = Path("manifests/funnel.parquet")
PEOPLE = Path("manifests/people.parquet")
DATASET = Path("manifests/dataset.parquet")
REVIEWS = Path("manifests/reviews")
FACES_SEEN = Path("manifests/faces-seen")
COPIES_SEEN = Path("data/review/seen")
RUBRIC = Path("manifests/rubric.md")
"""The curators' own rules by which they decide; need not be there."""
MEDIA = Path("data/media")
OUTCOMES = Path("data/download")
DOWNLOADS = Path("data/downloads.parquet")
PACKED = Path("data/packed")
MODELS = Path("models")
REPORTS = Path("reports")
REPORT = REPORTS / "index.html"
RESULTS = REPORTS / "experiments"
