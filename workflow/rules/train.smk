# One model. Its checkpoints lie in a folder that is no output: Snakemake deletes a job's outputs
# before it runs it again, and a killed training is to go on from its last checkpoint.


rule train:
    input:
        expand("data/packed/{split}/pack.json", split=SPLITS),
        begin_with=PLAN.begin_with,
    output:
        "models/{model}/generator.safetensors",
        "models/{model}/model.json",
        "models/{model}/README.md",
        "models/{model}/history.parquet",
        "models/{model}/grid.png",
    log:
        "logs/train/{model}.log",
    conda:
        "../../envs/train.yaml"
    threads: workflow.cores
    resources:
        gpu=PLAN.settings.train.devices,
    params:
        **PLAN.stage("train"),
        model_config=PLAN.model_section,
        launch=PLAN.launch,
    shell:
        "{params.launch} -m voiceface.stages.train --config={params.config:q}"
        " --model-config={params.model_config:q} --model={wildcards.model} --packed=data/packed"
        " --begin-with={input.begin_with} --output=models/{wildcards.model} &> {log}"
