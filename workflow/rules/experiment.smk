# What is compared, from the metrics of all runs; only what is asked for by name is made anew.


from voiceface.experiments import ALL, table_of
from voiceface.layout import REPORT


rule experiment:
    input:
        metrics=PLAN.experiment_metrics,
        dataset="manifests/dataset.parquet",
    output:
        "reports/experiments/{experiment}/about.json",
        "reports/experiments/{experiment}/table.parquet",
        "reports/experiments/{experiment}/table.csv",
    log:
        "logs/experiment/{experiment}.log",
    wildcard_constraints:
        experiment="|".join(PLAN.lab.made) or "-",
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=PLAN.code("experiment"),
        config=PLAN.experiment,
        runs=PLAN.experiment_runs,
        files=files,
    shell:
        "python -m voiceface.stages.experiment --config={params.config:q} --runs={params.runs:q}"
        " --dataset={input.dataset} --reports={params.files}/reports"
        " --output={params.files}/reports/experiments/{wildcards.experiment} &> {log}"


# A name that asks for tables of experiments, and for the report that shows them.
for label, wanted in {
    **{one: [one] for one in PLAN.lab.experiments},
    ALL: PLAN.lab.experiments,
}.items():

    rule:
        name:
            label
        input:
            [str(table_of(one)) for one in wanted],
            str(REPORT),
        localrule: True
