//! The macros behind the tables of registered things: one row per member, the table is the documentation.

/// Newtypes of one IANA registry of numbers: constants, `name()`, `Display`, `FromStr` (name or number), serde as a number.
macro_rules! numbers {
    ($( $(#[$meta:meta])* pub struct $Type:ident($int:ty) $what:literal { $( $number:literal => $NAME:ident $name:literal, )* } )*) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
        #[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
        pub struct $Type(pub $int);

        impl $Type {
            $(
                #[doc = concat!("`", $number, "`: ", $name, ".")]
                pub const $NAME: Self = Self($number);
            )*

            /// The registered name, lower case.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $( $number => Some($name), )*
                    _ => None,
                }
            }
        }

        impl core::fmt::Display for $Type {
            /// The registered name, or the number.
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => f.pad(name),
                    None => core::fmt::Display::fmt(&self.0, f),
                }
            }
        }

        impl core::str::FromStr for $Type {
            type Err = crate::ParseError;

            /// The registered name, or the number in decimal.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $( $name => Ok(Self($number)), )*
                    _ => text.parse().map(Self).map_err(|_| crate::ParseError::new($what)),
                }
            }
        }
    )* };
}

/// Pairs of registered numbers (families, NOTIFICATION codes): constants, `name()`, the table in the order of its rows,
/// and the place of a member in it.
macro_rules! pairs {
    ($Type:ident { $( $a:literal / $b:literal => $NAME:ident $name:literal, )* }) => {
        impl $Type {
            $(
                #[doc = concat!("`", $a, "/", $b, "`: ", $name, ".")]
                pub const $NAME: Self = Self::new($a, $b);
            )*

            /// All named members, in the order of their numbers.
            pub const NAMED: &'static [Self] = &[$( Self::$NAME, )*];

            /// The registered name, lower case.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.numbers() {
                    $( ($a, $b) => Some($name), )*
                    _ => None,
                }
            }

            /// The member of that name.
            fn named(name: &str) -> Option<Self> {
                match name {
                    $( $name => Some(Self::$NAME), )*
                    _ => None,
                }
            }
        }
    };
}

/// The capabilities: the enum [`Capability`](crate::capability::Capability), the modules that hold one each, and what an
/// OPEN says by them ([`Params`](crate::Params)).
///
/// A module offers `Learned` (`Copy + Default`), `learn(&mut Learned, &[u8]) -> bool` (false: malformed in a way that
/// refuses the session) and, with `alloc`, `decode(&[u8]) -> Option<payload>` (`None`: malformed) and
/// `encode(&payload, &mut Vec<u8>)`.
macro_rules! capabilities {
    ($( $(#[$meta:meta])* $code:literal => $Name:ident $( ($field:ident: $ty:ty) )? in $module:ident, )*) => {
        $( pub(crate) mod $module; )*

        /// A capability with its value (RFC 5492).
        ///
        /// A code that this crate does not know, and a known code whose value is malformed, is kept byte for byte as
        /// [`Unknown`](Self::Unknown).
        #[cfg(feature = "alloc")]
        #[non_exhaustive]
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
        #[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
        pub enum Capability {
            $( $(#[$meta])* $Name $( ($ty) )?, )*
            /// Any other capability, and a known one with a malformed value. A later version may know the code.
            Unknown(UnknownCapability),
        }

        #[cfg(feature = "alloc")]
        impl Capability {
            fn decode_known(code: u8, value: &[u8]) -> Option<Self> {
                match code {
                    $( $code => $module::decode(value).map(|_payload| Self::$Name $( ({ let $field: $ty = _payload; $field }) )?), )*
                    _ => None,
                }
            }

            /// The code.
            #[must_use]
            pub const fn code(&self) -> CapabilityCode {
                match self {
                    $( Self::$Name { .. } => CapabilityCode($code), )*
                    Self::Unknown(unknown) => unknown.code,
                }
            }

            fn encode_value(&self, out: &mut alloc::vec::Vec<u8>) {
                match self {
                    $( Self::$Name $( ($field) )? => $module::encode($( $field, )? out), )*
                    Self::Unknown(unknown) => out.extend_from_slice(&unknown.value),
                }
            }
        }

        /// What the capabilities of one OPEN say, a slot for each row of the table.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub(crate) struct Slots { $( pub(crate) $module: $module::Learned, )* }

        impl Slots {
            /// False if the value is malformed and the session cannot do without it (2/0).
            pub(crate) fn learn(&mut self, code: u8, value: &[u8]) -> bool {
                match code {
                    $( $code => $module::learn(&mut self.$module, value), )*
                    _ => true,
                }
            }
        }
    };
}

/// The path attributes: the modules that hold one each, and what the validating pass asks of the rows.
macro_rules! attributes {
    ($( $code:literal => $flags:ident $Type:ident $(<$lt:lifetime>)? in $vis:vis $module:ident, )*) => {
        $( $vis mod $module; )*

        const _: () = {
            const fn send_sync<T: Send + Sync>() {}
            $( send_sync::<$module::$Type $(<$lt>)?>(); )*
        };

        /// The types in the order of the rows: a row's number is its place.
        #[expect(non_camel_case_types, reason = "named as the modules are")]
        #[derive(Clone, Copy)]
        enum Place { $( $module, )* }

        $(
            impl Row for $module::$Type $(<$lt>)? {
                const TYPE: AttrType = AttrType($code);
                const SLOT: usize = Place::$module as usize;
                const FLAGS: AttrFlags = $flags;
            }
        )*

        /// How many rows there are.
        pub(crate) const ROWS: usize = [$( $code, )*].len();

        /// The types below 64 that have a row, a bit for each.
        #[cfg(feature = "alloc")]
        pub(crate) const KNOWN: u64 = 0 $( | if $code < 64 { 1 << ($code & 63) } else { 0 } )*;

        /// The place of a type in the table; `None`: it has no row.
        pub(crate) const fn slot(ty: AttrType) -> Option<usize> {
            match ty.0 {
                $( $code => Some(Place::$module as usize), )*
                _ => None,
            }
        }

        /// The Optional and Transitive bits of a type; optional for one without a row.
        #[cfg(feature = "alloc")]
        pub(crate) const fn flags_of(ty: AttrType) -> AttrFlags {
            match ty.0 {
                $( $code => $flags, )*
                _ => AttrFlags::OPTIONAL,
            }
        }

        /// Holds an attribute against its row. An arm for each type costs fewer instructions than rows that are data: what
        /// a row says is a constant there.
        #[inline]
        pub(crate) fn judge(raw: &RawAttr<'_>, ctx: &Context) -> Judgement {
            match raw.ty.0 {
                $( $code => judge_as::<$module::$Type $(<$lt>)?>(raw, ctx), )*
                _ => Judgement::NoRow,
            }
        }

        /// Goes the short way over `attrs`, which ends at `end`, row by row: what is left, and the types that were taken.
        #[inline(always)]
        pub(crate) fn go_straight<'a>(attrs: &'a [u8], end: usize, ctx: &Context, index: &mut index::Index) -> (&'a [u8], u64) {
            let mut way = straight::Straight::new(attrs, end, index);
            let _ = $( way.take::<$module::$Type $(<$lt>)?>(ctx) && )* true;
            way.got_to()
        }

        /// Writes the attributes that are there, each by the name of its module.
        #[cfg(feature = "serde")]
        pub(crate) fn write_forms<M: serde::ser::SerializeMap>(attributes: &Attributes<'_>, map: &mut M) -> Result<(), M::Error> {
            $( if let Some(form) = <$module::$Type $(<$lt>)? as text::Text>::form(attributes) {
                map.serialize_entry(stringify!($module), &form)?;
            } )*
            Ok(())
        }

        /// Reads the attribute of that name; `None`: there is no such name.
        #[cfg(feature = "serde")]
        pub(crate) fn read_form<'de, M: serde::de::MapAccess<'de>>(
            name: &str, map: &mut M, builder: AttrBuilder,
        ) -> Result<Option<AttrBuilder>, M::Error> {
            $( if name == stringify!($module) {
                return Ok(Some(<$module::$Type $(<$lt>)? as text::Text>::build(map.next_value()?, builder)));
            } )*
            Ok(None)
        }
    };
}

/// The families whose NLRI are typed: a row gives the type that says how they are read ([`Rules`](crate::nlri::Rules)).
macro_rules! families {
    ($( $NAME:ident => $Rules:ty, )*) => {
        /// Checks that `octets` are whole NLRI; an error is where the first that is not begins.
        fn check_rows(family: Family, form: Form, octets: &[u8]) -> Result<(), usize> {
            match family {
                $( Family::$NAME => check_with(|rest| <$Rules>::measure(rest, form).and_then(|shape| rest.get(shape.len..)), form.add_path, octets), )*
                _ => Ok(()),
            }
        }

        /// The NLRI in front of `octets`, without a path identifier, and what is behind it.
        fn decode_rows(family: Family, form: Form, octets: &[u8]) -> Option<(NlriRef<'_>, &[u8])> {
            match family {
                $( Family::$NAME => <$Rules>::decode(family, form, octets), )*
                _ => Some((NlriRef::Opaque(octets), &[])),
            }
        }

        /// Measures the NLRI in front of `octets`; `None`: malformed, or of a family without a row.
        fn measure_row(family: Family, form: Form, octets: &[u8]) -> Option<Shape> {
            match family {
                $( Family::$NAME => <$Rules>::measure(octets, form), )*
                _ => None,
            }
        }

        /// What a typed NLRI says.
        fn value_of<'m>(nlri: &TypedNlri<'m>) -> Option<NlriValue<'m>> {
            match nlri.family() {
                $( Family::$NAME => <$Rules>::value(nlri), )*
                _ => None,
            }
        }

        /// Appends the form of a typed NLRI that withdraws it.
        #[cfg(feature = "alloc")]
        fn write_key_of(nlri: &TypedNlri<'_>, out: &mut alloc::vec::Vec<u8>) {
            match nlri.family() {
                $( Family::$NAME => <$Rules>::write_key(nlri, out), )*
                _ => out.extend_from_slice(nlri.as_bytes()),
            }
        }

        /// Whether a typed NLRI can be used; one that cannot is passed over.
        fn is_usable_row(nlri: &TypedNlri<'_>) -> bool {
            match nlri.family() {
                $( Family::$NAME => <$Rules>::is_usable(nlri), )*
                _ => true,
            }
        }

        /// The next hop in an MP_REACH_NLRI; `extended`: RFC 8950 was negotiated for the family. `None`: wrong length.
        pub(crate) fn next_hop(family: Family, octets: &[u8], extended: bool) -> Option<NextHop> {
            match family {
                $( Family::$NAME => <$Rules>::next_hop(octets, extended), )*
                _ => NextHop::of_any_family(octets),
            }
        }

        /// Whether the family's next hops have a route distinguisher in front of each address.
        #[cfg(feature = "alloc")]
        pub(crate) fn has_distinguished_next_hop(family: Family) -> bool {
            match family {
                $( Family::$NAME => <$Rules>::NEXT_HOP_RD, )*
                _ => false,
            }
        }

        /// Whether an IPv4 next hop of the family must be the address of a host.
        pub(crate) fn goes_to_hosts(family: Family) -> bool {
            match family {
                $( Family::$NAME => <$Rules>::HOSTS, )*
                _ => false,
            }
        }

        /// Whether no NLRI of a family is longer than 257 octets.
        #[cfg(feature = "alloc")]
        pub(crate) fn is_short(family: Family) -> bool {
            match family {
                $( Family::$NAME => <$Rules>::SHORT, )*
                _ => false,
            }
        }

        /// Whether the NLRI of a family are typed.
        pub(crate) fn is_typed(family: Family) -> bool {
            matches!(family, $( Family::$NAME )|*)
        }
    };
}

/// serde by `Display` and `FromStr`: a string in every format.
macro_rules! text_form {
    ($Type:ident) => {
        #[cfg(feature = "serde")]
        impl serde::Serialize for $Type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $Type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::hex::from_text(deserializer)
            }
        }
    };
}

/// An identifier that is written as a dotted quad: text, serde and conversions.
macro_rules! quad {
    ($Type:ident, $what:literal) => {
        impl core::fmt::Display for $Type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(&core::net::Ipv4Addr::from_bits(self.0), f)
            }
        }

        impl core::str::FromStr for $Type {
            type Err = crate::ParseError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse::<core::net::Ipv4Addr>().map(Self::from).map_err(|_| crate::ParseError::new($what))
            }
        }

        impl From<core::net::Ipv4Addr> for $Type {
            fn from(addr: core::net::Ipv4Addr) -> Self {
                Self(addr.to_bits())
            }
        }

        impl From<$Type> for core::net::Ipv4Addr {
            fn from(id: $Type) -> Self {
                Self::from_bits(id.0)
            }
        }

        /// A dotted quad, in binary formats 4 octets.
        #[cfg(feature = "serde")]
        impl serde::Serialize for $Type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                core::net::Ipv4Addr::from(*self).serialize(serializer)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $Type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                core::net::Ipv4Addr::deserialize(deserializer).map(Self::from)
            }
        }
    };
}

pub(crate) use {attributes, capabilities, families, numbers, pairs, quad, text_form};
