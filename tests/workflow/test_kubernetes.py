"""What the Kubernetes profile sends: the jobs, as the plugin renders them, and the files in S3."""

import io
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import needs
from tests.workflow.cloud import BUCKET, Cloud, cloud
from tests.workflow.project import ROOT, Project
from voiceface.sources import Video, write_videos

pytestmark = [pytest.mark.kubernetes, pytest.mark.slow]

VIDEOS = ("web-a", "web-b")
RULES = ("speech", "faces", "samples", "train", "voice")
EMBEDDING = "mine/voice.safetensors"
"""Weights of the user's own, with which the model begins."""
TRAINED = ("models/acgan/model.json", "models/voice/encoder.safetensors")
TARGETS = (*TRAINED, *(f"data/samples/{video}.parquet" for video in VIDEOS))
PACKED = ("faces.npy", "audio.npy", "descriptors.npy", "samples.parquet", "pack.json")
HAD = [f"run/data/packed/{s}/{part}" for s in ("train", "test", "unseen") for part in PACKED]
HAD += [f"run/data/media/{video}.mkv" for video in VIDEOS]
HAD += [f"run/data/download/{video}.json" for video in VIDEOS]
HAD.append(f"run/{EMBEDDING}")
CREDENTIALS = {"ACCESS_KEY": "me", "SECRET_KEY": "hush"}


@dataclass
class Sent:
    """A job that Kubernetes was sent."""

    container: dict[str, Any]
    pod: dict[str, Any]

    @property
    def command(self) -> str:
        """What the container runs."""
        return self.container["args"][-1]


Render = tuple[Cloud, Sent, Sent, Sent]
"""The cloud, and what it was sent: the job of the videos, of a model, of a recogniser."""


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Render:
    """The cloud after a build, and the jobs that it was sent.

    Media, and arrays and weights to train on, are in the bucket already; every job fails at once.
    """
    for plugin in ("snakemake_executor_plugin_kubernetes", "snakemake_storage_plugin_s3"):
        needs(find_spec(plugin) is not None, f"{plugin} (envs/cluster.lock)")
    project = make(tmp_path_factory.mktemp("kubernetes") / "project")
    with cloud() as there, pytest.MonkeyPatch.context() as patch:
        there.write_kubeconfig(project.folder / "kubeconfig")
        patch.setenv("KUBECONFIG", str(project.folder / "kubeconfig"))
        for name, value in CREDENTIALS.items():
            patch.setenv(f"SNAKEMAKE_STORAGE_S3_{name}", value)
        there.objects.update(dict.fromkeys(HAD, b"x"))
        (project.folder / "site.yaml").write_text(yaml.safe_dump(site(there)))
        profiles = ["--profile=workflow/profiles/kubernetes", "--profile=site.yaml"]
        options = [*profiles, "--allowed-rules", *RULES, "--", *TARGETS]
        told = project.snakemake(*options, fails=True)
    assert f"--packed=.snakemake/storage/s3/{BUCKET}/run/data/packed" in told
    assert f"--begin-with=.snakemake/storage/s3/{BUCKET}/run/{EMBEDDING} " in told
    jobs = [Sent(job["containers"][0], job) for job in map(_pod, there.jobs)]
    videos, voice, train = sorted(
        jobs, key=lambda job: ("train:model" in job.command, "voice:recogn" in job.command)
    )
    return there, videos, train, voice


def make(folder: Path) -> Project:
    """A project with copies of all that a pod needs, and its files known to git."""
    project = Project.make(folder, [], {"acgan": {"embedding": EMBEDDING}})
    for name in ("Snakefile", "workflow", "profiles", "envs"):
        (folder / name).unlink()
    shutil.copy(ROOT / "Snakefile", folder)
    for name in ("workflow", "profiles", "envs", "src"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    url = "https://example.org/{}.mp4"
    videos = [
        Video(name, "ann", "", "", url.format(name), "", 9.0, "", "", "", "listed", name)
        for name in VIDEOS
    ]
    write_videos(folder / "manifests/videos.csv", videos)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(["git", "add", "--all"], cwd=folder, check=True)
    return project


def site(there: Cloud) -> dict[str, Any]:
    """What a site says of its own: here that nothing is worth a second try."""
    return {
        "container-image": "registry.example/voiceface:1",
        "default-storage-prefix": f"s3://{BUCKET}/run",
        "storage-s3-endpoint-url": there.url,
        "retries": 0,
        "seconds-between-status-checks": 1,
    }


def _pod(job: dict[str, Any]) -> dict[str, Any]:
    return job["spec"]["template"]["spec"]


def test_videos_share_a_pod_that_asks_for_what_it_needs(
    sent: Render,
) -> None:
    _, videos, *_ = sent
    for video in VIDEOS:
        for stage in ("speech", "faces", "samples"):
            assert f"'{stage}:video={video}'" in videos.command
    assert videos.container["image"] == "registry.example/voiceface:1"
    limits = videos.container["resources"]["limits"]
    assert limits == {"cpu": "2000m", "memory": "2400M", "ephemeral-storage": "10000M"}
    assert not videos.pod.get("tolerations")


def test_each_training_is_sent_and_limited_to_one_gpu_also_with_weights_of_the_user_s_own(
    sent: Render,
) -> None:
    for training in sent[2:]:
        limits = training.container["resources"]["limits"]
        assert limits["nvidia.com/gpu"] == "1"
        assert (limits["cpu"], limits["memory"]) == ("4000m", "8000M")
        assert [one["key"] for one in training.pod["tolerations"]] == ["nvidia.com/gpu"]


def test_credentials_and_settings_come_from_a_secret(sent: Render) -> None:
    there, *jobs = sent
    (secret,) = there.secrets
    wanted = {f"SNAKEMAKE_STORAGE_S3_{name}" for name in CREDENTIALS} | {"VOICEFACE_DOWNLOAD"}
    for job in jobs:
        names = {one["name"]: one["valueFrom"]["secretKeyRef"] for one in job.container["env"]}
        assert wanted <= set(names)
        for name, reference in names.items():
            assert reference["name"] == secret["metadata"]["name"]
            assert reference["key"] in secret["data"], name
        assert "hush" not in str(job.pod)


def test_pods_work_on_the_bucket_with_the_project_s_own_code_and_lists(
    sent: Render,
) -> None:
    there, *jobs = sent
    for job in jobs:
        assert f"--default-storage-prefix 's3://{BUCKET}/run'" in job.command
    (archive,) = there.deleted  # at the end of the build
    assert f"--deploy-sources s3://{BUCKET}/{archive} " in jobs[0].command
    with tarfile.open(fileobj=io.BytesIO(there.deleted[archive])) as sources:
        names = sources.getnames()
    wanted = {"Snakefile", "config.yaml", "manifests/videos.csv", "workflow/rules/train.smk"}
    assert {*wanted, "src/voiceface/stages/train.py"} <= set(names)
