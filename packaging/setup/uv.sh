#!/usr/bin/env bash
# Prints the path of a usable uv: one that is on the machine, else our own, pinned, in .cache/uv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
own="$PWD/.cache/uv/bin/uv"

usable() { # runs, and knows what we ask of it (0.8 or newer)
  local version
  version=$("$1" --version 2>/dev/null </dev/null) || return 1
  [[ $version =~ ^uv\ ([0-9]+)\.([0-9]+) ]] || return 1
  ((BASH_REMATCH[1] > 0 || BASH_REMATCH[2] >= 8))
}

for candidate in "$(command -v uv || true)" ~/.local/bin/uv "$own"; do
  if [ -n "$candidate" ] && usable "$candidate"; then
    echo "$candidate"
    exit 0
  fi
done

while read -r python; do
  # A shim for a version that is not selected fails here, and the next python3 is tried.
  "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 || continue
  echo "setup: installing uv into .cache/uv" >&2
  rm -rf .cache/uv
  "$python" -m venv .cache/uv >&2
  PIP_USER=0 .cache/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
    -r packaging/requirements-uv.lock >&2 </dev/null
  usable "$own"
  echo "$own"
  exit 0
done < <(type -ap python3; echo /usr/bin/python3)

echo "setup: no python3 with the venv module; install the package python3-venv" >&2
exit 1
