# A video's file, and the record of how that went. Before a job runs again Snakemake deletes what it
# made, and a video may be gone upstream by then. So nothing here depends on code or settings: no
# params, the settings come through the environment, and an edit of the shell's text is the one thing
# that fetches every video again: leave it as it is.


rule download:
    input:
        videos=ancient(local(str(VIDEO_LIST))),
    output:
        media="data/media/{video}.mkv",
        outcome="data/download/{video}.json",
    log:
        "logs/download/{video}.log",
    priority: 50  # all are had, and counted, before the costly stages start
    conda:
        "../../envs/dataset.yaml"
    resources:
        mem_mb=growing(600),
        runtime=growing(15),
        youtube=1,
    shell:
        'python -m voiceface.stages.download --config="$VOICEFACE_DOWNLOAD"'
        " --video={wildcards.video} --videos={input.videos} --media={output.media}"
        ' --outcome={output.outcome} --local-roots="$VOICEFACE_LOCAL_ROOTS" &> {log}'


envvars:
    "VOICEFACE_DOWNLOAD",
    "VOICEFACE_LOCAL_ROOTS",


# All outcomes together; stops the build when too many videos are lost.
rule downloads:
    input:
        videos=local(str(VIDEO_LIST)),
        outcomes=expand("data/download/{video}.json", video=PLAN.videos),
    output:
        "data/downloads.parquet",
    log:
        "logs/downloads.log",
    priority: 100
    conda:
        "../../envs/dataset.yaml"
    params:
        code=PLAN.code("downloads"),
        max_lost_fraction=PLAN.settings.download.max_lost_fraction,
        files=files,
    shell:
        "python -m voiceface.stages.downloads --max-lost-fraction={params.max_lost_fraction}"
        " --videos={input.videos} --outcomes={params.files}/data/download --output={output} &> {log}"
