#!/usr/bin/env bash
# The console in Debian's Chromium: every story, or those that are named, such as `pages`; with `live`, how fast a page follows. Needs Node.js 20 and the package chromium.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
cd "$here/../.."

if [ ! -x "${FULCRUM_CHROMIUM:-/usr/bin/chromium}" ]; then
  echo 'Chromium is not here: install the package chromium, or let FULCRUM_CHROMIUM name it' >&2
  exit 1
fi
export FULCRUM_BINARY="${FULCRUM_BINARY:-$PWD/target/debug/fulcrum}"
if [ ! -x "$FULCRUM_BINARY" ]; then
  echo "no program at $FULCRUM_BINARY: run cargo build, or let FULCRUM_BINARY name it" >&2
  exit 1
fi
if [ ! -d "$here/node_modules" ] || [ "$here/package-lock.json" -nt "$here/node_modules" ]; then
  npm ci --silent --no-fund --no-audit --prefix "$here"
  touch "$here/node_modules"
fi

if [ "${1:-}" = screenshots ]; then
  exec node "$here/screenshots.mjs" "${2:-docs/screenshots}"
fi
if [ "${1:-}" = live ]; then
  exec node "$here/live.mjs"
fi
stories=()
for name in "$@"; do stories+=("$here/$name.test.mjs"); done
if [ "${#stories[@]}" -eq 0 ]; then stories=("$here"/*.test.mjs); fi
exec node --test --test-concurrency=2 --test-reporter=spec "${stories[@]}"
