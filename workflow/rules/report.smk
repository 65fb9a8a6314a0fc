# One page that shows it all.

import os

from voiceface import reporting
from voiceface.config import result_settings


rule report:
    input:
        manifest="manifests/samples.parquet",
        funnel="manifests/funnel.parquet",
        dataset="manifests/dataset.parquet",
        leakage="manifests/leakage.json",
        people="manifests/people.parquet",
        faces=expand("data/faces/{video}.parquet", video=PLAN.videos),
        histories=expand("models/{model}/history.parquet", model=PLAN.models),
        voices=PLAN.voice_accuracy,
        metrics=expand("reports/{model}/metrics.json", model=PLAN.models),
        page=multiext(f"{os.path.relpath(reporting.__path__[0])}/page", ".html", ".css"),
    output:
        "reports/index.html",
    log:
        "logs/report.log",
    conda:
        "../../envs/train.yaml"
    params:
        **PLAN.stage("report"),
        settings=result_settings(PLAN.settings),
        names=",".join(PLAN.models),
    shell:
        "python -m voiceface.stages.report --config={params.config:q} --settings={params.settings:q}"
        " --manifest={input.manifest} --funnel={input.funnel} --dataset={input.dataset}"
        " --leakage={input.leakage} --people={input.people} --faces=data/faces --models=models"
        " --reports=reports --names={params.names} --output={output} &> {log}"
