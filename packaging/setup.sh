#!/usr/bin/env bash
# Makes a fresh checkout ready to run, test and package. Safe to run again; quick when nothing is left to do.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Somebody else's environment must not leak into ours.
unset VIRTUAL_ENV CONDA_PREFIX PYTHONHOME PYTHONPATH UV_SYSTEM_PYTHON UV_PROJECT_ENVIRONMENT UV_PYTHON

# Trust what the system trusts: a company's proxy has its own certificate. (Older uvs know the second name only.)
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}" UV_NATIVE_TLS="${UV_NATIVE_TLS:-1}"

mkdir -p .cache
exec 9>.cache/setup.lock
flock 9 # two `make` at once must not write the same .venv

packaging/setup/system.sh
uv=$(packaging/setup/uv.sh)
packaging/setup/venv.sh "$uv"
.venv/bin/python packaging/setup/livekit_server.py "$uv"
