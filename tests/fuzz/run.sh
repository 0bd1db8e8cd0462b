#!/usr/bin/env bash
# Each target, or those named, under libFuzzer for some seconds: run.sh SECONDS [TARGET...]
#
# Works with the stable toolchain: the coverage that libFuzzer needs is a pass of LLVM that rustc can be told to run.
set -euo pipefail
cd "$(dirname "$0")"

seconds="$1"
shift
if [ "$#" -eq 0 ]; then
  set -- document page link mapping stored request token webhook
fi

host="$(rustc -vV | sed -n 's/^host: //p')"
RUSTFLAGS='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1' \
  cargo build --release --manifest-path guided/Cargo.toml --target "$host" --target-dir ../../target/fuzz

for target in "$@"; do
  found="../../target/fuzz/corpus/$target"
  mkdir -p "$found" "corpus/$target"
  echo "== $target for $seconds seconds"
  FUZZ_TARGET="$target" ../../target/fuzz/"$host"/release/guided \
    "$found" "corpus/$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
    -artifact_prefix="corpus/$target/" -print_final_stats=1 2>&1 | grep -E '^(==|stat::|artifact|SUMMARY|.*panicked|#[0-9]+\s+DONE)' || exit 1
done
