# The voice embedding that acgan begins with, learnt by telling speakers apart.


ruleorder: voice > train


rule voice:
    input:
        expand("data/packed/{split}/{part}", split=SPLITS, part=PACK),
    output:
        "models/voice/encoder.safetensors",
        "models/voice/model.json",
        "models/voice/README.md",
        "models/voice/history.parquet",
        "models/voice/accuracy.json",
    log:
        "logs/train/voice.log",
    conda:
        "../../envs/train.yaml"
    threads: workflow.cores
    resources:
        mem_mb=growing(8000),
        runtime=growing(1440),
        gpu=PLAN.settings.train.devices,
    params:
        code=PLAN.code("voice"),
        config=PLAN.section("train"),
        voice_config=PLAN.section("voice"),
        files=files,
        launch=PLAN.launch,
    shell:
        "{params.launch} -m voiceface.stages.voice --config={params.config:q}"
        " --voice-config={params.voice_config:q} --packed={params.files}/data/packed"
        " --output={params.files}/models/voice &> {log}"
