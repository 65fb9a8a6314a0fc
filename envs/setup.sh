#!/usr/bin/env bash
# Makes .venv from requirements.lock. Every program that the pipeline runs comes as a wheel
# (ffmpeg, espeak-ng, dlib), so nothing is asked of the system but Python 3.11+ with venv.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "voiceface: $1" >&2; exit 1; }

python=""
for candidate in "${PYTHON:-}" python3.12 python3.11 python3.13 python3; do
  if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
[ -n "$python" ] || fail "no Python 3.11 to 3.13 found; install one (apt-get install python3 python3-venv) or name it: make setup PYTHON=/path/to/python3.12"

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  version=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "setup: installing $version, which $python lacks"
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "$version" >/dev/null
  fi
  "$python" -c 'import ensurepip, venv' 2>/dev/null || fail "$python has no venv module; install it: apt-get install $version"
fi

echo "setup: making .venv with $("$python" --version)"
[ -x .venv/bin/python ] || "$python" -m venv .venv
pip() { .venv/bin/python -m pip --disable-pip-version-check "$@" --quiet; }
echo "setup: installing requirements.lock (some minutes the first time)"
pip install -r requirements.lock || fail "could not install requirements.lock; see pip's message above"
pip install --no-deps --no-build-isolation -e .
.venv/bin/python - <<'CHECK'
"""Removes torchaudio's compiled extensions beside a torch without CUDA.

They are linked to CUDA and fail at import there; without them torchaudio falls back to Python,
which is all that is used here.
"""
import importlib.util
from pathlib import Path

import torch

if torch.version.cuda is None:
    folder = Path(importlib.util.find_spec("torchaudio").submodule_search_locations[0])
    for extension in folder.glob("lib/*torchaudio*.so"):
        extension.unlink()
CHECK
.venv/bin/python - <<'CHECK' || fail "the environment does not work; delete .venv and run make setup again"
import subprocess
import av, cv2, dlib, espeakng_loader, imageio_ffmpeg, pyarrow, torch, torchaudio, webrtcvad  # noqa: F401
subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-version"], check=True, stdout=subprocess.DEVNULL)
CHECK
touch .venv/.ready
echo "setup: done; the command is .venv/bin/voiceface"
