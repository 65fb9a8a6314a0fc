# One good frame of each voiced segment, and the face in it.


rule faces:
    input:
        media="data/media/{video}.mkv",
        outcome="data/download/{video}.json",
        speech="data/speech/{video}.parquet",
    output:
        "data/faces/{video}.parquet",
    log:
        "logs/faces/{video}.log",
    conda:
        "../../envs/dataset.yaml"
    resources:
        mem_mb=growing(1200),
        runtime=growing(15),
    params:
        **PLAN.stage("faces"),
        clips=PLAN.clips,
    # The landmarks' model is 65 MB, of which each face takes other parts: with the kernel's large
    # pages they are found at once (glibc from 2.35 on; elsewhere it is not read).
    shell:
        "GLIBC_TUNABLES=glibc.malloc.hugetlb=1"
        " python -m voiceface.stages.faces --config={params.config:q} --media={input.media}"
        " --outcome={input.outcome} --speech={input.speech} --output={output}"
        " --clips={params.clips:q} &> {log}"
