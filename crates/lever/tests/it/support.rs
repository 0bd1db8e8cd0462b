//! What the tests share: a client that does not wait, and the recorded documents.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use lever::{Attempt, BaseUrl, Budget, BudgetConfig, Client, Credential, Http, Limits};

/// A client with no pauses between attempts and a budget that never makes it wait.
pub(crate) fn client(address: &str) -> Client {
    let budget = BudgetConfig {
        rate_per_second: 1_000.0,
        burst: 100,
        ..BudgetConfig::default()
    };
    client_with(address, budget)
}

/// The same client with a budget of these settings.
pub(crate) fn client_with(address: &str, budget: BudgetConfig) -> Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let base_url = BaseUrl::parse(&format!("{address}/v1")).unwrap();
    let limits = Limits {
        max_attempts: 3,
        deadline: Duration::from_secs(20),
        ..Limits::default()
    };
    Client::new(
        Http::new().unwrap(),
        base_url,
        Credential::api_key("secret-key-1234".into()),
        Arc::new(Budget::new(budget)),
        limits,
    )
    .with_jitter(Arc::new(|| 0.0))
}

/// The same client, and the attempts it made so far.
pub(crate) fn observed(client: &Client) -> (Client, Arc<Mutex<Vec<Attempt>>>) {
    let attempts = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&attempts);
    let client = client.with_observer(Arc::new(move |attempt: &Attempt| {
        seen.lock().unwrap().push(*attempt)
    }));
    (client, attempts)
}

/// A recorded document, or nothing when the folder is not given.
#[expect(
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a skipped test says so"
)]
pub(crate) fn document(name: &str) -> Option<String> {
    let Some(folder) = std::env::var_os("FULCRUM_LEVER_DOCS") else {
        eprintln!("skipped: FULCRUM_LEVER_DOCS names no folder with {name}");
        return None;
    };
    let path = PathBuf::from(folder).join(name);
    Some(
        std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display())),
    )
}
