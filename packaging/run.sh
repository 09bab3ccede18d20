#!/usr/bin/env bash
# Opens the kiosk with its own persona: no vendor, no network. Arguments go to `kiosk run`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ -z "${DISPLAY:-}" ] && [ -z "${WAYLAND_DISPLAY:-}" ]; then
  echo "There is no screen here: neither DISPLAY nor WAYLAND_DISPLAY is set." >&2
  echo "Run this from a terminal on the desktop where the kiosk shall appear." >&2
  exit 1
fi
case " $* " in
  *" --kiosk "* | *" --windowed"*) ;;
  *) set -- --windowed 1280x800 "$@" ;;
esac
exec .venv/bin/python -m kiosk run "$@"
