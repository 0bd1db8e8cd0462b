//! The signature in the body of a delivery. It covers the token and the time, not the data.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// `hex(HMAC-SHA256(key, token + decimal(triggered_at)))`. Lever: "Webhooks".
pub(super) fn sign(key: &str, token: &str, triggered_at: i64) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(token.as_bytes());
    mac.update(triggered_at.to_string().as_bytes());
    let bytes = mac.finalize().into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_as_documented() {
        // Fixture `webhook.deliveries.json`.
        let key = "81358960e95ed76bf1def200692c2f956818caf168682e00";
        let token = "000000000000000000000000000014c2874444320fedb6e8";
        assert_eq!(
            sign(key, token, 1_782_977_000_001),
            "aa049c95dc64323a6e68784b571c0c163a88995190ad62748f704ea28d4c8d55"
        );
    }
}
