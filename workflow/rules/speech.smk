# The sound of a video: voiced segments of 4 s, their chunks, and where the rest of the time went.


rule speech:
    input:
        media="data/media/{video}.mkv",
        outcome="data/download/{video}.json",
    output:
        speech="data/speech/{video}.parquet",
        chunks="data/chunks/{video}.parquet",
        timeline="data/timeline/{video}.parquet",
    log:
        "logs/speech/{video}.log",
    conda:
        "../../envs/dataset.yaml"
    resources:
        mem_mb=growing(800),
        runtime=growing(5),
    params:
        **PLAN.stage("speech"),
        clips=PLAN.clips,
    shell:
        "python -m voiceface.stages.speech --config={params.config:q} --video={wildcards.video}"
        " --media={input.media} --outcome={input.outcome} --output={output.speech}"
        " --chunks={output.chunks} --timeline={output.timeline} --clips={params.clips:q} &> {log}"
