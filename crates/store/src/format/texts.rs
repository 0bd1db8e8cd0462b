//! Lists of secret texts, before they are sealed.

use prost::Message;
use secrecy::SecretString;
use zeroize::{Zeroize, Zeroizing};

#[derive(Clone, PartialEq, Message)]
struct TextsV1 {
    #[prost(string, repeated, tag = "1")]
    texts: Vec<String>,
}

/// The bytes that are sealed.
pub(crate) fn plain_texts(texts: &[&str]) -> Zeroizing<Vec<u8>> {
    let texts = texts.iter().map(|text| (*text).to_owned()).collect();
    let mut plain = TextsV1 { texts };
    let bytes = Zeroizing::new(plain.encode_to_vec());
    plain.texts.zeroize();
    bytes
}

/// Reads what was sealed.
pub(crate) fn open_texts(plain: &[u8]) -> Option<Vec<SecretString>> {
    let texts = TextsV1::decode(plain).ok()?.texts;
    Some(texts.into_iter().map(SecretString::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn what_is_sealed_has_these_bytes() {
        assert_eq!(*plain_texts(&["a", ""]), [10, 1, b'a', 10, 0]);
        let read = open_texts(&[10, 1, b'a', 10, 0]).unwrap();
        assert!(
            read.iter()
                .map(ExposeSecret::expose_secret)
                .eq(["a", ""].iter().copied())
        );
        assert!(open_texts(&[0xff]).is_none());
    }
}
