# Segment × face = sample, flagged by the thresholds; nothing is decoded here.


rule samples:
    input:
        speech="data/speech/{video}.parquet",
        faces="data/faces/{video}.parquet",
    output:
        "data/samples/{video}.parquet",
    log:
        "logs/samples/{video}.log",
    conda:
        "../../envs/dataset.yaml"
    resources:
        mem_mb=growing(400),
        runtime=growing(5),
    params:
        **PLAN.stage("samples"),
    shell:
        "python -m voiceface.stages.samples --config={params.config:q} --speech={input.speech}"
        " --faces={input.faces} --output={output} &> {log}"
