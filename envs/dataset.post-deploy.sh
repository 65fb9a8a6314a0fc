#!/usr/bin/env bash
# Snakemake runs this once the environment is made. silero-vad's wheel names torch as a dependency;
# only its model file is used here, through onnxruntime, and the dataset stages stay free of torch.
set -euo pipefail
python -m pip install --no-deps silero-vad==6.2.3
