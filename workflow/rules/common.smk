# What every rule file uses: PLAN, with the checked settings, the videos, and PLAN.stage(); files();
# growing().

import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from voiceface.building.lock import hold_folder
from voiceface.building.tidy import tidy_up
from voiceface.config import recogniser_sections
from voiceface.errors import VoicefaceError
from voiceface.layout import VIDEO_LIST
from voiceface.tables import SPLITS
from voiceface.workflow import Plan, files_in, growing

try:
    # A bare `snakemake` begins as `voiceface build` does; a dry run and a cluster's jobs only look.
    runs = workflow.is_main_process and not workflow.output_settings.dryrun
    if runs and hold_folder():
        tidy_up()
    PLAN = Plan(config, sys.argv[1:] if workflow.is_main_process else None)
except (VoicefaceError, OSError) as error:
    raise WorkflowError(str(error)) from None

# A bare `snakemake` takes all cores; profiles/default can't say so, for it is laid over a cluster's
# profile.
if workflow.resource_settings.cores is None:
    workflow.resource_settings.cores = os.cpu_count() or 1
    workflow.global_resources["_cores"] = workflow.resource_settings.cores

# Of the Snakefile itself, if the project's folder has a link to it.
PLAN.set_environment(Path(workflow.main_snakefile).resolve().parent)
files = files_in(workflow.storage_settings)


wildcard_constraints:
    video="[a-z0-9]+-[A-Za-z0-9_-]+",
    model="[a-z0-9_]+(-[a-z0-9._-]+)?",
    recogniser=f"({'|'.join(recogniser_sections())})(-[a-z0-9._-]+)?",
    variant="[a-z0-9._-]+",
    split="|".join(SPLITS),
