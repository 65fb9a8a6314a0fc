# Every metric of one model.


rule evaluate:
    input:
        PLAN.packed_parts(PACK),
        PLAN.trained,
        weights=[local(path) for path in PLAN.metric_weights],
    output:
        "reports/{model}/metrics.json",
        "reports/{model}/generated.png",
    log:
        "logs/evaluate/{model}.log",
    conda:
        "../../envs/train.yaml"
    threads: workflow.cores
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
        gpu=1,
    params:
        code=PLAN.code("evaluate"),
        config=PLAN.section_of_run("evaluate"),
        model_code=PLAN.model_code,
        weights=PLAN.weights,
        packed=PLAN.packed,
        files=files,
    shell:
        "python -m voiceface.stages.evaluate --config={params.config:q} --model={params.weights}"
        " --packed={params.files}/{params.packed} --models={params.files}/models"
        " --output={params.files}/reports/{wildcards.model} &> {log}"
