# The samples of all videos together, compared with each other. Tables of single videos are named by
# their folder: ten thousand names don't fit a command line.


rule gather:
    input:
        videos=local(str(VIDEO_LIST)),
        downloads="data/downloads.parquet",
        outcomes=expand("data/download/{video}.json", video=PLAN.videos),
        timelines=expand("data/timeline/{video}.parquet", video=PLAN.videos),
        samples=expand("data/samples/{video}.parquet", video=PLAN.videos),
    output:
        gathered="data/gathered.parquet",
        outside="data/outside.parquet",
        people="manifests/people.parquet",
    log:
        "logs/gather.log",
    conda:
        "../../envs/dataset.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        **PLAN.stage("gather"),
        files=files,
    shell:
        "python -m voiceface.stages.gather --config={params.config:q} --videos={input.videos}"
        " --downloads={params.files}/data/download --timelines={params.files}/data/timeline"
        " --samples={params.files}/data/samples --output={output.gathered}"
        " --outside={output.outside} --people={output.people} &> {log}"
