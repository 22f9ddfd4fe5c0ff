//! Every public type is Send and Sync.

use core::net::Ipv4Addr;

use ipip::{
    AnyPeer, BpfConfig, BpfError, Config, Counters, Decapsulated, Df, DscpDecap, EcnMode, Encapsulated, Endpoints,
    Error, Fragment, Fragmentation, Fragments, Ident, Labelled, LinuxError, LinuxOptions, Mode, NoPeers, Notice,
    OptionsError, OuterHeader, OuterOptions, Path, PeerBlocks, PeerPrefixes, PeerTable, Reason, Reassembly,
    SortedPeers, TokenBucket, Tos, Ttl, Tunnel,
};

fn is<T: Send + Sync>() {}

#[test]
fn public_types_are_send_and_sync() {
    is::<(AnyPeer, NoPeers, SortedPeers<'_>, PeerPrefixes<'_>, PeerBlocks<'_>, PeerTable<'_>)>();
    is::<(Config, Df, DscpDecap, EcnMode, Fragmentation, Mode, OptionsError, OuterOptions, Tos, Ttl)>();
    is::<(Counters, Error, Reason, Ident, TokenBucket, Path)>();
    is::<(BpfConfig, BpfError, Endpoints, LinuxError, LinuxOptions)>();
    is::<(
        Decapsulated<'_>,
        Encapsulated<'_>,
        Fragment,
        Fragments<'_>,
        OuterHeader,
        Notice<'_>,
        Labelled<'_>,
        Reassembly<'_>,
    )>();
    is::<Tunnel<Ipv4Addr>>();
}

#[cfg(feature = "v6")]
#[test]
fn public_types_with_ipv6_are_send_and_sync() {
    use ipip::v6::{
        Config, Decapsulated, Embedding, Encapsulated, Ends, Error, Fragment, Fragments, PeerBlocks, Tunnel,
    };
    is::<(Config, Embedding, Ends, Error, PeerBlocks<'_>, Tunnel)>();
    is::<(Decapsulated<'_>, Encapsulated<'_>, Fragment, Fragments<'_>)>();
}
