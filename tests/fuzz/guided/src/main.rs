//! One target under libFuzzer: `FUZZ_TARGET` names it, the arguments are libFuzzer's.
//!
//! Its seeds are written to the folder `FUZZ_SEEDS` first, for the arguments to name: some are about an account that is
//! another one each time.

#![no_main]

use std::path::Path;
use std::sync::LazyLock;

static TARGET: LazyLock<&'static fuzz::Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET names a target");
    fuzz::target(&name).expect("FUZZ_TARGET is the name of a target")
});

fn write_seeds() {
    let folder = std::env::var_os("FUZZ_SEEDS").expect("FUZZ_SEEDS names a folder");
    let written = TARGET.write_seeds(Path::new(&folder));
    written.expect("the folder takes files");
}

libfuzzer_sys::fuzz_target!(
    init: write_seeds(),
    |input: &[u8]| (TARGET.run)(input)
);
