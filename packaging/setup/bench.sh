#!/usr/bin/env bash
# What `make bench` needs beyond `make setup`: a Chromium, and livekit-client's build for browsers in .cache.
# A browser that is there already is taken; `make bench ARGS="--browser PROGRAM"` names another.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
version=2.23.0
integrity=sha512-j9Kg86nJjBjNFUD+ukp2jwMCGa0k+YD5gU//RzAM+ZY3pbG631QCte7fQjwqWMmtBzhDJL9nKYuOLMv/9IbAxg==
library=.cache/livekit-client-$version.umd.js

packages=()
have() { command -v "$1" >/dev/null; }
have chromium || have chromium-browser || have google-chrome || have google-chrome-stable || packages+=("chromium|chromium-browser")
if [ ! -e "$library" ] && ! have npm; then packages+=(npm); fi
if [ ${#packages[@]} -gt 0 ]; then packaging/setup/system.sh "${packages[@]}"; fi
if [ -e "$library" ]; then exit 0; fi

echo "setup: fetching livekit-client $version"
folder=$(mktemp -d .cache/livekit-client.XXXXXX)
trap 'rm -rf "$folder"' EXIT
npm pack --silent --pack-destination "$folder" "livekit-client@$version" >/dev/null </dev/null
archive=$folder/livekit-client-$version.tgz
found=sha512-$(.venv/bin/python -c '
import base64, hashlib, sys
print(base64.b64encode(hashlib.sha512(open(sys.argv[1], "rb").read()).digest()).decode())' "$archive")
if [ "$found" != "$integrity" ]; then
  echo "setup: livekit-client $version is not the package it should be: $found" >&2
  exit 1
fi
tar -xzf "$archive" -C "$folder" package/dist/livekit-client.umd.js
rm -f .cache/livekit-client-*.umd.js
mv "$folder/package/dist/livekit-client.umd.js" "$library"
