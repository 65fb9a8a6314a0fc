# Videos of people who talk → curated (face, speech) pairs → trained, evaluated models → a report.
# `voiceface build` resolves the sources first and shows a live view; bare `snakemake --cores=all` does
# the same work whenever manifests/videos.csv is there.

from snakemake.utils import min_version

min_version("9.0")


configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/download.smk"
include: "workflow/rules/speech.smk"
include: "workflow/rules/faces.smk"
include: "workflow/rules/samples.smk"
include: "workflow/rules/gather.smk"
include: "workflow/rules/manifest.smk"
include: "workflow/rules/dataset.smk"
include: "workflow/rules/pack.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/voice.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/experiment.smk"
include: "workflow/rules/report.smk"


# Too small to be sent to a cluster.
localrules:
    all,
    dataset_only,
    models_only,
    downloads,


rule all:
    default_target: True
    input:
        "reports/index.html",
        # Snakemake alone leaves what was deleted as it is while all that was made of it is there.
        PLAN.missing(file for rule in workflow.rules for file in rule.output),


# The curated dataset alone, without training.
rule dataset_only:
    input:
        "manifests/dataset.parquet",
        PLAN.missing([*rules.download.output, *rules.samples.output]),


# The trained models, without their evaluation.
rule models_only:
    input:
        expand("models/{name}/model.json", name=[*PLAN.models, *PLAN.recognisers]),
