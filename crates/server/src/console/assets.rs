//! Style, script and icon, kept by browsers for good under a name that changes with them.

use std::sync::LazyLock;

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// A file that is part of the program.
pub(super) struct Asset {
    name: &'static str,
    content_type: &'static str,
    text: &'static str,
}

pub(super) const STYLE: Asset = Asset {
    name: "console.css",
    content_type: "text/css; charset=utf-8",
    text: include_str!("assets/console.css"),
};

pub(super) const SCRIPT: Asset = Asset {
    name: "console.js",
    content_type: "text/javascript; charset=utf-8",
    text: include_str!("assets/console.js"),
};

/// Of the pages of the mappings alone.
pub(super) const BOARD_STYLE: Asset = Asset {
    name: "board.css",
    content_type: "text/css; charset=utf-8",
    text: include_str!("assets/board.css"),
};

/// Of the pages of the mappings alone.
pub(super) const BOARD_SCRIPT: Asset = Asset {
    name: "board.js",
    content_type: "text/javascript; charset=utf-8",
    text: include_str!("assets/board.js"),
};

pub(super) const ICON: Asset = Asset {
    name: "icon.svg",
    content_type: "image/svg+xml",
    text: include_str!("assets/icon.svg"),
};

/// Every one.
const ALL: [Asset; 5] = [STYLE, SCRIPT, ICON, BOARD_STYLE, BOARD_SCRIPT];

/// Tells one build's assets from another's.
static EDITION: LazyLock<String> = LazyLock::new(|| {
    let digest = ALL
        .iter()
        .fold(Sha256::new(), |digest, asset| {
            digest.chain_update(asset.text)
        })
        .finalize();
    URL_SAFE_NO_PAD.encode(&digest[..9])
});

impl Asset {
    /// Where it is.
    pub(super) fn path(&self) -> String {
        format!("{}/assets/{}/{}", super::ROOT, *EDITION, self.name)
    }
}

/// The routes of the assets.
pub(super) fn routes() -> Router {
    ALL.into_iter().fold(Router::new(), |router, asset| {
        let answer = move || async move {
            let headers = [
                (header::CONTENT_TYPE, asset.content_type),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ];
            (headers, asset.text).into_response()
        };
        router.route(&asset.path(), get(answer))
    })
}
