# What every rule file uses: PLAN, with the checked settings, the videos, and PLAN.stage(); growing().

from pathlib import Path

from snakemake.exceptions import WorkflowError

from voiceface.errors import VoicefaceError
from voiceface.layout import VIDEO_LIST
from voiceface.tables import SPLITS
from voiceface.workflow import Plan, growing, where_files_lie

try:
    PLAN = Plan(config)
except VoicefaceError as error:
    raise WorkflowError(str(error)) from None

PLAN.set_environment(Path(workflow.basedir))

# Folders in a command line: of the project, or of the copies of what lies in S3.
FILES = where_files_lie(
    workflow.storage_settings.default_storage_prefix,
    workflow.storage_settings.local_storage_prefix,
)
DATA, MODELS, REPORTS = FILES / "data", FILES / "models", FILES / "reports"


wildcard_constraints:
    video="[a-z0-9]+-[A-Za-z0-9_-]+",
    model="[a-z0-9_]+",
    split="|".join(SPLITS),
