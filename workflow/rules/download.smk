# A video's file, and the record of how that went. Of the settings only the format makes it stale,
# and no code does: an edit must not fetch everything again.


rule download:
    input:
        videos=ancient(str(VIDEO_LIST)),
    output:
        media="data/media/{video}.mkv",
        outcome="data/download/{video}.json",
    log:
        "logs/download/{video}.log",
    conda:
        "../../envs/dataset.yaml"
    resources:
        youtube=1,
    params:
        format=PLAN.settings.download.format,
    shell:
        'python -m voiceface.stages.download --config="$VOICEFACE_DOWNLOAD"'
        " --video={wildcards.video} --videos={input.videos} --media={output.media}"
        " --outcome={output.outcome} &> {log}"


envvars:
    "VOICEFACE_DOWNLOAD",


# All outcomes together; stops the build when too many videos are lost.
rule downloads:
    input:
        videos=str(VIDEO_LIST),
        outcomes=expand("data/download/{video}.json", video=PLAN.videos),
    output:
        "data/downloads.parquet",
    log:
        "logs/downloads.log",
    conda:
        "../../envs/dataset.yaml"
    params:
        **PLAN.stage("downloads", "download"),
    shell:
        "python -m voiceface.stages.downloads --config={params.config:q} --videos={input.videos}"
        " --outcomes=data/download --output={output} &> {log}"
