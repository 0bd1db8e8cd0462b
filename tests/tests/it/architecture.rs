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
