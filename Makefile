# `make demo` shows the whole line on drawn people; `make test` runs the tests.
.DEFAULT_GOAL := help
.PHONY: help setup cluster demo test test-cluster lint format bench clean
# The environment's programs come first on the path.
export PATH := $(CURDIR)/.venv/bin:$(PATH)

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

setup: .venv/.ready ## make .venv from requirements.lock

.venv/.ready: requirements.lock pyproject.toml envs/setup.sh
	@bash envs/setup.sh

cluster: setup ## add what Slurm, Kubernetes and S3 need (docs/cluster.md)
	@python -m pip --disable-pip-version-check install --quiet -r envs/cluster.lock

demo: setup ## render the demo world, build its dataset, train and evaluate Wav2Pix, report
	@voiceface demo-world
	@voiceface build

test: setup ## run the tests
	@python -m pytest -n 2 --dist loadfile

test-cluster: cluster ## run the tests on a Slurm of their own, and of what Kubernetes is sent
	@python -m pytest -m "slurm or kubernetes" --durations=5

lint: setup ## check style, types and the workflow
	@ruff check .
	@ruff format --check .
	@mypy
	@snakefmt --check Snakefile workflow/rules
	@folder=$$(mktemp -d) && mkdir $$folder/manifests && cp config.yaml $$folder && \
	python -c "import pathlib as p, voiceface.sources as s; s.write_videos(p.Path('$$folder/manifests/videos.csv'), [])" && \
	snakemake --lint --snakefile Snakefile --directory $$folder

format: setup ## mend the style
	@ruff check --fix . && ruff format . && snakefmt Snakefile workflow/rules

bench: setup ## measure the speed of the build and the quality of the clean flag
	@python benchmarks/build.py
	@python benchmarks/clean.py

clean: ## delete all that was built, downloads too (never sources.csv, the reviews, own videos)
	@rm -rf logs models reports .snakemake manifests/*.parquet manifests/videos.csv manifests/leakage.json
	@cd data 2>/dev/null && rm -rf media download speech chunks timeline faces samples packed demo-world resolve.json downloads.parquet || true
