# One page that shows it all.


rule report:
    input:
        manifest="manifests/samples.parquet",
        funnel="manifests/funnel.parquet",
        dataset="manifests/dataset.parquet",
        leakage="manifests/leakage.json",
        faces=expand("data/faces/{video}.parquet", video=VIDEOS),
        histories=expand("models/{model}/history.parquet", model=MODELS),
        metrics=expand("reports/{model}/metrics.json", model=MODELS),
    output:
        "reports/index.html",
    log:
        "logs/report.log",
    conda:
        "../../envs/train.yaml"
    params:
        **stage("report"),
        settings=json.dumps(SETTINGS.model_dump(mode="json"), sort_keys=True),
        names=",".join(MODELS),
    shell:
        "python -m voiceface.stages.report --config={params.config:q} --settings={params.settings:q}"
        " --manifest={input.manifest} --funnel={input.funnel} --dataset={input.dataset}"
        " --leakage={input.leakage} --faces=data/faces --models=models --reports=reports"
        " --names={params.names} --output={output} &> {log}"
