#!/usr/bin/env bash
# Freezes the program into .build/dist/kiosk and makes the .deb from it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The distribution's Python is linked into one file; its shared library, which the bundle needs, is a package apart.
if [[ $(.venv/bin/python -c 'import sys; print(sys._base_executable)') == /usr/bin/* ]]; then
  packaging/setup/system.sh "libpython$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
fi

.venv/bin/pyinstaller --noconfirm --log-level WARN \
  --workpath .build/work --distpath .build/dist packaging/kiosk.spec
# 30 MB to 7 MB: a libpython from a plain build carries its debug symbols.
find .build/dist/kiosk/_internal -maxdepth 1 -name 'libpython3*.so*' -type f -exec strip --strip-unneeded {} +

.venv/bin/python packaging/linux/build_deb.py .build/dist/kiosk .build
