#!/usr/bin/env bash
# system.sh [PACKAGE...]: installs what is missing of packaging/system-packages.txt and of the packages named,
# or says which are missing and stops.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export DEBIAN_FRONTEND=noninteractive

if ! command -v dpkg-query >/dev/null; then
  echo "setup: this is neither Debian nor Ubuntu, so nothing was installed from the distribution;" >&2
  echo "       the libraries and programs in packaging/system-packages.txt must be there" >&2
  exit 0
fi

wanted() {
  sed -e 's/[[:space:]]*#.*//' -e '/^[[:space:]]*$/d' packaging/system-packages.txt
  if [ $# -gt 0 ]; then printf '%s\n' "$@"; fi
}

installed() {
  local status
  status=$(dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null) && grep -qx installed <<<"$status"
}

satisfied() { # any of the names a|b
  local name names
  IFS='|' read -ra names <<<"$1"
  for name in "${names[@]}"; do
    if installed "$name"; then return 0; fi
  done
  return 1
}

first_available() { # the first of the names a|b that this release knows, else the first
  local name names
  IFS='|' read -ra names <<<"$1"
  for name in "${names[@]}"; do
    if apt-cache show --no-all-versions "$name" >/dev/null 2>&1; then
      echo "$name"
      return
    fi
  done
  echo "${names[0]}"
}

missing=()
while read -r line; do
  satisfied "$line" || missing+=("$line")
done < <(wanted "$@")
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi

if [ "$(id -u)" -eq 0 ]; then
  as_root=()
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  as_root=(sudo -n DEBIAN_FRONTEND=noninteractive)
else
  names=()
  for line in "${missing[@]}"; do names+=("$(first_available "$line")"); done
  echo "setup: these packages are missing and only an administrator can install them. Please run" >&2
  echo >&2
  echo "    sudo apt-get update && sudo apt-get install --no-install-recommends ${names[*]}" >&2
  echo >&2
  echo "and start again." >&2
  exit 1
fi

apt() { "${as_root[@]}" apt-get -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" </dev/null; }
# An unrelated source of packages that cannot be reached is no reason to stop: the install below decides.
apt update || echo "setup: apt-get update failed; going on with the lists that are there" >&2
names=()
for line in "${missing[@]}"; do names+=("$(first_available "$line")"); done
echo "setup: installing ${names[*]}"
apt install -y --no-install-recommends "${names[@]}"
