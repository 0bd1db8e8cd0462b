//! Credentials: sealed outside, one of several kinds inside.

use lever::Timestamp;
use prost::{Message, Oneof};
use secrecy::{ExposeSecret, SecretString};
use zeroize::{Zeroize, Zeroizing};

use super::Stored;
use crate::credentials::{Credential, OAuthTokens};

/// A credential as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SealedCredential {
    /// What is inside.
    pub(crate) form: CredentialForm,
    /// Bytes that only the master key opens.
    pub(crate) sealed: Vec<u8>,
    /// Counts replacements.
    pub(crate) generation: u64,
    /// When a renewal of its tokens was begun that is not known to have ended.
    pub(crate) renewal_begun: Option<Timestamp>,
}

/// What the seal of a credential holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CredentialForm {
    /// The text of an API key, as version 1 has it.
    ApiKeyText,
    /// A message of this module.
    Message,
}

/// Version 1 has the bytes only, version 2 knows of no renewal.
#[derive(Clone, PartialEq, Message)]
struct SealedV3 {
    #[prost(bytes = "vec", tag = "1")]
    sealed: Vec<u8>,
    #[prost(bool, tag = "2")]
    message: bool,
    #[prost(uint64, tag = "3")]
    generation: u64,
    #[prost(int64, optional, tag = "4")]
    renewal_begun: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct PlainV2 {
    #[prost(oneof = "KindV2", tags = "1, 2")]
    kind: Option<KindV2>,
}

#[derive(Clone, PartialEq, Oneof)]
enum KindV2 {
    #[prost(string, tag = "1")]
    ApiKey(String),
    #[prost(message, tag = "2")]
    OAuth(OAuthV2),
}

#[derive(Clone, PartialEq, Message)]
struct OAuthV2 {
    #[prost(string, tag = "1")]
    access_token: String,
    #[prost(int64, tag = "2")]
    expires_at: i64,
    #[prost(string, tag = "3")]
    refresh_token: String,
    #[prost(string, tag = "4")]
    client: String,
}

impl Stored for SealedCredential {
    const VERSION: u8 = 3;

    fn to_payload(&self) -> Vec<u8> {
        SealedV3 {
            sealed: self.sealed.clone(),
            message: self.form == CredentialForm::Message,
            generation: self.generation,
            renewal_begun: self.renewal_begun.map(Timestamp::as_millis),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        if !matches!(version, 1..=3) {
            return None;
        }
        let stored = SealedV3::decode(payload).ok()?;
        Some(Self {
            form: if stored.message {
                CredentialForm::Message
            } else {
                CredentialForm::ApiKeyText
            },
            sealed: stored.sealed,
            generation: stored.generation,
            renewal_begun: stored.renewal_begun.map(Timestamp::from_millis),
        })
    }
}

/// The bytes that are sealed.
pub(crate) fn plain_credential(credential: &Credential) -> Zeroizing<Vec<u8>> {
    let kind = match credential {
        Credential::ApiKey(key) => KindV2::ApiKey(key.expose_secret().to_owned()),
        Credential::OAuth(tokens) => KindV2::OAuth(OAuthV2 {
            access_token: tokens.access_token.expose_secret().to_owned(),
            expires_at: tokens.expires_at.as_millis(),
            refresh_token: tokens.refresh_token.expose_secret().to_owned(),
            client: tokens.client.clone(),
        }),
    };
    let mut plain = PlainV2 { kind: Some(kind) };
    let bytes = Zeroizing::new(plain.encode_to_vec());
    plain.wipe();
    bytes
}

impl PlainV2 {
    /// Leaves nothing in memory that is given back.
    fn wipe(&mut self) {
        match &mut self.kind {
            Some(KindV2::ApiKey(key)) => key.zeroize(),
            Some(KindV2::OAuth(tokens)) => {
                tokens.access_token.zeroize();
                tokens.refresh_token.zeroize();
            }
            None => {}
        }
    }
}

/// Reads what was sealed.
pub(crate) fn open_credential(plain: &[u8]) -> Option<Credential> {
    Some(match PlainV2::decode(plain).ok()?.kind? {
        KindV2::ApiKey(key) => Credential::ApiKey(SecretString::from(key)),
        KindV2::OAuth(tokens) => Credential::OAuth(OAuthTokens {
            access_token: SecretString::from(tokens.access_token),
            expires_at: Timestamp::from_millis(tokens.expires_at),
            refresh_token: SecretString::from(tokens.refresh_token),
            client: tokens.client,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn what_is_sealed_has_these_bytes() {
        let key = Credential::ApiKey(SecretString::from("k"));
        let tokens = Credential::OAuth(OAuthTokens {
            access_token: SecretString::from("a"),
            expires_at: Timestamp::from_millis(5),
            refresh_token: SecretString::from("r"),
            client: "c".to_owned(),
        });
        for (credential, bytes) in [(key, "0a016b"), (tokens, "120b0a016110051a0172220163")] {
            let plain = plain_credential(&credential);
            assert_eq!(hex(&plain), bytes);
            let read = open_credential(&plain).unwrap();
            assert_eq!(plain_credential(&read), plain);
        }
        assert!(open_credential(&[]).is_none());
    }
}
