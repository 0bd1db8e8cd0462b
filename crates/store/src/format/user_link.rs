//! Which product user is which Lever user.

use lever::Timestamp;
use prost::Message;

use super::{Stored, pack, unpack, version_1};
use crate::user_links::UserLink;

#[derive(Clone, PartialEq, Message)]
struct UserLinkV1 {
    #[prost(string, tag = "1")]
    email: String,
    #[prost(bytes = "vec", tag = "2")]
    user: Vec<u8>,
    #[prost(string, tag = "3")]
    by: String,
    #[prost(int64, tag = "4")]
    at: i64,
}

impl Stored for UserLink {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        UserLinkV1 {
            email: self.email.clone(),
            user: pack(self.user.as_str()),
            by: self.by.clone(),
            at: self.at.as_millis(),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let UserLinkV1 {
            email,
            user,
            by,
            at,
        } = version_1(version, payload)?;
        Some(Self {
            email,
            user: unpack(&user)?.into(),
            by,
            at: Timestamp::from_millis(at),
        })
    }
}
