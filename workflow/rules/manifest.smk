# All samples, joined with the curators' ledger. The ledger is an input and never an output. Tables
# of single videos are named by their folder: ten thousand names don't fit a command line.


rule manifest:
    input:
        videos=local(str(VIDEO_LIST)),
        downloads="data/downloads.parquet",
        outcomes=expand("data/download/{video}.json", video=PLAN.videos),
        timelines=expand("data/timeline/{video}.parquet", video=PLAN.videos),
        samples=expand("data/samples/{video}.parquet", video=PLAN.videos),
        reviews=sorted(
            local(str(path)) for path in Path("manifests/reviews").glob("*/*.jsonl")
        ),
    output:
        samples="manifests/samples.parquet",
        funnel="manifests/funnel.parquet",
        people="manifests/people.parquet",
    log:
        "logs/manifest.log",
    conda:
        "../../envs/dataset.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        **PLAN.stage("manifest"),
        files=files,
    shell:
        "python -m voiceface.stages.manifest --config={params.config:q} --videos={input.videos}"
        " --downloads={params.files}/data/download --timelines={params.files}/data/timeline"
        " --samples={params.files}/data/samples --reviews=manifests/reviews"
        " --output={output.samples} --funnel={output.funnel} --people={output.people} &> {log}"
