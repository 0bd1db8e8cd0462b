//! Each target with its seeds, and with some thousand changes of them (P16).
//!
//! Seen to fail: `link` with links whose common form was not read back alike, which the corpus keeps; and each of the others
//! with one refusal taken out: bytes that are no UTF-8 taken for text (`document`), records that cannot be read left out of
//! their page (`page`), a document of mappings and a stored value that must be one (`mapping`, `stored`), an id and a sealed
//! token that must be well formed (`request`, `token`), and deliveries taken unsigned (`webhook`).

use fuzz::{Changer, TARGETS, Target, target};

#[allow(
    clippy::print_stdout,
    reason = "the table of the promises is made of it"
)]
fn try_out(name: &str) {
    let Target {
        run, quick, name, ..
    } = target(name).expect("a target");
    let inputs = target(name).expect("a target").inputs().expect("a corpus");
    for input in &inputs {
        run(input);
    }
    let mut changer = Changer::new(16);
    for _ in 0..*quick {
        let input = changer.changed(&inputs);
        let sound = std::panic::catch_unwind(|| run(&input));
        assert!(
            sound.is_ok(),
            "{name} breaks; keep it in tests/fuzz/corpus/{name}/: {}",
            input.escape_ascii()
        );
    }
    println!("\nproved P16: {quick} runs; changed inputs of {name}");
}

macro_rules! targets {
    ($($name:ident),*) => {
        $(#[test] fn $name() { try_out(stringify!($name)); })*

        #[test]
        fn every_target_is_tried() {
            let tried = [$(stringify!($name)),*];
            let all: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(all, tried);
        }
    };
}

targets!(
    document, page, link, mapping, stored, request, token, webhook
);
