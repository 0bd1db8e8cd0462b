//! Where Lever answers.

use std::fmt;

use url::Url;

use crate::error::Error;

/// Lever's data centers (behavior: "Hosts and transport").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Region {
    /// Most accounts.
    Global,
    /// Accounts kept in Europe.
    Eu,
    /// Test accounts of partners.
    Sandbox,
}

impl Region {
    /// The address of the region's API.
    pub fn base_url(self) -> BaseUrl {
        let address = match self {
            Region::Global => "https://api.lever.co/v1",
            Region::Eu => "https://api.eu.lever.co/v1",
            Region::Sandbox => "https://api.sandbox.lever.co/v1",
        };
        BaseUrl::parse(address).expect("the addresses of the regions are well formed")
    }
}

/// The address all paths are appended to; used as given, with or without `/v1`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Reads an address: http or https, a host, perhaps a path; nothing else. A slash at the end does not count.
    ///
    /// # Errors
    /// [`InvalidRequest`](crate::ErrorKind::InvalidRequest) when it is no such address; the message does not repeat it.
    pub fn parse(address: &str) -> Result<BaseUrl, Error> {
        let mut url =
            Url::parse(address.trim()).map_err(|error| Error::setup("base URL", error))?;
        let fault = match url.scheme() {
            "http" | "https" if !url.username().is_empty() || url.password().is_some() => {
                Some("carries credentials")
            }
            "http" | "https" if url.query().is_some() || url.fragment().is_some() => {
                Some("has a query or fragment")
            }
            "http" | "https" => None,
            _ => Some("is neither http nor https"),
        };
        if let Some(fault) = fault {
            return Err(Error::setup("base URL", format!("the address {fault}")));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(BaseUrl(url))
    }

    /// The address as text, without a slash at the end of its path.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({self})")
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Region> for BaseUrl {
    fn from(region: Region) -> BaseUrl {
        region.base_url()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_region_has_its_address() {
        let addresses = [Region::Global, Region::Eu, Region::Sandbox]
            .map(|region| region.base_url().to_string());
        assert_eq!(
            addresses,
            [
                "https://api.lever.co/v1",
                "https://api.eu.lever.co/v1",
                "https://api.sandbox.lever.co/v1"
            ]
        );
    }

    #[test]
    fn an_address_is_used_as_given_without_its_last_slash() {
        let read = |address| BaseUrl::parse(address).unwrap().to_string();
        assert_eq!(read("http://127.0.0.1:8080/"), "http://127.0.0.1:8080");
        assert_eq!(
            read("https://lever.test/api/v1/"),
            "https://lever.test/api/v1"
        );
    }

    #[test]
    fn other_addresses_are_refused_without_being_repeated() {
        for address in [
            "",
            "lever.co",
            "ftp://lever.co",
            "file:///etc/passwd",
            "https://key:@lever.co",
            "https://lever.co/?key=secret",
            "https://lever.co/#secret",
        ] {
            let error = BaseUrl::parse(address).unwrap_err();
            assert!(
                !format!("{error:?} {error}").contains("secret"),
                "{error:?}"
            );
        }
    }
}
