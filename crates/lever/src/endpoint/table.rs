//! Endpoints that are nothing but path, query and perhaps a body, written as tables.
//!
//! ```text
//! ListOffers(opportunity: OpportunityId) = LIST_OPPORTUNITY_OFFERS => Offer {
//!     any expand: String, "Objects instead of ids for these attributes.";
//! }
//! ```
//!
//! In parentheses stand the parameters of the path, in order; in braces those of the query: `any` takes several values,
//! `only` one or none, `must` one, `flag` is sent as `true` when it is set. `as "type"` gives the name Lever uses when
//! it is not that of the field. `sends` names the type of the JSON body. A list also gets `limit` and `offset`.

/// The type of a field for a parameter of the query.
macro_rules! query_type {
    (any $type:ty) => { Vec<$type> };
    (only $type:ty) => { Option<$type> };
    (must $type:ty) => { $type };
    (flag $type:ty) => { bool };
}
pub(crate) use query_type;

/// The name of a parameter of the query.
macro_rules! query_name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $wire:literal) => {
        $wire
    };
}
pub(crate) use query_name;

/// Adds a field to the query.
macro_rules! add_query {
    (any $request:expr, $name:expr, $value:expr) => {
        $request.query_all($name, &$value)
    };
    (only $request:expr, $name:expr, $value:expr) => {
        $request.query($name, $value.as_ref())
    };
    (must $request:expr, $name:expr, $value:expr) => {
        $request.query($name, Some(&$value))
    };
    (flag $request:expr, $name:expr, $value:expr) => {
        $request.query($name, $value.then_some(true))
    };
}
pub(crate) use add_query;

/// Defines calls that answer JSON or nothing.
macro_rules! calls {
    ($(
        $(#[$doc:meta])*
        $name:ident($($id:ident: $id_type:ty),*) = $operation:ident => $reply:ty $(, sends $body:ty)? {
            $($kind:ident $field:ident: $type:ty $(as $wire:literal)?, $field_doc:literal;)*
        }
    )+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name {
            $(#[doc = concat!("The `", stringify!($id), "` of the path.")] pub $id: $id_type,)*
            $(#[doc = $field_doc] pub $field: crate::endpoint::table::query_type!($kind $type),)*
            $(#[doc = "What is sent."] pub body: $body,)?
        }

        impl crate::endpoint::Endpoint for $name {
            type Reply = $reply;
            const OPERATION: &'static crate::registry::Operation = &crate::registry::$operation;

            fn request(&self) -> crate::endpoint::Request {
                let request = crate::endpoint::Request::for_operation(Self::OPERATION, [$(self.$id.as_str()),*]);
                $(let request = crate::endpoint::table::add_query!(
                    $kind request, crate::endpoint::table::query_name!($field $($wire)?), self.$field
                );)*
                $(let request = request.json(crate::endpoint::table::body::<$body>(&self.body));)?
                request
            }
        }
    )+};
}
pub(crate) use calls;

/// Defines lists that come in pages.
macro_rules! lists {
    ($(
        $(#[$doc:meta])*
        $name:ident($($id:ident: $id_type:ty),*) = $operation:ident => $item:ty {
            $($kind:ident $field:ident: $type:ty $(as $wire:literal)?, $field_doc:literal;)*
        }
    )+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name {
            $(#[doc = concat!("The `", stringify!($id), "` of the path.")] pub $id: $id_type,)*
            $(#[doc = $field_doc] pub $field: crate::endpoint::table::query_type!($kind $type),)*
            /// Records a page, 1 to 100; Lever's default is 100.
            pub limit: Option<u16>,
            /// Where the page begins.
            pub offset: Option<crate::page::Offset>,
        }

        impl crate::endpoint::Endpoint for $name {
            type Reply = crate::page::Page<$item>;
            const OPERATION: &'static crate::registry::Operation = &crate::registry::$operation;

            fn request(&self) -> crate::endpoint::Request {
                let request = crate::endpoint::Request::for_operation(Self::OPERATION, [$(self.$id.as_str()),*]);
                $(let request = crate::endpoint::table::add_query!(
                    $kind request, crate::endpoint::table::query_name!($field $($wire)?), self.$field
                );)*
                request.query("limit", self.limit).query("offset", self.offset.as_ref())
            }
        }

        crate::endpoint::list_of! { $name => $item, }
    )+};
}
pub(crate) use lists;

/// Defines calls that answer the bytes of a file.
macro_rules! downloads {
    ($(
        $(#[$doc:meta])*
        $name:ident($($id:ident: $id_type:ty),*) = $operation:ident {
            $($kind:ident $field:ident: $type:ty $(as $wire:literal)?, $field_doc:literal;)*
        }
    )+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name {
            $(#[doc = concat!("The `", stringify!($id), "` of the path.")] pub $id: $id_type,)*
            $(#[doc = $field_doc] pub $field: crate::endpoint::table::query_type!($kind $type),)*
        }

        impl crate::endpoint::DownloadEndpoint for $name {
            const OPERATION: &'static crate::registry::Operation = &crate::registry::$operation;

            fn request(&self) -> crate::endpoint::Request {
                let request = crate::endpoint::Request::for_operation(Self::OPERATION, [$(self.$id.as_str()),*]);
                $(let request = crate::endpoint::table::add_query!(
                    $kind request, crate::endpoint::table::query_name!($field $($wire)?), self.$field
                );)*
                request
            }
        }
    )+};
}
pub(crate) use downloads;

/// A body as JSON.
pub(crate) fn body<T: serde::Serialize>(body: &T) -> serde_json::Value {
    serde_json::to_value(body).expect("bodies are made of fields with names that are text")
}

/// Defines bodies and parts of them: `must` is always sent, `may` when it is given, `lists` when they are not empty.
macro_rules! bodies {
    ($(
        $(#[$doc:meta])*
        struct $name:ident
        $(must { $($(#[$must_doc:meta])* $must:ident: $must_type:ty $(as $must_wire:literal)?,)+ })?
        $(may { $($(#[$may_doc:meta])* $may:ident: $may_type:ty $(as $may_wire:literal)?,)+ })?
        $(lists { $($(#[$list_doc:meta])* $list:ident: $list_type:ty,)+ })?
    )+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, serde::Serialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            $($(
                $(#[$must_doc])*
                $(#[serde(rename = $must_wire)])?
                pub $must: $must_type,
            )+)?
            $($(
                $(#[$may_doc])*
                #[serde($(rename = $may_wire,)? skip_serializing_if = "Option::is_none")]
                pub $may: Option<$may_type>,
            )+)?
            $($(
                $(#[$list_doc])*
                #[serde(skip_serializing_if = "Vec::is_empty")]
                pub $list: Vec<$list_type>,
            )+)?
        }

        crate::model::debug_nothing! { $name }
    )+};
}
pub(crate) use bodies;

/// Defines lists that come all at once: Lever knows no pages of them, so an offset is not sent.
macro_rules! whole_lists {
    ($(
        $(#[$doc:meta])*
        $name:ident($($id:ident: $id_type:ty),*) = $operation:ident => $item:ty {
            $($kind:ident $field:ident: $type:ty $(as $wire:literal)?, $field_doc:literal;)*
        }
    )+) => {$(
        crate::endpoint::table::calls! {
            $(#[$doc])*
            $name($($id: $id_type),*) = $operation => crate::page::Page<$item> {
                $($kind $field: $type $(as $wire)?, $field_doc;)*
            }
        }

        impl crate::endpoint::ListEndpoint for $name {
            type Item = $item;

            fn at(&self, _: Option<crate::page::Offset>) -> $name {
                self.clone()
            }
        }
    )+};
}
pub(crate) use whole_lists;
