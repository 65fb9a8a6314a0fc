# A recogniser, which learns to tell speakers apart: some models begin with its voice embedding.


ruleorder: voice > train


rule voice:
    input:
        PLAN.packed_parts(PACK),
    output:
        "models/{recogniser}/encoder.safetensors",
        "models/{recogniser}/model.json",
        "models/{recogniser}/README.md",
        "models/{recogniser}/history.parquet",
        "models/{recogniser}/accuracy.json",
    log:
        "logs/train/{recogniser}.log",
    conda:
        "../../envs/train.yaml"
    threads: workflow.cores
    resources:
        mem_mb=growing(8000),
        runtime=growing(1440),
        gpu=PLAN.settings.train.devices,
    params:
        code=PLAN.code("voice"),
        config=PLAN.section_of_run("train"),
        model_code=PLAN.model_code,
        recogniser_config=PLAN.model_section,
        model=PLAN.model_name,
        packed=PLAN.packed,
        files=files,
        launch=PLAN.launch,
    shell:
        "{params.launch} -m voiceface.stages.voice --config={params.config:q}"
        " --recogniser-config={params.recogniser_config:q} --recogniser={params.model}"
        " --packed={params.files}/{params.packed}"
        " --output={params.files}/models/{wildcards.recogniser} &> {log}"
