# The kept samples and their splits, with the proof that nothing leaks between them.


rule dataset:
    input:
        manifest="manifests/samples.parquet",
        people="manifests/people.parquet",
        samples=expand("data/samples/{video}.parquet", video=PLAN.videos),
    output:
        dataset="manifests/dataset.parquet",
        leakage="manifests/leakage.json",
    log:
        "logs/dataset.log",
    conda:
        "../../envs/dataset.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        **PLAN.stage("dataset"),
        files=files,
    shell:
        "python -m voiceface.stages.dataset --config={params.config:q} --manifest={input.manifest}"
        " --samples={params.files}/data/samples --people={input.people}"
        " --output={output.dataset} --leakage={output.leakage} &> {log}"


# The same with the settings of an experiment.
use rule dataset as dataset_variant with:
    output:
        dataset="manifests/dataset-{variant}.parquet",
        leakage="manifests/leakage-{variant}.json",
    log:
        "logs/dataset-{variant}.log",
    params:
        config=PLAN.variant_section,
