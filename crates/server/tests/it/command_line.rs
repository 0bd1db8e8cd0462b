//! What goes wrong ends in one clear sentence on standard error.

use std::process::{Command, Output, Stdio};

/// The program, away from the settings of whoever runs the tests.
pub(crate) fn fulcrum(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fulcrum"));
    for variable in [
        "FULCRUM_SERVER",
        "FULCRUM_TOKEN",
        "FULCRUM_LEVER_KEY",
        "FULCRUM__STORE__DIR",
    ] {
        command.env_remove(variable);
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    fulcrum(arguments).output().expect("the program runs")
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

#[test]
fn a_service_that_cannot_be_reached_is_named_with_the_way_to_start_it() {
    let output = run(&["connections", "--server", "http://127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).starts_with("error: no service answers at http://127.0.0.1:1\n"));
    assert!(said(&output).contains("fulcrum serve"));
}

#[test]
fn a_setting_that_does_not_exist_stops_the_start_and_names_its_variable() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let output = fulcrum(&["serve", "--data", data.to_str().unwrap()])
        .env("FULCRUM__SERVER__LISTN", "127.0.0.1:0")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("FULCRUM__SERVER__LISTN"),
        "{}",
        said(&output)
    );
    assert!(!data.exists());
}

#[test]
fn a_wrong_argument_is_a_usage_error() {
    assert_eq!(run(&["inbound", "--limit", "0"]).status.code(), Some(2));
    assert_eq!(
        run(&["token", "create", "--role", "king"]).status.code(),
        Some(2)
    );
}

#[test]
fn creating_a_token_prints_the_token_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let output = run(&[
        "token",
        "create",
        "--data",
        data.to_str().unwrap(),
        "--role",
        "admin",
    ]);
    assert!(output.status.success(), "{}", said(&output));
    let token = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(token.lines().count(), 1);
    assert!(token.trim().len() > 20 && !token.trim().contains(' '));
    assert!(!said(&output).contains(token.trim()));
}

#[test]
fn a_stopped_data_directory_is_checked_and_compacted() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let data = data.to_str().unwrap();
    let missing = run(&["store", "check", "--data", data]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(said(&missing).starts_with("error: there is no store at "));
    assert!(
        run(&["token", "create", "--role", "admin", "--data", data])
            .status
            .success()
    );
    for (command, answer) in [
        ("check", "sound: 6 entries were read\n"),
        ("compact", "compacted 6 entries: "),
        ("check", "sound: 6 entries were read\n"),
    ] {
        let output = run(&["store", command, "--data", data]);
        assert!(output.status.success(), "{}", said(&output));
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(
            told.lines().last().unwrap().starts_with(answer.trim_end()),
            "{told}"
        );
    }
    let database = dir.path().join("data/db/db");
    std::fs::write(&database, vec![7; 9000]).unwrap();
    let damaged = run(&["store", "check", "--data", data, "--json"]);
    assert_eq!(damaged.status.code(), Some(1));
    assert!(said(&damaged).contains("is damaged"), "{}", said(&damaged));
}
