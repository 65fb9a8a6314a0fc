# What every rule file uses: PLAN, with the checked settings, the videos, and PLAN.stage().

from pathlib import Path

from snakemake.exceptions import WorkflowError

from voiceface.errors import VoicefaceError
from voiceface.layout import VIDEO_LIST
from voiceface.tables import SPLITS
from voiceface.workflow import Plan

try:
    PLAN = Plan(config)
except VoicefaceError as error:
    raise WorkflowError(str(error)) from None

PLAN.set_environment(Path(workflow.basedir))


wildcard_constraints:
    video="[a-z0-9]+-[A-Za-z0-9_-]+",
    model="[a-z0-9_]+",
    split="|".join(SPLITS),
