//! Layers of settings: each knows its values and how to name one of them.

use std::path::{Path, PathBuf};

use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use super::environment::PREFIX;
use super::{Error, Flags};

/// The shipped settings.
const SHIPPED: &str = include_str!("../../../../config/fulcrum.toml");

/// Settings of one origin.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    origin: Origin,
    values: Dict,
}

/// Where settings come from.
#[derive(Debug, Clone)]
enum Origin {
    Shipped,
    File(PathBuf),
    Variables,
    Flags,
}

impl Origin {
    /// Names a key so that the reader finds it.
    fn place(&self, key: &str) -> String {
        let name = self.name(key);
        match self {
            Origin::Shipped => format!("{name} in the built-in configuration"),
            Origin::File(path) => format!("{name} in {}", path.display()),
            Origin::Variables => format!("{name} in the environment"),
            Origin::Flags => name,
        }
    }

    /// A key as it is written here.
    fn name(&self, key: &str) -> String {
        match self {
            Origin::Shipped | Origin::File(_) => format!("`{key}`"),
            Origin::Variables => format!("{PREFIX}{}", key.replace('.', "__").to_uppercase()),
            Origin::Flags => flag(key).to_owned(),
        }
    }
}

fn flag(key: &str) -> &str {
    match key {
        "store.dir" => "--data",
        "server.listen" => "--listen",
        "server.http_listen" => "--http-listen",
        other => other,
    }
}

impl Layer {
    /// The defaults.
    pub(super) fn shipped() -> Layer {
        let values = Toml::from_str(SHIPPED).expect("a test reads the embedded file");
        Layer {
            origin: Origin::Shipped,
            values,
        }
    }

    /// A file in the form of the shipped one.
    pub(super) fn file(path: &Path) -> Result<Layer, Error> {
        let text =
            std::fs::read_to_string(path).map_err(|reason| Error::unreadable(path, reason))?;
        Layer::text(path, &text)
    }

    pub(super) fn text(path: &Path, text: &str) -> Result<Layer, Error> {
        let values = Toml::from_str(text).map_err(|error| Error::NotToml {
            path: path.to_owned(),
            reason: in_words(&error, text),
        })?;
        Ok(Layer {
            origin: Origin::File(path.to_owned()),
            values,
        })
    }

    /// Variables named `FULCRUM__SECTION__KEY`; all values are text until [`Layer::typed_like`].
    pub(super) fn variables(variables: Vec<(String, String)>) -> Layer {
        let mut values = Dict::new();
        for (name, text) in variables {
            let key = name
                .trim_start_matches(PREFIX)
                .to_lowercase()
                .replace("__", ".");
            merge(&mut values, figment::util::nest(&key, Value::from(text)));
        }
        Layer {
            origin: Origin::Variables,
            values,
        }
    }

    /// The flags that were given.
    pub(super) fn flags(flags: &Flags) -> Layer {
        let given = [
            (
                "store.dir",
                flags
                    .data
                    .as_ref()
                    .map(|dir| dir.to_string_lossy().into_owned()),
            ),
            (
                "server.listen",
                flags.listen.map(|address| address.to_string()),
            ),
            (
                "server.http_listen",
                flags.http_listen.map(|address| address.to_string()),
            ),
        ];
        let mut values = Dict::new();
        for (key, text) in given {
            if let Some(text) = text {
                merge(&mut values, figment::util::nest(key, Value::from(text)));
            }
        }
        Layer {
            origin: Origin::Flags,
            values,
        }
    }

    /// Reads the text of variables as numbers and booleans where the shipped setting is one.
    pub(super) fn typed_like(self, known: &Known) -> Layer {
        if !matches!(self.origin, Origin::Variables) {
            return self;
        }
        let mut values = Dict::new();
        for (key, value) in leaves(&self.values) {
            let value = match (known.default_of(&key), value.as_str()) {
                (Some(Value::Bool(..)), Some(text)) => {
                    text.parse::<bool>().map_or(value.clone(), Value::from)
                }
                (Some(Value::Num(..)), Some(text)) => number(text).unwrap_or(value.clone()),
                _ => value.clone(),
            };
            merge(&mut values, figment::util::nest(&key, value));
        }
        Layer { values, ..self }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        let origin = self.origin.clone();
        Metadata::named("settings").interpolater(move |_, keys| origin.place(&keys.join(".")))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

/// The keys there are, as the shipped file has them.
#[derive(Debug)]
pub(super) struct Known(Vec<(String, Value)>);

impl Known {
    pub(super) fn of(shipped: &Layer) -> Known {
        Known(
            leaves(&shipped.values)
                .into_iter()
                .map(|(key, value)| (key, value.clone()))
                .collect(),
        )
    }

    fn default_of(&self, key: &str) -> Option<&Value> {
        self.0
            .iter()
            .find(|(known, _)| known == key)
            .map(|(_, value)| value)
    }

    /// Refuses a key that is no setting, and names the nearest one; and a value where a section belongs.
    pub(super) fn check(&self, layer: &Layer) -> Result<(), Error> {
        for (key, _) in leaves(&layer.values) {
            let place = || layer.origin.place(&key);
            if self.is_section(&key) {
                return Err(Error::not_a_section(place(), &key));
            }
            if self.default_of(&key).is_none() {
                let nearest = self.nearest(&key).map(|near| layer.origin.name(near));
                let place = place();
                return Err(Error::UnknownKey { place, nearest });
            }
        }
        Ok(())
    }

    fn is_section(&self, key: &str) -> bool {
        let below = format!("{key}.");
        self.0.iter().any(|(known, _)| known.starts_with(&below))
    }

    /// The key most like this one, unless none is like it; a key in the wrong section is near its namesake.
    fn nearest(&self, key: &str) -> Option<&str> {
        let name = last_part(key);
        let distance = |known: &str| {
            let whole = strsim::damerau_levenshtein(key, known);
            let moved = 1 + strsim::damerau_levenshtein(name, last_part(known));
            whole.min(moved)
        };
        let like_it = FARTHEST.max(name.chars().count() / 3);
        self.0
            .iter()
            .map(|(known, _)| (distance(known), known.as_str()))
            .min_by_key(|(distance, _)| *distance)
            .filter(|(distance, _)| *distance <= like_it)
            .map(|(_, known)| known)
    }
}

/// How many letters of a short name may differ until it is no longer like another.
const FARTHEST: usize = 2;

fn last_part(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// The values that are no tables, with their dotted keys.
fn leaves(values: &Dict) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for (name, value) in values {
        match value {
            Value::Dict(_, inner) => {
                found.extend(
                    leaves(inner)
                        .into_iter()
                        .map(|(key, value)| (format!("{name}.{key}"), value)),
                );
            }
            value => found.push((name.clone(), value)),
        }
    }
    found
}

fn merge(into: &mut Dict, value: Value) {
    let Value::Dict(_, values) = value else {
        return;
    };
    for (name, value) in values {
        match into.get_mut(&name) {
            Some(Value::Dict(_, inner)) if value.as_dict().is_some() => merge(inner, value),
            _ => {
                into.insert(name, value);
            }
        }
    }
}

fn number(text: &str) -> Option<Value> {
    text.parse::<i64>()
        .map(Value::from)
        .or_else(|_| text.parse::<f64>().map(Value::from))
        .ok()
}

/// What is wrong with a document and where; nothing of what it says there, which may be a secret.
fn in_words(error: &<Toml as Format>::Error, text: &str) -> String {
    let message = error.message().split_whitespace();
    let message = message.collect::<Vec<_>>().join(" ");
    let start = error.span().map(|span| span.start);
    let Some(before) = start.and_then(|start| text.get(..start)) else {
        return message;
    };
    let line = before.matches('\n').count() + 1;
    let last = before.rsplit('\n').next().unwrap_or_default();
    let column = last.chars().count() + 1;
    format!("{message}, at line {line}, column {column}")
}
