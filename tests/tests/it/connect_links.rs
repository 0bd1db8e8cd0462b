//! Links by which somebody at the customer connects an account: once, with a key or by consent, and with nothing else.

use lever_sim::{
    Config, Consent, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_KEY, Key, Population, Sim,
};
use proto::v1 as pb;
use reqwest::StatusCode;
use reqwest::redirect::Policy;
use tonic::{Code, Status};

use crate::console::{Browser, Page, csrf};
use crate::secrets::Readable;
use crate::support::{Api, Setup, World, client, now, refused, until};

const PUBLIC: &str = "https://fulcrum.test";

/// A service that is a client of Lever's authority and can be reached from outside.
async fn world(opportunities: usize) -> World {
    let mut setup =
        Setup::new(opportunities).with("FULCRUM__SERVER__PUBLIC_URL", &format!("{PUBLIC}/"));
    // The other account of this Lever has the other key.
    setup.lever.keys.push(Key::all(OTHER_KEY));
    let world = World::new(setup).await;
    let mut world = world.configured_like(|lever| {
        vec![
            (
                "FULCRUM__LEVER__OAUTH_CLIENT_ID",
                DEFAULT_CLIENT_ID.to_owned(),
            ),
            (
                "FULCRUM__LEVER__OAUTH_CLIENT_SECRET",
                DEFAULT_CLIENT_SECRET.to_owned(),
            ),
            ("FULCRUM__LEVER__OAUTH_URL", lever.auth_url()),
        ]
    });
    world.stop().await;
    world.start().await;
    world
}

const OTHER_KEY: &str = "another-key-of-the-same-account-0003";

/// Another Lever, and so another account.
async fn another_lever(seed: u64) -> Sim {
    let started = Sim::start(Config {
        population: Population {
            opportunities: 5,
            seed,
        },
        ..Config::default()
    });
    started.await.expect("a loopback port")
}

fn for_a_new_account(world: &World) -> pb::CreateConnectLinkRequest {
    pb::CreateConnectLinkRequest {
        display_name: "Acme <Recruiting>".to_owned(),
        base_url: world.lever.base_url(),
        ..Default::default()
    }
}

/// Makes a link; gives the path it leads to, and what is told of it.
async fn made(
    api: &Api,
    request: pb::CreateConnectLinkRequest,
) -> Result<(String, pb::ConnectLink), Status> {
    let answer = api.connections().create_connect_link(request).await?;
    let answer = answer.into_inner();
    let path = answer.url.strip_prefix(PUBLIC).unwrap_or(&answer.url);
    assert!(path.starts_with("/connect/fcl_"), "{path}");
    Ok((path.to_owned(), answer.link.expect("a link")))
}

async fn links(api: &Api) -> Vec<pb::ConnectLink> {
    let all = pb::ListConnectLinksRequest::default();
    let answer = api.connections().list_connect_links(all).await;
    answer.expect("a list").into_inner().links
}

async fn connections(api: &Api) -> Vec<pb::Connection> {
    let all = pb::ListConnectionsRequest::default();
    let answer = api.connections().list_connections(all).await;
    answer.expect("a list").into_inner().connections
}

/// Where Lever sends somebody back to who answers what the page asks.
async fn at_lever(page: &Page) -> String {
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
    let answer = client(Policy::none()).get(&page.to).send().await;
    let back = answer.expect("an answer").headers()["location"].clone();
    let back = back.to_str().expect("ASCII");
    let path = back.strip_prefix(PUBLIC).expect("back to us");
    assert!(path.starts_with("/connect/callback?"), "{path}");
    path.to_owned()
}

#[tokio::test]
async fn a_key_given_by_a_link_starts_the_import_and_a_wrong_one_uses_nothing_up() {
    let mut world = world(30).await;
    let (path, link) = made(&world.api, for_a_new_account(&world))
        .await
        .expect("made");
    assert_eq!(link.state(), pb::ConnectLinkState::Open);
    assert_eq!(link.created_by, "local");
    let mut guest = Browser::new(&world);
    let page = guest.open(&path).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("Acme &lt;Recruiting&gt;"));
    let place = |words: &str| page.text.find(words);
    assert!(place("What Fulcrum reads from Lever") < place("<form"));
    assert!(
        !page.text.contains("href=\"/console\""),
        "no way into the console"
    );
    let raw = client(Policy::none())
        .get(format!("http://{}{path}", world.service().http))
        .send()
        .await
        .expect("an answer");
    assert_eq!(raw.headers()["referrer-policy"], "no-referrer");
    assert_eq!(raw.headers()["cache-control"], "no-store");
    let policy = raw.headers()["content-security-policy"].to_str();
    assert!(policy.expect("ASCII").contains("default-src 'none'"));

    let wrong = guest
        .post(&path, &[("api_key", "no-key-of-this-lever")])
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        wrong.text.contains("The link still works."),
        "{}",
        wrong.text
    );
    assert!(!wrong.text.contains("no-key-of-this-lever"));
    assert!(connections(&world.api).await.is_empty());
    let torn = guest.post(&path, &[("api_key", "two words")]).await;
    assert_eq!(torn.status, StatusCode::UNPROCESSABLE_ENTITY);

    let connected = guest.post(&path, &[("api_key", DEFAULT_KEY)]).await;
    assert_eq!(connected.to, path, "{}", connected.text);
    let after = guest.open(&path).await;
    assert!(after.text.contains("Lever is connected") && !after.text.contains("<form"));
    let [used] = &links(&world.api).await[..] else {
        panic!("one link was made");
    };
    assert_eq!(used.state(), pb::ConnectLinkState::Used);
    world.connection = used.connection_id.clone();
    let known = connections(&world.api).await;
    assert_eq!(known[0].id, used.connection_id);
    assert_eq!(known[0].display_name, "Acme <Recruiting>");
    world.until_synced().await;
    let log = world.home.log();
    let told = log
        .lines()
        .find(|line| line.contains("connected by a link"));
    let told = told.expect("the log tells of it");
    assert!(told.contains(&used.id) && told.contains("\"made_by\":\"local\""));
}

#[tokio::test]
async fn a_link_that_is_opened_and_posted_twice_at_once_connects_one_account() {
    let world = world(5).await;
    for round in 1..=5 {
        let (path, _link) = made(&world.api, for_a_new_account(&world))
            .await
            .expect("made");
        let key = [("api_key", DEFAULT_KEY)];
        let (mut one, mut other) = (Browser::new(&world), Browser::new(&world));
        let opened = tokio::join!(one.open(&path), other.open(&path));
        assert!(opened.0.text.contains("<form") && opened.1.text.contains("<form"));
        let posted = tokio::join!(one.post(&path, &key), other.post(&path, &key));
        for page in [posted.0, posted.1] {
            assert_eq!(page.to, path, "{}", page.text);
        }
        assert!(other.open(&path).await.text.contains("This link was used"));
        let connected = connections(&world.api).await;
        assert_eq!(connected.len(), 1, "round {round}");
        let gone = pb::DeleteConnectionRequest {
            connection_id: connected[0].id.clone(),
            purge_now: true,
        };
        let gone = world.api.connections().delete_connection(gone).await;
        gone.expect("deleted");
    }
}

#[tokio::test]
async fn a_link_connects_no_account_twice_and_tells_nothing_of_who_has_it() {
    let mut world = world(20).await;
    world.connect().await;
    world.until_synced().await;
    let known = connections(&world.api).await;
    let asked = pb::CreateConnectLinkRequest {
        display_name: "Globex".to_owned(),
        ..for_a_new_account(&world)
    };
    let (path, _link) = made(&world.api, asked).await.expect("made");
    let mut guest = Browser::new(&world);
    // The second is another key of the same account, which its records tell.
    for key in [DEFAULT_KEY, OTHER_KEY] {
        let told = guest.post(&path, &[("api_key", key)]).await;
        assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY);
        let about = "This Lever account is connected already";
        assert!(told.text.contains(about), "{}", told.text);
        assert!(told.text.contains("whoever sent you the link") && told.text.contains("<form"));
        for secret in [&known[0].id, &known[0].display_name, "allow_connected"] {
            assert!(!told.text.contains(secret), "{secret}: {}", told.text);
        }
        let asked = pb::CreateConnectionRequest {
            connection: Some(pb::Connection {
                display_name: "Twice".to_owned(),
                base_url: world.lever.base_url(),
                ..Default::default()
            }),
            api_key: key.to_owned(),
            ..Default::default()
        };
        let told = refused(world.api.connections().create_connection(asked).await);
        assert_eq!(told.code, Code::FailedPrecondition);
        assert_eq!(told.reason, "ACCOUNT_CONNECTED");
        assert_eq!(told.details["connection_id"], known[0].id);
        assert_eq!(connections(&world.api).await.len(), 1);
    }
    // A link for that very account is no second one.
    let relink = pb::CreateConnectLinkRequest {
        connection_id: world.connection.clone(),
        ..Default::default()
    };
    for key in [DEFAULT_KEY, OTHER_KEY] {
        let (path, _link) = made(&world.api, relink.clone()).await.expect("made");
        let done = guest.post(&path, &[("api_key", key)]).await;
        assert_eq!(done.to, path, "{}", done.text);
    }
    // What was meant is done, and shares nothing with the other but the rate limit.
    let meant = pb::CreateConnectionRequest {
        connection: Some(pb::Connection {
            display_name: "Twice".to_owned(),
            base_url: world.lever.base_url(),
            ..Default::default()
        }),
        api_key: DEFAULT_KEY.to_owned(),
        allow_connected_account: true,
        ..Default::default()
    };
    let made = world.api.connections().create_connection(meant).await;
    made.expect("connected twice");
    assert_eq!(connections(&world.api).await.len(), 2);
}

/// Two that are set up side by side have read nothing yet: Lever shows both the same.
///
/// Seen to fail while only mirrored records told: the second was connected.
#[tokio::test]
async fn an_account_that_is_still_to_be_started_is_known_too() {
    let mut setup = Setup::new(5);
    setup.lever.keys.push(Key::all(OTHER_KEY));
    let world = World::new(setup).await;
    let asked = |key: &str, base_url: String| pb::CreateConnectionRequest {
        connection: Some(pb::Connection {
            display_name: key.to_owned(),
            base_url,
            ..Default::default()
        }),
        api_key: key.to_owned(),
        paused: true,
        ..Default::default()
    };
    let own = world.lever.base_url();
    let first = asked(DEFAULT_KEY, own.clone());
    let first = world.api.connections().create_connection(first).await;
    let first = first.expect("connected").into_inner().connection;
    let second = asked(OTHER_KEY, own);
    let told = refused(world.api.connections().create_connection(second).await);
    assert_eq!(told.reason, "ACCOUNT_CONNECTED");
    assert_eq!(
        told.details["connection_id"],
        first.expect("a connection").id
    );
    let other = another_lever(9).await;
    let another = asked(DEFAULT_KEY, other.base_url());
    let another = world.api.connections().create_connection(another).await;
    another.expect("an account of its own");
}

#[tokio::test]
async fn links_that_have_ended_or_never_were_connect_nobody() {
    let world = world(5).await;
    let soon = prost_types::Timestamp {
        seconds: now().div_euclid(1000) + 2,
        nanos: 0,
    };
    let request = pb::CreateConnectLinkRequest {
        expire_time: Some(soon),
        ..for_a_new_account(&world)
    };
    let (expiring, _link) = made(&world.api, request).await.expect("made");
    let (revoked, link) = made(&world.api, for_a_new_account(&world))
        .await
        .expect("made");
    let request = pb::RevokeConnectLinkRequest { link_id: link.id };
    let answer = world.api.connections().revoke_connect_link(request).await;
    let answer = answer
        .expect("revoked")
        .into_inner()
        .link
        .expect("the link");
    assert_eq!(answer.state(), pb::ConnectLinkState::Revoked);
    assert_eq!(answer.revoked_by, "local");

    let mut guest = Browser::new(&world);
    until("the link expires", async || {
        let page = guest.open(&expiring).await;
        (page.status == StatusCode::GONE && page.text.contains("has expired")).then_some(())
    })
    .await;
    let taken_back = guest.open(&revoked).await;
    assert!(taken_back.text.contains("This link was taken back"));
    for path in [&expiring, &revoked] {
        let late = guest.post(path, &[("api_key", DEFAULT_KEY)]).await;
        assert_eq!(late.to, *path, "{}", late.text);
        let late = guest.open(&format!("{path}/lever")).await;
        assert_eq!(late.to, *path, "{}", late.text);
    }
    let guessed = format!("{}x", &revoked[..revoked.len() - 1]);
    let nothing = guest.post(&guessed, &[("api_key", DEFAULT_KEY)]).await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
    assert!(connections(&world.api).await.is_empty());

    let bad = |request: pb::CreateConnectLinkRequest| {
        let api = &world.api;
        async move { refused(made(api, request).await) }
    };
    let late = bad(pb::CreateConnectLinkRequest {
        expire_time: Some(prost_types::Timestamp {
            seconds: now().div_euclid(1000) + 31 * 24 * 3600,
            nanos: 0,
        }),
        ..for_a_new_account(&world)
    });
    assert_eq!(late.await.code, Code::InvalidArgument);
    let nameless = bad(pb::CreateConnectLinkRequest {
        display_name: String::new(),
        ..for_a_new_account(&world)
    });
    assert_eq!(nameless.await.code, Code::InvalidArgument);
    let missing = bad(pb::CreateConnectLinkRequest {
        connection_id: "01010101-0101-0101-0101-010101010101".to_owned(),
        ..Default::default()
    });
    assert_eq!(missing.await.code, Code::NotFound);
}

#[tokio::test]
async fn consent_connects_in_the_browser_it_began_in_and_a_refusal_keeps_the_link() {
    let mut world = world(30).await;
    let (path, _link) = made(&world.api, for_a_new_account(&world))
        .await
        .expect("made");
    let (mut guest, mut other) = (Browser::new(&world), Browser::new(&world));
    let page = guest.open(&path).await;
    assert!(page.text.contains(&format!("href=\"{path}/lever\"")));

    world.lever.set_consent(Consent::Deny);
    let denied = at_lever(&guest.open(&format!("{path}/lever")).await).await;
    assert!(denied.contains("error=access_denied"), "{denied}");
    let told = guest.open(&denied).await;
    assert_eq!(told.to, format!("{path}?consent=refused"));
    let told = guest.open(&told.to).await;
    assert!(told.text.contains("The link still works") && told.text.contains("<form"));

    world.lever.set_consent(Consent::Grant);
    let sent = guest.open(&format!("{path}/lever")).await;
    for part in [
        "code_challenge_method=S256",
        "opportunities%3Awrite%3Aadmin",
        "offline_access",
        "audience=https%3A%2F%2Fapi.lever.co%2Fv1%2F",
    ] {
        assert!(sent.to.contains(part), "{part}: {}", sent.to);
    }
    let back = at_lever(&sent).await;
    // Somebody else is sent the answer, with a consent of their own under way.
    other.open(&format!("{path}/lever")).await;
    let stolen = other.open(&back).await;
    assert_eq!(stolen.status, StatusCode::FORBIDDEN);
    other.cookie = String::new();
    assert_eq!(other.open(&back).await.status, StatusCode::FORBIDDEN);
    assert!(connections(&world.api).await.is_empty());

    // Who is at Lever meanwhile notices nothing of a restart.
    world.stop().await;
    world.start().await;
    for browser in [&mut guest, &mut other] {
        browser.follow(&world);
    }
    let connected = guest.open(&back).await;
    assert_eq!(connected.to, path, "{}", connected.text);
    assert!(
        guest
            .open(&connected.to)
            .await
            .text
            .contains("Lever is connected")
    );
    let again = guest.open(&back).await;
    assert_eq!(again.status, StatusCode::FORBIDDEN, "an answer counts once");
    let known = connections(&world.api).await;
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].credential_kind(), pb::CredentialKind::Oauth);
    world.connection = known[0].id.clone();
    world.until_synced().await;
}

#[tokio::test]
async fn relinking_by_a_link_keeps_id_mappings_and_mirror() {
    let mut world = world(30).await;
    world.connect().await;
    world.until_synced().await;
    let before = connections(&world.api).await.remove(0);
    let status = world.status().await;
    let mut admin = Browser::new(&world);
    let page = admin
        .open(&format!("/console/links?connection={}", world.connection))
        .await;
    let fields = [
        ("csrf", csrf(&page)),
        ("connection", world.connection.clone()),
        ("days", "3".to_owned()),
    ];
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let wrong = [fields[0], fields[1], ("days", "soon")];
    let page = admin.post("/console/links", &wrong).await;
    let told = "Number of days it works: give a whole number from 1 to 30.";
    assert!(page.text.contains(told), "{}", page.text);
    let page = admin.post("/console/links", &fields).await;
    let (_, rest) = page.text.split_once(PUBLIC).expect("the address");
    let path = rest.split('"').next().expect("its end").to_owned();
    let listed = admin.open("/console/links").await;
    assert!(listed.text.contains("(new key)") && !listed.text.contains(&path));

    let mut guest = Browser::new(&world);
    let page = guest.open(&path).await;
    assert!(page.text.contains("The account is connected already."));
    let connected = guest.post(&path, &[("api_key", OTHER_KEY)]).await;
    assert_eq!(connected.to, path, "{}", connected.text);
    let after = connections(&world.api).await;
    assert_eq!(after.len(), 1);
    assert_eq!(
        (after[0].id.as_str(), after[0].key_last_four.as_str()),
        (before.id.as_str(), "0003")
    );
    let present = world.status().await;
    let records = |status: &pb::GetSyncStatusResponse| -> Vec<_> {
        let streams = status.streams.iter();
        streams
            .map(|stream| (stream.name.clone(), stream.records))
            .collect()
    };
    assert_eq!(records(&present), records(&status), "the mirror stays");
    let second = guest.post(&path, &[("api_key", DEFAULT_KEY)]).await;
    assert_eq!(second.to, path);
    let after = connections(&world.api).await.remove(0);
    assert_eq!(after.key_last_four, "0003", "and once is enough");
    world.pull_until_mirror_equals_lever().await;
}

#[tokio::test]
async fn a_limited_admin_makes_links_for_what_it_sees_and_sees_what_comes_of_them() {
    let mut world = world(5).await;
    world.connect().await;
    let token = |connection_ids: Vec<String>| pb::CreateTokenRequest {
        role: pb::TokenRole::Admin.into(),
        connection_ids,
        ..Default::default()
    };
    let first = world.api.tokens().create_token(token(Vec::new())).await;
    let all = world
        .api
        .with_token(&first.expect("made").into_inner().secret);
    let limited = token(vec![world.connection.clone()]);
    let made_token = all.tokens().create_token(limited).await;
    let made_token = made_token.expect("made").into_inner();
    let limited = world.api.with_token(&made_token.secret);
    let reader = pb::CreateTokenRequest {
        role: pb::TokenRole::Reader.into(),
        ..Default::default()
    };
    let reader = all.tokens().create_token(reader).await.expect("made");
    let reader = world.api.with_token(&reader.into_inner().secret);
    let told = refused(made(&reader, for_a_new_account(&world)).await);
    assert_eq!(told.code, Code::PermissionDenied);

    // Accounts of their own.
    let others = [another_lever(1).await, another_lever(2).await];
    let for_other = |which: usize| pb::CreateConnectLinkRequest {
        base_url: others[which].base_url(),
        ..for_a_new_account(&world)
    };
    let (path, _link) = made(&limited, for_other(0)).await.expect("made");
    let (foreign, foreign_link) = made(&all, for_other(1)).await.expect("made");
    assert_eq!(links(&limited).await.len(), 1);
    assert_eq!(links(&all).await.len(), 2);
    let request = pb::RevokeConnectLinkRequest {
        link_id: foreign_link.id,
    };
    let told = refused(limited.connections().revoke_connect_link(request).await);
    assert_eq!(told.code, Code::NotFound);

    let mut guest = Browser::new(&world);
    let key = [("api_key", DEFAULT_KEY)];
    assert_eq!(guest.post(&path, &key).await.to, path);
    assert_eq!(connections(&limited).await.len(), 2, "it joins the token");
    let (orphan, _link) = made(&limited, for_a_new_account(&world))
        .await
        .expect("made");
    let revoke = pb::RevokeTokenRequest {
        token_id: made_token.token.expect("a token").id,
        ..Default::default()
    };
    all.tokens().revoke_token(revoke).await.expect("revoked");
    assert_eq!(guest.post(&orphan, &key).await.to, orphan);
    assert!(guest.open(&orphan).await.text.contains("was taken back"));
    assert_eq!(guest.post(&foreign, &key).await.to, foreign);
    assert_eq!(connections(&all).await.len(), 3);
}

#[tokio::test]
async fn no_secret_of_a_link_is_kept_or_logged() {
    let mut world = world(5).await;
    let (by_key, _link) = made(&world.api, for_a_new_account(&world))
        .await
        .expect("made");
    let (by_consent, _link) = made(&world.api, for_a_new_account(&world))
        .await
        .expect("made");
    let (unused, _link) = made(&world.api, for_a_new_account(&world))
        .await
        .expect("made");
    let mut guest = Browser::new(&world);
    guest.post(&by_key, &[("api_key", "a-wrong-key-1")]).await;
    guest.post(&by_key, &[("api_key", DEFAULT_KEY)]).await;
    let sent = guest.open(&format!("{by_consent}/lever")).await;
    let cookie = guest.cookie.rsplit('=').next().expect("a value").to_owned();
    let back = at_lever(&sent).await;
    let there = guest.open(&back).await;
    // Where the first one is mirrored by now, it is known to be the same account.
    let known = there.text.contains("is connected already");
    assert!(known || there.to == by_consent, "{}", there.text);
    let metrics = client(Policy::none())
        .get(format!("http://{}/metrics", world.service().http))
        .send()
        .await
        .expect("an answer");
    let metrics = metrics.text().await.expect("a text");
    world.stop().await;
    let mut readable = Readable::default();
    readable.add_files(&world.home.data());
    readable.add("log", world.home.log());
    readable.add("metrics", metrics);
    let url = reqwest::Url::parse(&format!("{PUBLIC}{back}")).expect("a URL");
    let mut secrets: Vec<String> = url.query_pairs().map(|(_, value)| value.into()).collect();
    secrets.extend(["a-wrong-key-1", DEFAULT_KEY, DEFAULT_CLIENT_SECRET].map(str::to_owned));
    secrets.push(cookie);
    for path in [&by_key, &by_consent, &unused] {
        secrets.push(path.trim_start_matches("/connect/fcl_").to_owned());
    }
    for secret in secrets {
        let places = readable.places_of(secret.as_bytes());
        assert!(places.is_empty(), "{secret} is in {places:?}");
    }
}
