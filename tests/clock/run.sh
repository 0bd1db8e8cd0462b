#!/usr/bin/env bash
# Runs the scenario of jumping clocks (P22) with libfaketime, from Debian's package faketime.
set -euo pipefail
cd "$(dirname "$0")/../.."

FULCRUM_FAKETIME="$(find /usr/lib -name libfaketimeMT.so.1 2>/dev/null | head -n 1)"
if [ -z "$FULCRUM_FAKETIME" ]; then
  echo 'libfaketime is not here: install the package faketime' >&2
  exit 1
fi
export FULCRUM_FAKETIME
# The whole workspace, as its tests were built: of one package, cargo would build much again.
cargo test --quiet --workspace --test it -- clocks:: --nocapture | tee target/clock.log
grep -q 'proved P22' target/clock.log
