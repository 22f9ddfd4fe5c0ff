//! Attributes that nobody knows, through the reflector and at the daemons.

use crate::bird::Bird;
use crate::client::{Client, PASSED_ON, UNKNOWN, announce};
use crate::daemon::{Net, Setup, until};
use crate::ours::Reflector;

#[test]
fn rfc4271_5_unknown_attributes_are_passed_on_with_the_partial_bit() {
    let net = Net::new();
    let reflector = Reflector::start(net);
    let mut sender = Client::established(net.host(2), reflector.address);
    let mut receiver = Client::established(net.host(3), reflector.address);
    let prefix = ([10, 2, 0, 0].into(), 24);
    sender.send(&announce(&[prefix], [192, 0, 2, 2].into(), &UNKNOWN));
    until("the route", || {
        receiver.read();
        receiver.routes.contains_key(&prefix)
    });
    // Every octet that a reflector sends, in the order of the types.
    let mut expected = vec![0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 192, 0, 2, 2, 0x40, 5, 4, 0, 0, 0, 100];
    expected.extend_from_slice(&[0x80, 9, 4]);
    expected.extend_from_slice(&net.host(2).octets());
    expected.extend_from_slice(&[0x80, 10, 4, 244, 0, 0, 1]);
    expected.extend_from_slice(&PASSED_ON);
    assert_eq!(receiver.routes[&prefix], expected);

    if Bird::installed() {
        let bird = Bird::start(&Setup::client(4, net, reflector.address));
        until("BIRD shows the octets", || bird.ask("show route 10.2.0.0/24 all").contains("BGP.d5 [t]: 01 02 03 04"));
    }
}
