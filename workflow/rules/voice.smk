# The voice embedding that acgan begins with, learnt by telling speakers apart.


ruleorder: voice > train


rule voice:
    input:
        expand("data/packed/{split}/pack.json", split=SPLITS),
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
        gpu=PLAN.settings.train.devices,
    params:
        code=PLAN.code("voice"),
        config=PLAN.section("train"),
        voice_config=PLAN.section("voice"),
        launch=PLAN.launch,
    shell:
        "{params.launch} -m voiceface.stages.voice --config={params.config:q}"
        " --voice-config={params.voice_config:q} --packed=data/packed --output=models/voice &> {log}"
