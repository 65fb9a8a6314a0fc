# Arrays of one split that a trainer can map or hold on the GPU.

PACK = ["faces.npy", "audio.npy", "descriptors.npy", "samples.parquet", "pack.json"]


rule pack:
    input:
        dataset="manifests/dataset.parquet",
        speech=expand("data/speech/{video}.parquet", video=PLAN.videos),
        faces=expand("data/faces/{video}.parquet", video=PLAN.videos),
    output:
        faces="data/packed/{split}/faces.npy",
        audio="data/packed/{split}/audio.npy",
        descriptors="data/packed/{split}/descriptors.npy",
        samples="data/packed/{split}/samples.parquet",
        about="data/packed/{split}/pack.json",
    log:
        "logs/pack/{split}.log",
    conda:
        "../../envs/dataset.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        code=PLAN.code("pack"),
        folder=subpath(output.about, parent=True),
        files=files,
    shell:
        "python -m voiceface.stages.pack --dataset={input.dataset}"
        " --speech={params.files}/data/speech --faces={params.files}/data/faces"
        " --split={wildcards.split} --output={params.folder} &> {log}"


# The same of the dataset that an experiment takes in place of the project's own.
use rule pack as pack_variant with:
    input:
        dataset="manifests/dataset-{variant}.parquet",
        speech=rules.pack.input.speech,
        faces=rules.pack.input.faces,
    output:
        faces="data/packed/{variant}/{split}/faces.npy",
        audio="data/packed/{variant}/{split}/audio.npy",
        descriptors="data/packed/{variant}/{split}/descriptors.npy",
        samples="data/packed/{variant}/{split}/samples.parquet",
        about="data/packed/{variant}/{split}/pack.json",
    log:
        "logs/pack/{variant}/{split}.log",
