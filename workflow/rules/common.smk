# What every rule file uses: PLAN, with the checked settings, the videos, and PLAN.stage(); files();
# growing().

from pathlib import Path

from snakemake.exceptions import WorkflowError

from voiceface.errors import VoicefaceError
from voiceface.layout import VIDEO_LIST
from voiceface.tables import SPLITS
from voiceface.workflow import Plan, files_in, growing

try:
    PLAN = Plan(config)
except VoicefaceError as error:
    raise WorkflowError(str(error)) from None

PLAN.set_environment(Path(workflow.basedir))
files = files_in(workflow.storage_settings)


wildcard_constraints:
    video="[a-z0-9]+-[A-Za-z0-9_-]+",
    model="[a-z0-9_]+",
    split="|".join(SPLITS),
