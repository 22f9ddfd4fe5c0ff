//! Route reflection (RFC 4456): who may get whose routes inside the AS, and who gets the reflection attributes.

use crate::peer::PeerKind;

/// Whether a route that came from `from` (`None`: our own) may go to a peer of kind `to`. That a route never goes back
/// to its sender is not decided here but by the export group, message by message.
///
/// | from \ to | client | non-client | eBGP, confederation |
/// | --- | --- | --- | --- |
/// | client | yes, but for `no_client_to_client` | yes | yes |
/// | non-client | yes | no | yes |
/// | eBGP, confederation, own | yes | yes | yes |
pub(crate) fn permits(from: Option<PeerKind>, to: PeerKind, no_client_to_client: bool) -> bool {
    match (from, to) {
        (Some(PeerKind::Ibgp), PeerKind::Ibgp) => false,
        (Some(PeerKind::RrClient), PeerKind::RrClient) => !no_client_to_client,
        _ => true,
    }
}

/// Whether passing the route on is reflection, which adds ORIGINATOR_ID and CLUSTER_LIST (section 8): only what one
/// IBGP session brought and another takes away.
pub(crate) fn reflects(from: Option<PeerKind>, to: PeerKind) -> bool {
    from.is_some_and(PeerKind::is_internal) && to.is_internal()
}

#[cfg(test)]
mod tests {
    use super::*;
    use PeerKind::{Confed, Ebgp, Ibgp, RouteServerClient, RrClient};

    #[test]
    fn rfc4456_6_client_route_goes_to_clients_and_non_clients() {
        for to in [Ebgp, Ibgp, RrClient, Confed, RouteServerClient] {
            assert!(permits(Some(RrClient), to, false));
        }
    }

    #[test]
    fn rfc4456_6_non_client_route_goes_to_clients_only() {
        assert!(permits(Some(Ibgp), RrClient, false) && permits(Some(Ibgp), Ebgp, false));
        assert!(!permits(Some(Ibgp), Ibgp, false));
    }

    #[test]
    fn rfc4456_6_ebgp_and_own_routes_go_to_everyone() {
        for from in [None, Some(Ebgp), Some(Confed), Some(RouteServerClient)] {
            for to in [Ebgp, Ibgp, RrClient, Confed] {
                assert!(permits(from, to, false) && !reflects(from, to));
            }
        }
    }

    #[test]
    fn rfc4456_6_no_client_to_client_spares_only_clients() {
        assert!(!permits(Some(RrClient), RrClient, true));
        assert!(permits(Some(RrClient), Ibgp, true) && permits(Some(Ibgp), RrClient, true));
    }

    #[test]
    fn rfc4456_8_attributes_are_made_between_internal_peers_only() {
        assert!(reflects(Some(RrClient), Ibgp) && reflects(Some(Ibgp), RrClient) && reflects(Some(RrClient), RrClient));
        assert!(!reflects(Some(RrClient), Ebgp) && !reflects(Some(RrClient), Confed));
    }
}
