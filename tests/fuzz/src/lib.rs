//! Hostile input (P16): everything that reads what others send, as functions of bytes that must not panic.
//!
//! `cargo test` gives each target its seeds and some thousand changes of them; the program in `guided/` is the same
//! under libFuzzer, which looks for inputs that reach code no other has reached (`just fuzz`). An input that once broke
//! something goes to `corpus/<target>/` and stays a seed.

mod change;
mod documents;
mod links;
mod mappings;
mod service;
mod stored;

use std::path::Path;

pub use change::Changer;

/// Something that can be given anything.
pub struct Target {
    /// Its name on the command line, and of its folder in the corpus.
    pub name: &'static str,
    /// Reads an input. Panics where a promise is broken.
    pub run: fn(&[u8]),
    /// Inputs to begin with: such as are meant to be given.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// How many changed inputs `cargo test` tries: a second or two.
    pub quick: u32,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target {
        name: "document",
        run: documents::document,
        seeds: documents::seeds,
        quick: 6_000,
    },
    Target {
        name: "page",
        run: documents::page,
        seeds: documents::pages,
        quick: 3_000,
    },
    Target {
        name: "link",
        run: links::link,
        seeds: links::seeds,
        quick: 20_000,
    },
    Target {
        name: "mapping",
        run: mappings::mapping,
        seeds: mappings::seeds,
        quick: 1_500,
    },
    Target {
        name: "stored",
        run: stored::stored,
        seeds: stored::seeds,
        quick: 20_000,
    },
    Target {
        name: "request",
        run: service::request,
        seeds: service::request_seeds,
        quick: 3_000,
    },
    Target {
        name: "token",
        run: service::token,
        seeds: service::token_seeds,
        quick: 1_000,
    },
    Target {
        name: "webhook",
        run: service::webhook,
        seeds: service::webhook_seeds,
        quick: 1_500,
    },
];

/// The target of a name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

impl Target {
    /// Writes its seeds into a folder, a file each: libFuzzer takes them from there.
    ///
    /// # Errors
    /// If the folder takes no files.
    pub fn write_seeds(&self, folder: &Path) -> std::io::Result<()> {
        for (number, seed) in (self.seeds)().into_iter().enumerate() {
            std::fs::write(folder.join(number.to_string()), seed)?;
        }
        Ok(())
    }

    /// The seeds, and what the corpus holds.
    ///
    /// # Errors
    /// If the folder is there and cannot be read.
    pub fn inputs(&self) -> std::io::Result<Vec<Vec<u8>>> {
        let mut inputs = (self.seeds)();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpus")
            .join(self.name);
        if folder.is_dir() {
            for entry in std::fs::read_dir(folder)? {
                inputs.push(std::fs::read(entry?.path())?);
            }
        }
        Ok(inputs)
    }
}
