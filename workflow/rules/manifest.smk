# All samples, joined with the curators' ledger. The ledger is an input and never an output.


rule manifest:
    input:
        videos=local(str(VIDEO_LIST)),
        gathered="data/gathered.parquet",
        outside="data/outside.parquet",
        reviews=sorted(
            local(str(path)) for path in Path("manifests/reviews").glob("*/*.jsonl")
        ),
    output:
        samples="manifests/samples.parquet",
        funnel="manifests/funnel.parquet",
    log:
        "logs/manifest.log",
    conda:
        "../../envs/dataset.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        **PLAN.stage("manifest"),
    shell:
        "python -m voiceface.stages.manifest --config={params.config:q} --videos={input.videos}"
        " --gathered={input.gathered} --outside={input.outside} --reviews=manifests/reviews"
        " --output={output.samples} --funnel={output.funnel} &> {log}"
