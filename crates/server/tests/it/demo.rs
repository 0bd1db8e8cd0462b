//! The whole tour.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::command_line::fulcrum;

#[test]
fn the_tour_writes_everything_back_and_is_plain_text_in_eighty_columns() {
    let output = fulcrum(&["demo", "--exit", "--opportunities", "300"])
        .output()
        .unwrap();
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{page}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(page.matches(" succeeded  ").count(), 8, "{page}");
    for change in [
        "note  + ",
        "tag  + ",
        "tag  - ",
        "source  + ",
        "source  - ",
        "stage  ",
        "archived: ",
        "back from the archive",
        "Lever was called once",
    ] {
        assert!(page.contains(change), "{change} is missing in\n{page}");
    }
    assert!(!page.contains('\u{1b}'), "{page}");
    // Marks above and below letters are characters without a column of their own.
    let wide = page.lines().find(|line| line.is_ascii() && line.len() > 80);
    assert_eq!(wide, None);
}

#[test]
fn a_reader_that_goes_away_ends_the_tour_without_a_word() {
    let mut child = fulcrum(&["demo", "--exit", "--opportunities", "50"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(first.starts_with("Fulcrum"));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn logs_that_nobody_reads_do_not_stop_the_tour() {
    let mut child = fulcrum(&["demo", "--exit", "--opportunities", "50"])
        .env("FULCRUM__LOG__LEVEL", "debug")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
}
