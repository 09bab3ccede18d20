#!/usr/bin/env bash
# venv.sh UV: makes .venv with the locked packages, unless it is already what the lock says.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
uv=$1
home=~ # also where HOME is unset
lock=packaging/requirements-dev.lock

state=$(cat "$lock" pyproject.toml packaging/setup/venv.sh | sha256sum | cut -d' ' -f1)
if [ "$(cat .venv/.setup-state 2>/dev/null)" = "$state" ] && .venv/bin/python -I -c 'import kiosk' 2>/dev/null; then
  exit 0
fi

# PySide6 corrupts reference counts on 3.10 and 3.11, so only these, the best tried one first. Versions under
# ~/.pyenv are looked up directly: the shims on PATH fail for a version that is not selected.
find_python() {
  local version candidate
  for version in 3.13 3.12 3.14; do
    while read -r candidate; do
      "$candidate" -c "import sys; sys.exit(sys.version_info[:2] != (3, ${version#3.}))" 2>/dev/null || continue
      "$candidate" -c 'import sys; print(sys._base_executable)'
      return
    done < <(type -ap "python$version"; compgen -G "$home/.pyenv/versions/$version.*/bin/python$version")
  done
  "$uv" python find --no-python-downloads --managed-python '>=3.12' 2>/dev/null
}

rm -f .venv/.setup-state
if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
  if ! python=$(find_python); then
    echo "setup: no Python >= 3.12 here; fetching one"
    if ! "$uv" python install 3.13 </dev/null; then
      echo "setup: could not fetch a Python; install Python 3.12 or newer and start again" >&2
      exit 1
    fi
    python=$("$uv" python find --managed-python 3.13)
  fi
  "$uv" venv --quiet --no-project --clear --python "$python" .venv
fi
echo "setup: installing the locked Python packages into .venv"
"$uv" pip sync --quiet --python .venv/bin/python --require-hashes "$lock" </dev/null
# The build backend is one of the locked packages: nothing unpinned is fetched to build our own.
"$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable . </dev/null
echo "$state" >.venv/.setup-state
