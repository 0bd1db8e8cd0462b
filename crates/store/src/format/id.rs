//! Lever's ids inside values: UUIDs take 17 bytes, anything else is its text.

use uuid::Uuid;

pub(crate) fn pack(id: &str) -> Vec<u8> {
    match Uuid::try_parse(id) {
        Ok(uuid) if uuid.hyphenated().to_string() == id => [&[0], &uuid.as_bytes()[..]].concat(),
        _ => id.as_bytes().to_vec(),
    }
}

pub(crate) fn unpack(bytes: &[u8]) -> Option<String> {
    match bytes.split_first() {
        Some((0, uuid)) => Some(Uuid::from_slice(uuid).ok()?.hyphenated().to_string()),
        _ => String::from_utf8(bytes.to_vec()).ok(),
    }
}

/// Unpacks an id that may be absent; none when it makes no sense.
pub(super) fn unpack_option<I: From<String>>(bytes: Option<Vec<u8>>) -> Option<Option<I>> {
    match bytes {
        None => Some(None),
        Some(bytes) => Some(Some(unpack(&bytes)?.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_every_shape_come_back_as_they_were() {
        let uuid = "0f5d4c2e-6a53-4b8a-9d5e-0f6a7b8c9d0e";
        assert_eq!(pack(uuid).len(), 17);
        for id in [
            uuid,
            &uuid.to_uppercase(),
            &uuid.replace('-', ""),
            "applicant-new",
            "sixteen byte id!",
            "",
            "é",
        ] {
            assert_eq!(unpack(&pack(id)).as_deref(), Some(id));
        }
        assert_eq!(unpack(&[0, 1, 2]), None);
        assert_eq!(unpack(&[0xff]), None);
    }
}
