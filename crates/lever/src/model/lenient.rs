//! Readers for fields as Lever really fills them: null, missing or `""` mean that nothing was given, whatever was
//! expected, and a number stands for its text where text was expected.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{
    self, Deserialize, DeserializeOwned, Deserializer, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};

use crate::time::WholeNumber;

/// Reads null and blank text as the default.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    optional(deserializer).map(Option::unwrap_or_default)
}

/// Reads null and blank text as nothing.
pub(crate) fn optional<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Given::deserialize(deserializer).map(|given| given.0)
}

/// Reads null and blank text as an empty list, and leaves out the empty elements of one.
pub(crate) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let elements: Vec<Given<T>> = or_default(deserializer)?;
    Ok(elements.into_iter().filter_map(|given| given.0).collect())
}

/// As [`list`], and leaves out the elements that cannot be read too.
///
/// For lists whose elements say little beside the record they stand in: one odd address must not make a person
/// unreadable.
pub(crate) fn readable<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let elements: Vec<Readable<T>> = or_default(deserializer)?;
    Ok(elements
        .into_iter()
        .filter_map(|readable| readable.0)
        .collect())
}

/// An element of a list; none when it is null, blank text, or cannot be read.
struct Readable<T>(Option<T>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Readable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Readable<T>, D::Error> {
        deserializer
            .deserialize_any(ReadableVisitor(PhantomData))
            .map(Readable)
    }
}

/// Looks at an element as [`GivenVisitor`] does, and takes an error for nothing.
///
/// Objects and lists are held as a whole first: one that is given up half read would take its list with it.
struct ReadableVisitor<T>(PhantomData<T>);

impl<T: DeserializeOwned> ReadableVisitor<T> {
    fn read<'de, E: de::Error>(value: impl IntoDeserializer<'de, E>) -> Option<T> {
        T::deserialize(value.into_deserializer()).ok()
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for ReadableVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Option<T>, E> {
        Ok(Self::read::<E>(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Option<T>, E> {
        Ok(Self::read::<E>(Number(value)))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Option<T>, E> {
        Ok(Self::read::<E>(Number(value)))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Option<T>, E> {
        Ok(Self::read::<E>(Number(value)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Option<T>, E> {
        Ok((!text.is_empty()).then(|| Self::read::<E>(text)).flatten())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Option<T>, A::Error> {
        let whole = serde_json::Value::deserialize(SeqAccessDeserializer::new(seq))?;
        Ok(T::deserialize(whole).ok())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<T>, A::Error> {
        let whole = serde_json::Value::deserialize(MapAccessDeserializer::new(map))?;
        Ok(T::deserialize(whole).ok())
    }
}

/// Reads a whole number from a number or numeric text; null and blank text as nothing.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    struct Whole(i64);

    impl<'de> Deserialize<'de> for Whole {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Whole, D::Error> {
            deserializer.deserialize_any(WholeNumber).map(Whole)
        }
    }

    optional(deserializer).map(|whole: Option<Whole>| whole.map(|whole| whole.0))
}

/// Reads a number that need not be whole, or numeric text; null and blank text as nothing.
pub(crate) fn decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Decimal {
        Number(f64),
        Text(String),
    }

    match optional(deserializer)? {
        None => Ok(None),
        Some(Decimal::Number(number)) => Ok(Some(number)),
        Some(Decimal::Text(text)) => match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(de::Error::custom("not a number")),
        },
    }
}

/// Reads true and false, also as text; null and blank text as nothing.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Flag {
        Truth(bool),
        Text(String),
    }

    match optional(deserializer)? {
        None => Ok(None),
        Some(Flag::Truth(truth)) => Ok(Some(truth)),
        Some(Flag::Text(text)) => match text.trim().to_ascii_lowercase().parse() {
            Ok(truth) => Ok(Some(truth)),
            Err(_) => Err(de::Error::custom("neither true nor false")),
        },
    }
}

/// As [`flag`]; nothing is false.
pub(crate) fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    flag(deserializer).map(Option::unwrap_or_default)
}

/// A number, and its text where text is asked for.
struct Number<N>(N);

impl<'de, N, E> IntoDeserializer<'de, E> for Number<N>
where
    N: IntoDeserializer<'de, E> + fmt::Debug,
    E: de::Error,
{
    type Deserializer = NumberDeserializer<N, E>;

    fn into_deserializer(self) -> NumberDeserializer<N, E> {
        NumberDeserializer(self.0, PhantomData)
    }
}

/// Reads a [`Number`].
struct NumberDeserializer<N, E>(N, PhantomData<E>);

impl<'de, N, E> Deserializer<'de> for NumberDeserializer<N, E>
where
    N: IntoDeserializer<'de, E> + fmt::Debug,
    E: de::Error,
{
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        self.0.into_deserializer().deserialize_any(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        self.deserialize_string(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        // As JSON writes it: 5.0 keeps its fraction.
        visitor.visit_string(format!("{:?}", self.0))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

/// A value that may be null or blank text.
struct Given<T>(Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Given<T>, D::Error> {
        deserializer
            .deserialize_any(GivenVisitor(PhantomData))
            .map(Given)
    }
}

/// Looks at the value for blanks and hands everything else to `T`, numbers also as text.
struct GivenVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for GivenVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Option<T>, E> {
        T::deserialize(value.into_deserializer()).map(Some)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Option<T>, E> {
        T::deserialize(Number(value).into_deserializer()).map(Some)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Option<T>, E> {
        T::deserialize(Number(value).into_deserializer()).map(Some)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Option<T>, E> {
        T::deserialize(Number(value).into_deserializer()).map(Some)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Option<T>, E> {
        if text.is_empty() {
            return Ok(None);
        }
        T::deserialize(text.into_deserializer()).map(Some)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Option<T>, A::Error> {
        T::deserialize(SeqAccessDeserializer::new(seq)).map(Some)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Categories, Origin, Timestamp, UserId};

    #[derive(serde::Deserialize, Debug, Default, PartialEq)]
    struct Sample {
        #[serde(default, deserialize_with = "optional")]
        at: Option<Timestamp>,
        #[serde(default, deserialize_with = "list")]
        users: Vec<UserId>,
        #[serde(default, deserialize_with = "number")]
        count: Option<i64>,
        #[serde(default, deserialize_with = "truth")]
        flag: bool,
        #[serde(default, deserialize_with = "decimal")]
        rank: Option<f64>,
        #[serde(default, deserialize_with = "optional")]
        code: Option<String>,
        #[serde(default, deserialize_with = "or_default")]
        title: String,
        #[serde(default, deserialize_with = "optional")]
        origin: Option<Origin>,
        #[serde(default, deserialize_with = "or_default")]
        parts: Categories,
    }

    fn read(text: &str) -> Option<Sample> {
        serde_json::from_str(text).ok()
    }

    #[test]
    fn missing_null_and_blank_mean_nothing_given() {
        let nothing = Some(Sample::default());
        assert_eq!(read("{}"), nothing);
        assert_eq!(
            read(r#"{"at":null,"users":null,"count":null,"flag":null,"rank":null}"#),
            nothing
        );
        assert_eq!(read(r#"{"at":"","users":[null,""],"count":""}"#), nothing);
        assert_eq!(
            read(r#"{"users":"","flag":"","code":"","title":"","origin":"","parts":""}"#),
            nothing
        );
        assert_eq!(read(r#"{"title":null,"parts":null}"#), nothing);
    }

    #[test]
    fn values_read_in_every_form_lever_uses() {
        let full = Sample {
            at: Some(Timestamp::from_millis(5)),
            users: vec![UserId::from("u1"), UserId::from("u2")],
            count: Some(3),
            flag: true,
            rank: Some(105.5),
            ..Sample::default()
        };
        assert_eq!(
            read(r#"{"at":"5","users":["u1",{"id":"u2"}],"count":"3","flag":true,"rank":"105.5"}"#),
            Some(full)
        );
        let flag = |text: &str| read(text).map(|sample| sample.flag);
        assert_eq!(flag(r#"{"flag":"True"}"#), Some(true));
        assert_eq!(flag(r#"{"flag":"false"}"#), Some(false));
        assert_eq!(flag(r#"{"flag":""}"#), Some(false));
    }

    #[test]
    fn a_number_stands_for_its_text() {
        let texts = read(r#"{"code":5,"title":-1.50,"origin":7,"parts":{"allLocations":[8,2.0]}}"#);
        let texts = texts.unwrap();
        assert_eq!(texts.code.as_deref(), Some("5"));
        assert_eq!(texts.title, "-1.5");
        assert_eq!(texts.origin, Some(Origin::from("7")));
        assert_eq!(texts.parts.all_locations, ["8", "2.0"]);
    }

    #[test]
    fn elements_that_cannot_be_read_are_left_out_of_lists_that_allow_it() {
        #[derive(serde::Deserialize)]
        struct Lists {
            #[serde(default, deserialize_with = "readable")]
            texts: Vec<String>,
            #[serde(default, deserialize_with = "readable")]
            users: Vec<UserId>,
        }
        let read = |text: &str| serde_json::from_str::<Lists>(text).ok();
        let odd =
            r#"{"texts":["a",7,true,null,{"x":[1]},[],"","b"],"users":[{},{"id":"u1"},true,"u2"]}"#;
        let lists = read(odd).unwrap();
        assert_eq!(lists.texts, ["a", "7", "b"]);
        assert_eq!(lists.users, [UserId::from("u1"), UserId::from("u2")]);
        let nothing = read(r#"{"texts":null,"users":""}"#).unwrap();
        assert!(nothing.texts.is_empty() && nothing.users.is_empty());
        assert!(read(r#"{"texts":"a"}"#).is_none());
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_an_error() {
        for text in [
            r#"{"flag":"perhaps"}"#,
            r#"{"at":true}"#,
            r#"{"at":{}}"#,
            r#"{"users":"u1"}"#,
            r#"{"count":[1]}"#,
            r#"{"flag":1}"#,
            r#"{"rank":"first"}"#,
            r#"{"rank":"NaN"}"#,
            r#"{"rank":[]}"#,
            r#"{"code":true}"#,
            r#"{"code":[5]}"#,
            r#"{"parts":"x"}"#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
