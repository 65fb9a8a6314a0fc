# One model. Its checkpoints lie in a folder that is no output: Snakemake deletes a job's outputs
# before it runs it again, and a killed training is to go on from its last checkpoint. Weights of the
# user's own are not local(): what reads such a file runs where Snakemake does, without a pod's GPU.


rule train:
    input:
        PLAN.packed_parts(PACK),
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
        mem_mb=growing(8000),
        runtime=growing(1440),
        gpu=PLAN.settings.train.devices,
    params:
        code=PLAN.code("train"),
        config=PLAN.section_of_run("train"),
        model_code=PLAN.model_code,
        model_config=PLAN.model_section,
        model=PLAN.model_name,
        packed=PLAN.packed,
        files=files,
        launch=PLAN.launch,
    shell:
        "{params.launch} -m voiceface.stages.train --config={params.config:q}"
        " --model-config={params.model_config:q} --model={params.model}"
        " --packed={params.files}/{params.packed} --begin-with={input.begin_with}"
        " --output={params.files}/models/{wildcards.model} &> {log}"
