# Every metric of one model.


rule evaluate:
    input:
        expand("data/packed/{split}/{part}", split=SPLITS, part=PACK),
        "models/{model}/generator.safetensors",
        "models/{model}/model.json",
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
        **PLAN.stage("evaluate"),
        model_code=PLAN.model_code,
        files=files,
    shell:
        "python -m voiceface.stages.evaluate --config={params.config:q} --model={wildcards.model}"
        " --packed={params.files}/data/packed --models={params.files}/models"
        " --output={params.files}/reports/{wildcards.model} &> {log}"
