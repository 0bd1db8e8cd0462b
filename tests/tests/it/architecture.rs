//! What the documents say of the code, compared with the code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

type Edges = BTreeMap<String, BTreeSet<String>>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The crates of ours that each manifest depends on, test-only edges left out.
fn real_edges() -> Edges {
    let mut manifests = BTreeMap::new();
    for entry in fs::read_dir(root().join("crates")).expect("the crates") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        let manifest = fs::read_to_string(path.join("Cargo.toml")).expect("a manifest");
        manifests.insert(name.into_owned(), manifest);
    }
    let ours: BTreeSet<String> = manifests.keys().cloned().collect();
    let edges = manifests.iter().map(|(name, manifest)| {
        let below = dependencies(manifest)
            .filter(|dependency| ours.contains(*dependency))
            .map(str::to_owned);
        (name.clone(), below.collect())
    });
    edges.collect()
}

/// The names in the section `[dependencies]`.
fn dependencies(manifest: &str) -> impl Iterator<Item = &str> {
    manifest
        .lines()
        .skip_while(|line| *line != "[dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty())
}

/// The edges of the picture: lines of the form `server -> engine store`.
fn drawn_edges(page: &str) -> Edges {
    page.lines()
        .skip_while(|line| !line.starts_with("```text"))
        .skip(1)
        .take_while(|line| !line.starts_with("```"))
        .filter_map(|line| line.split_once("->"))
        .map(|(name, below)| {
            let below = below
                .split_whitespace()
                .map(|name| name.trim_end_matches('*'));
            let below = below.filter(|name| root().join("crates").join(name).is_dir());
            (name.trim().to_owned(), below.map(str::to_owned).collect())
        })
        .filter(|(name, _)| name != "tests")
        .collect()
}

#[test]
fn the_picture_in_the_architecture_page_shows_the_real_edges_between_the_crates() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the page");
    assert_eq!(drawn_edges(&page), real_edges());
}

#[test]
fn the_commands_of_the_readme_are_those_that_the_checks_run() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the page");
    let checks = fs::read_to_string(root().join(".ci/run")).expect("the script");
    assert!(readme.contains("\ncargo run -- demo\n"));
    for page in [readme, checks] {
        assert!(page.contains("\ncargo test --workspace\n"));
    }
}

/// Where no example is run, none is written: it would be wrong one day without anybody knowing.
#[test]
fn crates_whose_examples_are_not_run_have_none() {
    let not_run = |folder: &PathBuf| {
        let manifest = fs::read_to_string(folder.join("Cargo.toml"));
        manifest.is_ok_and(|manifest| manifest.contains("\ndoctest = false\n"))
    };
    let crates = fs::read_dir(root().join("crates")).expect("the crates");
    let crates = crates.map(|entry| entry.expect("an entry").path());
    let crates: Vec<_> = crates
        .chain([root().join("tests/fuzz")])
        .filter(not_run)
        .collect();
    assert!(crates.len() > 5, "{crates:?}");
    let examples: Vec<_> = crates
        .iter()
        .flat_map(|folder| examples_below(&folder.join("src")))
        .collect();
    assert_eq!(examples, Vec::<String>::new());
}

/// The blocks of code in docs below a folder that would be run.
fn examples_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(examples_below(&path));
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        let docs = text.lines().map(str::trim_start);
        let docs = docs.filter_map(|line| line.strip_prefix("///").or(line.strip_prefix("//!")));
        // Every other one ends a block.
        let fences = docs.map(str::trim).filter(|line| line.starts_with("```"));
        let begun = fences.step_by(2).map(|fence| fence.trim_matches('`'));
        let run = begun.filter(|language| !["text", "json"].contains(language));
        found.extend(run.map(|language| format!("{}: {language}", path.display())));
    }
    found
}
