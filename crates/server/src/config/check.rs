//! Bounds that the types cannot hold.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::{Lever, Limits, Server, Settings, Store, master_keys, units};

/// Below this the database panics on some data, and above it no machine has the memory.
const CACHE_BYTES: RangeInclusive<u64> = 1_000_000..=1_000_000_000_000;

/// A setting that makes no sense.
#[derive(Debug, PartialEq)]
pub(super) struct Fault {
    /// Section and key, with a dot between.
    pub(super) key: &'static str,
    /// What was expected, and what was found.
    pub(super) problem: String,
}

/// Finds the first setting out of its bounds.
pub(super) fn check(settings: &Settings) -> Result<(), Fault> {
    let Settings {
        server,
        store,
        limits,
        lever,
        pull,
        push,
        log,
        ..
    } = settings;
    sized(
        "server.max_message_size",
        server.max_message_size,
        64_000..=1_000_000_000,
    )?;
    folder(store)?;
    sized("store.cache_size", store.cache_size, CACHE_BYTES)?;
    within(
        "store.snapshots_kept",
        store.snapshots_kept as u64,
        1..=1_000,
    )?;
    for (key, value, most) in [
        ("store.changes_kept", store.changes_kept, "7d"),
        ("store.logs_kept", store.logs_kept, "90d"),
    ] {
        let bounds = units::parse_duration("1m")..=units::parse_duration(most);
        if !bounds.contains(&Some(value)) {
            return fault(key, format!("expected 1m to {most}, found {value:?}"));
        }
    }
    if server.listen == server.http_listen && server.listen.port() != 0 {
        return fault(
            "server.http_listen",
            "expected another address than `server.listen`".to_owned(),
        );
    }
    public_address(&server.public_url)?;
    master_key(store)?;
    certificates(server)?;
    check_limits(limits)?;
    address("lever.oauth_url", &lever.oauth_url)?;
    oauth_client(lever)?;
    if !(lever.requests_per_second > 0.0 && lever.requests_per_second <= 1_000.0) {
        let found = lever.requests_per_second;
        return fault(
            "lever.requests_per_second",
            format!("expected more than 0 and at most 1000, found {found}"),
        );
    }
    if !(0.0..=0.9).contains(&lever.share_left) {
        return fault(
            "lever.share_left",
            format!("expected 0 to 0.9, found {}", lever.share_left),
        );
    }
    within("lever.burst", u64::from(lever.burst), 1..=1_000)?;
    if lever.interactive_reserve >= lever.burst {
        let (reserve, burst) = (lever.interactive_reserve, lever.burst);
        // Whoever has set one of them alone looks for that one.
        if reserve == Settings::default().lever.interactive_reserve {
            return fault(
                "lever.burst",
                format!(
                    "expected more than `lever.interactive_reserve` ({reserve}), found {burst}"
                ),
            );
        }
        return fault(
            "lever.interactive_reserve",
            format!("expected less than `lever.burst` ({burst}), found {reserve}"),
        );
    }
    within("lever.max_attempts", u64::from(lever.max_attempts), 1..=20)?;
    above_zero("lever.attempt_timeout", lever.attempt_timeout)?;
    above_zero("lever.deadline", lever.deadline)?;
    for (key, interval) in [
        ("pull.account_interval", pull.account_interval),
        ("pull.postings_interval", pull.postings_interval),
        ("pull.opportunities_interval", pull.opportunities_interval),
        ("pull.inbound_interval", pull.inbound_interval),
        ("pull.deleted_interval", pull.deleted_interval),
        ("pull.sweep_interval", pull.sweep_interval),
        ("pull.children_recheck", pull.children_recheck),
    ] {
        above_zero(key, interval)?;
    }
    within(
        "pull.children_parallel",
        pull.children_parallel as u64,
        1..=64,
    )?;
    within("push.parallel", push.parallel as u64, 1..=256)?;
    // Fewer looks make writes happen twice: for tests of Fulcrum itself, which name their own Lever.
    let fewest = if lever.allow_base_url { 0 } else { 2 };
    within("push.looks", u64::from(push.looks), fewest..=10)?;
    if push.default_wait > Duration::from_secs(60) {
        return fault(
            "push.default_wait",
            format!("expected at most 60s, found {:?}", push.default_wait),
        );
    }
    directives(&log.level)
}

fn master_key(store: &Store) -> Result<(), Fault> {
    let Some(keys) = store.master_key.get() else {
        return Ok(());
    };
    if !store.master_key_file.as_os_str().is_empty() {
        let expected = "expected one of this and `store.master_key_file`, found both";
        return fault("store.master_key", expected.to_owned());
    }
    match master_keys::parse(keys.expose_secret()) {
        Ok(_) => Ok(()),
        Err(problem) => fault("store.master_key", problem),
    }
}

fn folder(store: &Store) -> Result<(), Fault> {
    if store.dir.as_os_str().is_empty() {
        return fault(
            "store.dir",
            "expected the path of a folder, found none".to_owned(),
        );
    }
    Ok(())
}

/// A certificate needs its key, and who asks callers for theirs needs one of its own.
fn certificates(server: &Server) -> Result<(), Fault> {
    let given = |path: &Path| !path.as_os_str().is_empty();
    both_or_neither(
        ("server.tls_cert", given(&server.tls_cert)),
        ("server.tls_key", given(&server.tls_key)),
    )?;
    if given(&server.tls_client_ca) && !given(&server.tls_cert) {
        return fault(
            "server.tls_client_ca",
            "expected it together with `server.tls_cert` and `server.tls_key` only".to_owned(),
        );
    }
    Ok(())
}

fn oauth_client(lever: &Lever) -> Result<(), Fault> {
    both_or_neither(
        ("lever.oauth_client_id", !lever.oauth_client_id.is_empty()),
        (
            "lever.oauth_client_secret",
            lever.oauth_client_secret.get().is_some(),
        ),
    )
}

/// The fault is that of the one that was given, so that its layer is told.
fn both_or_neither(one: (&'static str, bool), other: (&'static str, bool)) -> Result<(), Fault> {
    let (given, missing) = match (one.1, other.1) {
        (true, false) => (one.0, other.0),
        (false, true) => (other.0, one.0),
        _ => return Ok(()),
    };
    fault(
        given,
        format!("expected it together with `{missing}`: set both or neither"),
    )
}

fn check_limits(limits: &Limits) -> Result<(), Fault> {
    const MANY: u64 = 1_000_000;
    let counts = [
        (
            "limits.connections",
            limits.connections as u64,
            16..=100_000,
        ),
        (
            "limits.calls_per_connection",
            u64::from(limits.calls_per_connection),
            1..=100_000,
        ),
        ("limits.calls", limits.calls as u64, 16..=MANY),
        (
            "limits.calls_per_token",
            limits.calls_per_token as u64,
            1..=MANY,
        ),
        (
            "limits.streams_per_token",
            limits.streams_per_token as u64,
            1..=MANY,
        ),
        (
            "limits.health_watches",
            limits.health_watches as u64,
            1..=1_000,
        ),
        (
            "limits.rate_per_token",
            u64::from(limits.rate_per_token),
            1..=MANY,
        ),
        ("limits.tokens", limits.tokens as u64, 1..=100_000),
    ];
    for (key, value, bounds) in counts {
        within(key, value, bounds)?;
    }
    sized("limits.header_size", limits.header_size, 4_000..=MANY)?;
    sized("limits.unread_size", limits.unread_size, MANY..=MANY * MANY)?;
    let (second, moment) = (Duration::from_secs(1), Duration::from_millis(100));
    for (key, value, least) in [
        ("limits.longest_call", limits.longest_call, second),
        ("limits.handshake", limits.handshake, moment),
        ("limits.keepalive", limits.keepalive, second),
        ("limits.connection_age", limits.connection_age, second),
        ("limits.unread", limits.unread, moment),
    ] {
        if value < least {
            return fault(key, format!("expected at least {least:?}, found {value:?}"));
        }
    }
    Ok(())
}

fn fault(key: &'static str, problem: String) -> Result<(), Fault> {
    Err(Fault { key, problem })
}

fn within(key: &'static str, value: u64, bounds: RangeInclusive<u64>) -> Result<(), Fault> {
    if bounds.contains(&value) {
        return Ok(());
    }
    fault(
        key,
        format!(
            "expected {} to {}, found {value}",
            bounds.start(),
            bounds.end()
        ),
    )
}

/// As [`within`], told as sizes are written.
fn sized(key: &'static str, value: u64, bounds: RangeInclusive<u64>) -> Result<(), Fault> {
    if bounds.contains(&value) {
        return Ok(());
    }
    let [least, most, found] = [*bounds.start(), *bounds.end(), value].map(units::written_size);
    fault(key, format!("expected {least} to {most}, found {found}"))
}

/// Where Lever delivers to, or none: Lever takes https alone, and tests on one machine have no certificate.
fn public_address(text: &str) -> Result<(), Fault> {
    let key = "server.public_url";
    address(key, text)?;
    let Ok(base) = lever::BaseUrl::parse(text) else {
        return Ok(());
    };
    match base.as_str().strip_prefix("http://") {
        Some(rest) if !is_loopback(rest) => fault(
            key,
            format!("expected https, the only way that Lever delivers, found \"{text}\""),
        ),
        _ => Ok(()),
    }
}

/// Whether the host of an address without its scheme is this machine.
fn is_loopback(rest: &str) -> bool {
    let place = rest.split('/').next().unwrap_or_default();
    let ip = |text: &str| text.parse::<IpAddr>().ok();
    let address = place.parse::<SocketAddr>().map(|address| address.ip());
    let host = place.split(':').next().unwrap_or_default();
    match address.ok().or_else(|| ip(place.trim_matches(['[', ']']))) {
        Some(ip) => ip.is_loopback(),
        None => host.eq_ignore_ascii_case("localhost"),
    }
}

/// An address to send requests to, or none.
fn address(key: &'static str, text: &str) -> Result<(), Fault> {
    if text.is_empty() || lever::BaseUrl::parse(text).is_ok() {
        return Ok(());
    }
    fault(
        key,
        "expected an address such as \"https://fulcrum.example.com\", without credentials or a query".to_owned(),
    )
}

fn above_zero(key: &'static str, value: Duration) -> Result<(), Fault> {
    if value > Duration::ZERO {
        Ok(())
    } else {
        fault(key, "expected a duration above zero".to_owned())
    }
}

/// The filter takes a misspelled level for the name of a module and then logs nothing of the rest, so it is refused here.
fn directives(level: &str) -> Result<(), Fault> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    for directive in level.split(',').map(str::trim) {
        let level = directive
            .rsplit_once('=')
            .map_or(directive, |(_, level)| level);
        if !LEVELS.contains(&level.to_ascii_lowercase().as_str()) {
            let expected = LEVELS.join(", ");
            return fault(
                "log.level",
                format!("expected one of {expected}, or module=level, found \"{directive}\""),
            );
        }
    }
    match tracing_subscriber::EnvFilter::builder().parse(level) {
        Ok(_) => Ok(()),
        Err(error) => fault("log.level", error.to_string()),
    }
}
