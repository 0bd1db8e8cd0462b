//! A start that cannot work ends with exit code 1 and one sentence that says what to do; the data stay as they are.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

use crate::support::{Home, Service, Setup, World, program};

/// Runs `serve` with these arguments; it must end by itself.
async fn sentence(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    sentence_of(
        program()
            .arg("serve")
            .args(arguments)
            .envs(variables.iter().copied()),
    )
    .await
}

async fn sentence_of(command: &mut Command) -> String {
    let output = tokio::time::timeout(Duration::from_secs(20), command.output()).await;
    let output = output.expect("it ends by itself").expect("it runs");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(output.stdout.is_empty());
    let errors: Vec<_> = said
        .lines()
        .filter(|line| line.starts_with("error: "))
        .collect();
    assert_eq!(errors.len(), 1, "{said}");
    assert!(
        said.lines()
            .all(|line| line.starts_with("error: ") || line.starts_with("  ")),
        "more than that: {said}"
    );
    errors[0].to_owned()
}

const FREE: [&str; 4] = ["--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"];

fn at<'a>(data: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    [&["--data", data.to_str().expect("UTF-8")], more].concat()
}

#[tokio::test]
async fn a_port_in_use_is_named_with_the_flag_that_changes_it() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let said = sentence(
        &at(
            &home.data(),
            &["--listen", &address, "--http-listen", "127.0.0.1:0"],
        ),
        &[],
    )
    .await;
    assert!(
        said.contains(&address) && said.contains("--listen"),
        "{said}"
    );
    let said = sentence(
        &at(
            &home.data(),
            &["--listen", "127.0.0.1:0", "--http-listen", &address],
        ),
        &[],
    )
    .await;
    assert!(
        said.contains(&address) && said.contains("--http-listen"),
        "{said}"
    );
}

#[tokio::test]
async fn a_data_directory_in_use_is_left_to_the_process_that_has_it() {
    let mut world = World::with_opportunities(40).await;
    world.connect().await;
    world.until_synced().await;
    let data = world.home.data();
    let said = sentence(&at(&data, &FREE), &[("FULCRUM__STORE__LOCK_WAIT", "300ms")]).await;
    assert!(
        said.contains("in use by another process") && said.contains(data.to_str().expect("UTF-8")),
        "{said}"
    );
    let token = world
        .home
        .run(&["token", "create", "--role", "admin"])
        .await;
    assert_eq!(token.status.code(), Some(1));
    assert!(token.stdout.is_empty());
    world.assert_mirror_equals_lever().await;
}

/// A home with a store in it that no process has open.
async fn stopped() -> Home {
    let home = Home::new();
    let service = Service::start(&home, &[]).await;
    assert!(service.stop().await.success());
    home
}

/// The file `db/conf` is no case of this: the database restores it from our settings.
#[tokio::test]
async fn a_damaged_data_directory_is_refused_and_left_as_it_is() {
    let garbage = vec![0xA5; 300_000];
    let mut changed = Vec::new();
    for (file, content) in [
        ("db/db", garbage.as_slice()),
        ("db/db", &[]),
        ("seq", b"nonsense"),
        ("master.key", &garbage[..32]),
    ] {
        let home = stopped().await;
        let path = home.data().join(file);
        assert!(path.exists(), "{file}");
        fs::write(&path, content).expect("written");
        let said = sentence(&at(&home.data(), &FREE), &[]).await;
        assert!(said.contains("restore"), "{file}: {said}");
        if fs::read(&path).expect("still there") != content {
            changed.push(format!("{file} of {} bytes: {said}", content.len()));
        }
    }
    assert!(
        changed.is_empty(),
        "a refused start has changed {changed:#?}"
    );
}

/// P3: a byte that changed on the disk is found at the start or when it is read, or does no harm.
#[tokio::test]
async fn a_flipped_byte_in_the_database_is_never_taken_for_data() {
    let mut world = World::synced(Setup::new(300).keeping(&[])).await;
    let before = world.mirrored().await;
    assert!(world.stop().await.success());
    let database = world.home.data().join("db/db");
    let whole = fs::read(&database).expect("a database");
    let sound = world.home.path("sound");
    copy(&world.home.data(), &sound);
    let (mut refused, mut changed) = (0, Vec::new());
    for tenth in 0..10 {
        fs::remove_dir_all(world.home.data()).expect("ours");
        copy(&sound, &world.home.data());
        let mut bytes = whole.clone();
        let place = whole.len() * tenth / 10 + 97;
        bytes[place] ^= 0x20;
        fs::write(&database, &bytes).expect("ours");
        match world.try_start().await {
            Err(said) => {
                refused += 1;
                assert!(
                    said.contains("restore") && said.contains("error: "),
                    "byte {place}: {said}"
                );
                let left = fs::read(&database).expect("still there");
                if left != bytes {
                    let differing = left
                        .iter()
                        .zip(&bytes)
                        .filter(|(left, was)| left != was)
                        .count();
                    changed.push(format!(
                        "byte {place} of {}: {differing} others changed, {} left",
                        bytes.len(),
                        left.len()
                    ));
                }
            }
            Ok(()) => {
                if let Ok(read) = world.try_mirrored().await {
                    assert!(read == before, "byte {place} changed or lost a document");
                }
                world.kill().await;
            }
        }
    }
    assert!(refused > 0, "some of the bytes count");
    assert!(
        changed.is_empty(),
        "a refused start has changed the data: {changed:#?}"
    );
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("ours");
    for entry in fs::read_dir(from).expect("ours") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("ours");
        }
    }
}

#[tokio::test]
async fn a_folder_with_other_files_is_not_taken_for_a_data_directory() {
    let home = Home::new();
    fs::create_dir(home.data()).expect("a folder");
    fs::write(home.data().join("thesis.txt"), "years of work").expect("a file");
    let said = sentence(&at(&home.data(), &FREE), &[]).await;
    assert!(said.contains("thesis.txt"), "{said}");
    let left: Vec<_> = fs::read_dir(home.data()).expect("a folder").collect();
    assert_eq!(left.len(), 1);
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_made_is_named() {
    let home = Home::new();
    let file = home.path("file");
    fs::write(&file, "").expect("a file");
    let below = file.join("data");
    let said = sentence(&at(&below, &FREE), &[]).await;
    assert!(said.contains(below.to_str().expect("UTF-8")), "{said}");
}

/// Not for root, who may write anywhere.
#[tokio::test]
async fn a_data_directory_that_may_not_be_written_is_named() {
    let home = Home::new();
    fs::create_dir(home.data()).expect("a folder");
    fs::set_permissions(home.data(), fs::Permissions::from_mode(0o500)).expect("ours");
    let root = fs::write(home.data().join("probe"), "").is_ok();
    if root {
        fs::remove_file(home.data().join("probe")).expect("ours");
    } else {
        let said = sentence(&at(&home.data(), &FREE), &[]).await;
        assert!(
            said.contains(home.data().to_str().expect("UTF-8")),
            "{said}"
        );
    }
    fs::set_permissions(home.data(), fs::Permissions::from_mode(0o700)).expect("ours");
}

#[tokio::test]
async fn a_bad_setting_is_named_with_its_source_before_anything_is_opened() {
    let home = Home::new();
    let data = home.data();
    let file = home.path("fulcrum.toml");
    let name = file.to_str().expect("UTF-8");
    let cases = [
        ("[server]\nlistn = \"127.0.0.1:1\"\n", "listn"),
        ("[pull]\nsweep_interval = \"soon\"\n", "sweep_interval"),
        ("[lever]\nrequests_per_second = 0\n", "requests_per_second"),
        ("[lever\n", "TOML"),
        ("[nonsense]\nx = 1\n", "nonsense"),
    ];
    for (content, named) in cases {
        fs::write(&file, content).expect("a file");
        // The rate of the scenarios would win over that of the file.
        let mut command = program();
        command
            .env_remove("FULCRUM__LEVER__REQUESTS_PER_SECOND")
            .arg("serve")
            .args(at(&data, &FREE));
        let said = sentence_of(command.args(["--config", name])).await;
        assert!(
            said.contains(named) && said.contains("fulcrum.toml"),
            "{content}: {said}"
        );
    }
    for (variable, value) in [
        ("FULCRUM__SERVER__LISTN", "127.0.0.1:1"),
        ("FULCRUM__PUSH__PARALLEL", "many"),
        ("FULCRUM__PUSH__PARALLEL", "0"),
        ("FULCRUM__STORE__CACHE_SIZE", "12 parsecs"),
    ] {
        let said = sentence(&at(&data, &FREE), &[(variable, value)]).await;
        assert!(said.contains(variable), "{variable}={value}: {said}");
    }
    let said = sentence(
        &at(
            &data,
            &[&FREE[..], &["--config", "/no/such/file.toml"]].concat(),
        ),
        &[],
    )
    .await;
    assert!(said.contains("/no/such/file.toml"), "{said}");
    assert!(!data.exists(), "nothing was opened");
}

#[tokio::test]
async fn an_address_that_others_can_reach_needs_a_token() {
    let home = Home::new();
    let said = sentence(
        &at(
            &home.data(),
            &["--listen", "0.0.0.0:0", "--http-listen", "127.0.0.1:0"],
        ),
        &[],
    )
    .await;
    assert!(
        said.contains("token create") && said.contains("server.listen"),
        "{said}"
    );
    let said = sentence(
        &at(
            &home.data(),
            &["--listen", "127.0.0.1:0", "--http-listen", "0.0.0.0:0"],
        ),
        &[],
    )
    .await;
    assert!(said.contains("server.http_listen"), "{said}");
}
