# One page that shows it all.

import os

from voiceface import reporting
from voiceface.config import result_settings
from voiceface.layout import RUBRIC
from voiceface.libraries import SHOWN, pinned

PAGE = f"{os.path.relpath(reporting.__path__[0])}/page"


rule report:
    input:
        manifest="manifests/samples.parquet",
        funnel="manifests/funnel.parquet",
        dataset="manifests/dataset.parquet",
        leakage="manifests/leakage.json",
        people="manifests/people.parquet",
        faces=expand("data/faces/{video}.parquet", video=PLAN.videos),
        models=expand(
            "models/{model}/{part}",
            model=PLAN.models,
            part=["model.json", "history.parquet", "grid.png"],
        ),
        metrics=expand(
            "reports/{model}/{part}",
            model=PLAN.models,
            part=["metrics.json", "generated.png"],
        ),
        recognisers=expand(
            "models/{recogniser}/accuracy.json", recogniser=PLAN.recognisers
        ),
        experiments=[str(table_of(name)) for name in PLAN.lab.shown],
        rubric=[local(str(RUBRIC))] if RUBRIC.exists() else [],
        page=[local(f"{PAGE}.html"), local(f"{PAGE}.css")],
    output:
        "reports/index.html",
    log:
        "logs/report.log",
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        **PLAN.stage("report"),
        settings=result_settings(PLAN.settings),
        names=",".join(PLAN.models),
        recognisers=",".join(PLAN.recognisers),
        experiments=",".join(PLAN.lab.shown),
        versions=pinned(SHOWN, PLAN.pins),
        files=files,
    shell:
        "python -m voiceface.stages.report --config={params.config:q} --settings={params.settings:q}"
        " --manifest={input.manifest} --funnel={input.funnel} --dataset={input.dataset}"
        " --leakage={input.leakage} --people={input.people} --faces={params.files}/data/faces"
        " --models={params.files}/models --reports={params.files}/reports --names={params.names}"
        " --recognisers={params.recognisers}"
        " --experiments={params.experiments}"
        " --rubric=manifests/rubric.md --output={output} &> {log}"
