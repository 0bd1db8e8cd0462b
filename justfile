# Bare `just` lists the recipes.
[private]
default:
    @just --list

# Exactly what CI runs: formatting, lints, tests, docs, protos, dependencies, the demo to its end, the console in Chromium, the client in Python.
check:
    bash .ci/run

# Runs the service and the simulator in one process and shows the main job.
demo *arguments:
    cargo run -- demo {{ arguments }}

# Runs all tests; the recorded documents too, where FULCRUM_LEVER_DOCS names their folder.
test:
    cargo test --workspace

# Formats the code.
fmt:
    cargo fmt --all

# Lints the code with warnings denied.
lint:
    cargo clippy --workspace --all-targets -- --deny warnings

# Lints the protos.
lint-proto:
    cd proto && buf lint

# Checks dependencies for known vulnerabilities; needs the advisory database.
advisories:
    cargo deny check advisories

# Kills the store more often than the tests do.
kill-store rounds="1000":
    FULCRUM_STORE_CRASH_ROUNDS={{ rounds }} cargo test --package store --test it crash -- --nocapture

# Damages a data directory in more ways than the tests do, each start of which must be refused or give the right values.
damage-store damages="1000":
    FULCRUM_STORE_DAMAGES={{ damages }} cargo test --package store --test it damage -- --nocapture

# Fills a small disk under a running service; needs root, to mount one.
prove-disk:
    cargo build
    python3 tests/disk/run.py target/debug/fulcrum

# Writes more through faults and kills than the tests do; a seed draws the same run again.
kill-push operations="1000" seed="1":
    FULCRUM_CRASH_PUSH_OPERATIONS={{ operations }} FULCRUM_CRASH_PUSH_SEED={{ seed }} cargo test --package scenarios --test it crash_push::writes -- --nocapture

# Puts each promise to the test and prints a table; names such as P13 choose, `--long` is thorough, `--outside` runs what needs root.
prove *arguments:
    cargo test --quiet --workspace --no-run
    target/debug/prove {{ arguments }}

# Measures the figures of docs/benchmarks.md beside their floors; names choose, `--quick` makes it shorter.
bench *arguments:
    cargo bench --package scenarios --bench figures -- {{ arguments }}

# Changes rows, reads and fails for so many minutes, and prints what grew.
soak minutes="60":
    cargo bench --package scenarios --bench figures -- soak --minutes {{ minutes }}

# Gives hostile input to whatever reads what others send, for so many seconds each; needs a C++ compiler.
fuzz seconds="60" *targets:
    tests/fuzz/run.sh {{ seconds }} {{ targets }}

# Runs Lever clients that we did not write (tap-lever, airbyte's CDK) through all their streams against the simulator.
peers python="python3.11":
    cargo build
    {{ python }} tests/peers/run.py target/debug/fulcrum target/peers

# Runs the stories of the console in Chromium, or those that are named; needs Node.js and the package chromium.
console *stories:
    cargo build
    tests/console/run.sh {{ stories }}

# Makes the pictures of the console that the README shows.
screenshots folder="docs/screenshots":
    cargo build
    tests/console/run.sh screenshots {{ folder }}

# Runs the client in Python, with stubs made from the protos, against the service and the simulator.
client python="python3":
    cargo build
    {{ python }} tests/clients/python/run.py target/debug/fulcrum target/clients
