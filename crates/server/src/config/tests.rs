use std::path::Path;

use super::*;

fn file(text: &str) -> Result<Settings, String> {
    let layer = Layer::text(Path::new("/etc/x.toml"), text).map_err(|error| error.to_string())?;
    Settings::from_layers(vec![layer]).map_err(|error| error.to_string())
}

fn variable(name: &str, value: &str) -> Result<Settings, String> {
    let layer = Layer::variables(vec![(name.to_owned(), value.to_owned())]);
    Settings::from_layers(vec![layer]).map_err(|error| error.to_string())
}

fn keys(value: &toml::Value, prefix: &str) -> Vec<String> {
    match value.as_table() {
        Some(table) => table
            .iter()
            .flat_map(|(name, value)| keys(value, &format!("{prefix}/{name}")))
            .collect(),
        None => vec![prefix.to_owned()],
    }
}

#[test]
fn every_key_of_the_shipped_file_is_a_field_and_every_field_a_key() {
    let shipped: toml::Value =
        toml::from_str(include_str!("../../../../config/fulcrum.toml")).unwrap();
    let fields = toml::Value::try_from(Settings::default()).unwrap();
    let (mut shipped, mut fields) = (keys(&shipped, ""), keys(&fields, ""));
    shipped.sort();
    fields.sort();
    assert_eq!(shipped, fields);
}

#[test]
fn a_document_that_is_no_toml_is_told_by_its_place_and_not_by_what_it_says() {
    for text in [
        "[store]\nmaster_key = \"c648361450145",
        "[lever]\noauth_client_secret = c648361450145",
        "[lever]\noauth_client_secret = \"c648361450145\nx",
        "[lever]\noauth_client_secret = \"c648361450145\" x",
    ] {
        let error = file(text).unwrap_err();
        assert!(
            error.starts_with("/etc/x.toml is not valid TOML: "),
            "{error}"
        );
        assert!(error.contains("line 2, column "), "{error}");
        assert!(!error.contains("c648"), "{error}");
    }
}

#[test]
fn every_key_of_the_shipped_file_has_a_comment_above_it() {
    let mut above = "";
    for line in include_str!("../../../../config/fulcrum.toml").lines() {
        if line.contains(" = ") && !line.starts_with('#') {
            assert!(above.starts_with('#'), "{line}");
        }
        above = line;
    }
}

#[test]
fn a_secret_is_never_shown() {
    let both = |secret: &str| {
        file(&format!(
            "[lever]\noauth_client_id = \"id\"\noauth_client_secret = {secret}"
        ))
    };
    let settings = both("\"hunter2\"").unwrap();
    assert!(settings.lever.oauth_client_secret.get().is_some());
    let shown = format!("{settings:?} {}", toml::to_string(&settings).unwrap());
    assert!(!shown.contains("hunter2"), "{shown}");
    for mistyped in ["4711", "-4711", "47.11", "[4711]", "{ x = 4711 }"] {
        let error = both(mistyped).unwrap_err();
        assert!(error.contains("oauth_client_secret"), "{error}");
        assert!(!error.contains("47"), "{error}");
    }
}

#[test]
fn a_master_key_that_is_none_is_told_by_its_setting_and_never_shown() {
    let name = "FULCRUM__STORE__MASTER_KEY";
    for bad in ["hunter2", &"a7".repeat(31), &"zz".repeat(32)] {
        let error = variable(name, bad).unwrap_err();
        let place = format!("{name} in the environment: expected master keys of 64");
        assert!(error.starts_with(&place), "{error}");
        assert!(!error.contains(bad), "{error}");
    }
    let keys = variable(name, &format!("{},{}", "a7".repeat(32), "b8".repeat(32))).unwrap();
    assert_eq!(keys.store.master_keys().unwrap().len(), 2);
    let shown = format!("{keys:?} {}", toml::to_string(&keys).unwrap());
    assert!(!shown.contains("a7a7"), "{shown}");
    let text = "[store]\nmaster_key_file = \"x\"\nmaster_key = ";
    let both = file(&format!("{text}\"{}\"", "a7".repeat(32))).unwrap_err();
    assert!(
        both.contains("found both") && !both.contains("a7"),
        "{both}"
    );
}

#[test]
fn an_oauth_client_is_whole_or_not_there() {
    for half in ["oauth_client_id", "oauth_client_secret"] {
        let error = file(&format!("[lever]\n{half} = \"x\"")).unwrap_err();
        let given = format!("`lever.{half}` in /etc/x.toml: ");
        assert!(
            error.starts_with(&given) && error.contains("set both or neither"),
            "{error}"
        );
    }
}

#[test]
fn an_address_for_lever_is_checked() {
    for bad in ["fulcrum.example.com", "https://a:b@x", "https://x?y=1"] {
        let error = file(&format!("[server]\npublic_url = \"{bad}\"")).unwrap_err();
        assert!(error.contains("server.public_url"), "{error}");
    }
    assert!(file("[server]\npublic_url = \"https://fulcrum.example.com/x\"").is_ok());
}

#[test]
fn lever_delivers_to_https_and_tests_to_this_machine() {
    let set = |url: &str| file(&format!("[server]\npublic_url = \"{url}\""));
    for far in [
        "http://fulcrum.example.com",
        "http://10.0.0.1:80/x",
        "http://localhost.example.com",
    ] {
        let error = set(far).unwrap_err();
        assert!(
            error.contains("public_url") && error.contains("https"),
            "{error}"
        );
    }
    for near in [
        "http://127.0.0.1:7461",
        "http://[::1]:1/x",
        "http://localhost:1",
        "HTTPS://x.example",
    ] {
        assert!(set(near).is_ok(), "{near}");
    }
}

#[test]
fn the_page_cache_has_bounds() {
    for size in ["0B", "300B", "999KB", "2TB"] {
        let error = file(&format!("[store]\ncache_size = \"{size}\"")).unwrap_err();
        let expected =
            format!("`store.cache_size` in /etc/x.toml: expected 1MB to 1TB, found {size}");
        assert_eq!(error, expected);
    }
    assert!(file("[store]\ncache_size = \"1MiB\"").is_ok());
}

#[test]
fn a_certificate_and_its_key_come_together() {
    for (half, named) in [
        ("tls_cert = \"x\"", "`server.tls_cert` in /etc/x.toml"),
        ("tls_key = \"x\"", "`server.tls_key` in /etc/x.toml"),
        (
            "tls_client_ca = \"x\"",
            "`server.tls_client_ca` in /etc/x.toml",
        ),
    ] {
        let error = file(&format!("[server]\n{half}")).unwrap_err();
        assert!(error.starts_with(named), "{error}");
    }
    assert!(file("[server]\ntls_cert = \"x\"\ntls_key = \"y\"\ntls_client_ca = \"z\"").is_ok());
}

#[test]
fn what_is_kept_for_a_time_has_bounds() {
    for (key, found, told, most) in [
        ("changes_kept", "59s", "59s", "7d"),
        ("changes_kept", "8d", "691200s", "7d"),
        ("logs_kept", "0s", "0ns", "90d"),
        ("logs_kept", "91d", "7862400s", "90d"),
    ] {
        let error = file(&format!("[store]\n{key} = \"{found}\"")).unwrap_err();
        let expected = format!("`store.{key}` in /etc/x.toml: expected 1m to {most}, found {told}");
        assert_eq!(error, expected);
    }
    assert!(file("[store]\nchanges_kept = \"1m\"\nlogs_kept = \"90d\"").is_ok());
}

#[test]
fn limits_have_bounds() {
    for (bad, expected) in [
        ("connections = 15", "16 to 100000"),
        ("rate_per_token = 0", "1 to 1000000"),
        ("tokens = 0", "1 to 100000"),
        ("header_size = \"3KB\"", "4KB to 1MB, found 3KB"),
        ("handshake = \"99ms\"", "at least 100ms"),
        ("longest_call = \"0s\"", "at least 1s"),
    ] {
        let key = bad.split(' ').next().unwrap();
        let error = file(&format!("[limits]\n{bad}")).unwrap_err();
        let named = format!("limits.{key}");
        assert!(
            error.contains(&named) && error.contains(expected),
            "{error}"
        );
    }
}

#[test]
fn later_layers_win() {
    let path = Path::new("/etc/x.toml");
    let text =
        "[store]\ndir = \"from-file\"\ncache_size = \"1GB\"\n[server]\nlisten = \"127.0.0.1:1\"";
    let variables = [
        ("FULCRUM__STORE__DIR", "from-variable"),
        ("FULCRUM__SERVER__LISTEN", "127.0.0.1:2"),
    ];
    let variables = variables
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    let flags = Flags {
        listen: Some(([127, 0, 0, 1], 3).into()),
        ..Flags::default()
    };
    let layers = vec![
        Layer::text(path, text).unwrap(),
        Layer::variables(variables),
        Layer::flags(&flags),
    ];
    let settings = Settings::from_layers(layers).unwrap();
    assert_eq!(settings.store.cache_size, 1_000_000_000);
    assert_eq!(settings.store.dir, Path::new("from-variable"));
    assert_eq!(settings.server.listen.port(), 3);
    assert_eq!(settings.lever, Settings::default().lever);
}

#[test]
fn an_unknown_key_names_its_layer_and_the_nearest_key() {
    assert_eq!(
        file("[server]\nlissen = \"127.0.0.1:1\"").unwrap_err(),
        "`server.lissen` in /etc/x.toml is not a setting; the nearest one is `server.listen`"
    );
    assert_eq!(
        file("listen = \"127.0.0.1:1\"").unwrap_err(),
        "`listen` in /etc/x.toml is not a setting; the nearest one is `server.listen`"
    );
    assert_eq!(
        variable("FULCRUM__STORE__DIRR", "x").unwrap_err(),
        "FULCRUM__STORE__DIRR in the environment is not a setting; the nearest one is FULCRUM__STORE__DIR"
    );
    assert_eq!(
        variable("FULCRUM__STORE__MOON_PHASE", "x").unwrap_err(),
        "FULCRUM__STORE__MOON_PHASE in the environment is not a setting; config/fulcrum.toml lists all there are"
    );
}

#[test]
fn a_wrong_value_names_its_layer_and_what_was_expected() {
    let cases = [
        (
            file("[server]\nlisten = 7460"),
            "`server.listen` in /etc/x.toml: expected an address such as 127.0.0.1:7460, found 7460",
        ),
        (
            variable("FULCRUM__SERVER__LISTEN", "localhost"),
            "FULCRUM__SERVER__LISTEN in the environment: expected an address such as 127.0.0.1:7460, found \"localhost\"",
        ),
        (
            variable("FULCRUM__LEVER__ALLOW_BASE_URL", "yes"),
            "FULCRUM__LEVER__ALLOW_BASE_URL in the environment: expected true or false, found \"yes\"",
        ),
        (
            file("[pull]\nsweep_interval = \"daily\""),
            "`pull.sweep_interval` in /etc/x.toml: expected a duration such as \"30s\", \"10m\" or \"24h\", found \"daily\"",
        ),
        (
            file("[log]\nformat = \"xml\""),
            "`log.format` in /etc/x.toml: expected one of text, json, found \"xml\"",
        ),
        (
            file("[lever]\nburst = 0"),
            "`lever.burst` in /etc/x.toml: expected 1 to 1000, found 0",
        ),
        (
            file("[lever]\nburst = 3"),
            "`lever.burst` in /etc/x.toml: expected more than `lever.interactive_reserve` (3), found 3",
        ),
        (
            file("[lever]\nburst = \"10\""),
            "`lever.burst` in /etc/x.toml: expected a whole number from 0 to 4294967295, found \"10\" in quotes",
        ),
        (
            variable("FULCRUM__LEVER__INTERACTIVE_RESERVE", "10"),
            "FULCRUM__LEVER__INTERACTIVE_RESERVE in the environment: expected less than `lever.burst` (10), found 10",
        ),
        (
            file("[push]\nlooks = 0"),
            "`push.looks` in /etc/x.toml: expected 2 to 10, found 0",
        ),
        (
            file("[limits]\ncalls = -1"),
            "`limits.calls` in /etc/x.toml: expected a whole number, 0 or more, found -1",
        ),
        (
            file("[store]\nreserve_size = \"1 parsec\""),
            "`store.reserve_size` in /etc/x.toml: expected a whole number with B, KB, MB, GB, TB, KiB, MiB, GiB or TiB, such as \"512MB\", found \"1 parsec\"",
        ),
        (
            file("server = 3"),
            "`server` in /etc/x.toml: expected settings below it, as in [server] of config/fulcrum.toml, found a value",
        ),
        (
            variable("FULCRUM__STORE__DIR", ""),
            "FULCRUM__STORE__DIR in the environment: expected the path of a folder, found none",
        ),
        (
            file("[log]\nlevel = \"infoo\""),
            "`log.level` in /etc/x.toml: expected one of off, error, warn, info, debug, trace, or module=level, found \"infoo\"",
        ),
    ];
    for (settings, expected) in cases {
        assert_eq!(settings.unwrap_err(), expected);
    }
}

#[test]
fn reading_back_is_switched_off_only_where_another_lever_may_be_named() {
    let tested = "[push]\nlooks = 0\n[lever]\nallow_base_url = true";
    assert_eq!(file(tested).unwrap().push.looks, 0);
}

#[test]
fn a_number_or_a_section_in_the_wrong_place_is_an_error_not_a_panic() {
    for text in [
        "server = 5",
        "[server.listen]\nx = 1",
        "[[server]]",
        "\u{0}",
        "[lever]\nrequests_per_second = nan",
    ] {
        assert!(file(text).unwrap_err().contains("/etc/x.toml"), "{text}");
    }
}

#[test]
fn variables_are_read_by_the_type_of_their_setting() {
    assert_eq!(
        variable("FULCRUM__STORE__DIR", "2024").unwrap().store.dir,
        Path::new("2024")
    );
    assert_eq!(
        variable("FULCRUM__LEVER__BURST", "7").unwrap().lever.burst,
        7
    );
    assert_eq!(
        variable("FULCRUM__LEVER__REQUESTS_PER_SECOND", "8")
            .unwrap()
            .lever
            .requests_per_second,
        8.0
    );
    assert!(
        variable("FULCRUM__LEVER__ALLOW_BASE_URL", "true")
            .unwrap()
            .lever
            .allow_base_url
    );
}

#[test]
fn a_missing_file_is_named() {
    let error = Settings::load(
        Some(Path::new("/nonexistent/fulcrum.toml")),
        &Flags::default(),
    )
    .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot read the configuration /nonexistent/fulcrum.toml"),
        "{error}"
    );
}
