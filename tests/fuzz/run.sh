#!/usr/bin/env bash
# Each target, or those named, under libFuzzer for some seconds: run.sh SECONDS [TARGET...]
#
# Works with the stable toolchain, and needs a C++ compiler for libFuzzer itself. What reaches new code is kept in
# target/fuzz/corpus, so that the next run goes on from there; what breaks something is written to corpus/TARGET here,
# where it stays a seed of `cargo test`.
set -euo pipefail
cd "$(dirname "$0")"

seconds="$1"
shift
if [ "$#" -eq 0 ]; then
  set -- document page link mapping stored request token webhook
fi

built="$PWD/../../target/fuzz"
RUSTC_WRAPPER="$PWD/guided/rustc.sh" cargo build --locked --manifest-path guided/Cargo.toml --target-dir "$built"

failed=0
for target in "$@"; do
  found="$built/corpus/$target"
  seeds="$built/seeds/$target"
  rm -rf "$seeds"
  mkdir -p "$found" "$seeds" "corpus/$target"
  echo "== $target for $seconds seconds"
  # A log of its own: what a target says while it is well is of no interest.
  if FUZZ_TARGET="$target" FUZZ_SEEDS="$seeds" "$built/debug/guided" "$found" "$seeds" "corpus/$target" \
    -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="corpus/$target/" >"$built/$target.log" 2>&1; then
    grep -E '^(#[0-9]+[[:space:]]+DONE|stat::number_of_executed_units|stat::new_units_added)' "$built/$target.log"
  else
    failed=1
    tail -n 40 "$built/$target.log"
    echo "== $target breaks; what broke it is in tests/fuzz/corpus/$target"
  fi
  # Folders without a seed are not kept.
  rmdir "corpus/$target" 2>/dev/null || true
done
exit "$failed"
