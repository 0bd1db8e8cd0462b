#!/bin/sh
# rustc, which counts in our own crates what an input reaches; what others have written is built as ever, in half the time.
#
# The coverage that libFuzzer needs is a pass of LLVM, which the stable compiler can be told to run.
rustc="$1"
shift
name=
previous=
for argument in "$@"; do
  [ "$previous" = --crate-name ] && name="$argument"
  previous="$argument"
done
case "$name" in
  domain | engine | fuzz | lever | server | store)
    set -- "$@" -Ccodegen-units=1 -Cpasses=sancov-module \
      -Cllvm-args=-sanitizer-coverage-level=4 \
      -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
      -Cllvm-args=-sanitizer-coverage-pc-table \
      -Cllvm-args=-sanitizer-coverage-trace-compares
    ;;
esac
exec "$rustc" "$@"
