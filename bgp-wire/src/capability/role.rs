//! BGP role (RFC 9234 section 4.1): 1 octet.

use crate::Params;
use crate::registry::numbers;

numbers! {
    /// The role of a speaker towards its peer (RFC 9234): what **it** is to the other.
    pub struct Role(u8) "role" {
        0 => PROVIDER "provider",
        1 => ROUTE_SERVER "rs",
        2 => ROUTE_SERVER_CLIENT "rs-client",
        3 => CUSTOMER "customer",
        4 => PEER "peer",
    }
}

impl Role {
    /// True if two speakers with these roles may have a session (RFC 9234 section 4.2, table 2).
    ///
    /// ```
    /// use bgp_wire::capability::Role;
    /// assert!(Role::PROVIDER.matches(Role::CUSTOMER));
    /// assert!(!Role::PEER.matches(Role::CUSTOMER));
    /// ```
    #[must_use]
    pub const fn matches(self, peer: Self) -> bool {
        matches!(
            (self, peer),
            (Self::PROVIDER, Self::CUSTOMER)
                | (Self::CUSTOMER, Self::PROVIDER)
                | (Self::ROUTE_SERVER, Self::ROUTE_SERVER_CLIENT)
                | (Self::ROUTE_SERVER_CLIENT, Self::ROUTE_SERVER)
                | (Self::PEER, Self::PEER)
        )
    }
}

/// The roles that an OPEN names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "none, one or more: there is nothing else")]
pub enum RoleParam {
    /// None.
    #[default]
    None,
    /// One, perhaps several times.
    One(Role),
    /// Different ones: the session is refused with 2/11 (RFC 9234 section 4.2).
    Conflict,
}

pub(crate) type Learned = RoleParam;

pub(crate) fn learn(learned: &mut Learned, value: &[u8]) -> bool {
    let Some(role) = decode(value) else { return false };
    *learned = match *learned {
        RoleParam::None => RoleParam::One(role),
        RoleParam::One(other) if other == role => RoleParam::One(role),
        RoleParam::One(_) | RoleParam::Conflict => RoleParam::Conflict,
    };
    true
}

pub(super) fn decode(value: &[u8]) -> Option<Role> {
    match value {
        [role] => Some(Role(*role)),
        _ => None,
    }
}

#[cfg(feature = "alloc")]
pub(super) fn encode(role: &Role, out: &mut alloc::vec::Vec<u8>) {
    out.push(role.0);
}

impl Params {
    /// The roles that the OPEN names (RFC 9234).
    #[must_use]
    pub const fn role(&self) -> RoleParam {
        self.slots.role
    }

    /// With this role.
    #[must_use]
    pub const fn with_role(mut self, role: Role) -> Self {
        self.slots.role = RoleParam::One(role);
        self
    }
}
