//! The stored form of the allocator: keys and values.

use ipnet::IpNet;
use ippool::codec::{
    Api, decode_dump, decode_key, decode_pool, decode_reservation, decode_resource, decode_value, encode_key,
    encode_resource, encode_value, upgrade_affinity,
};
use ippool::{Key, Owner};

/// The first octet chooses what is read: a key, a value of a block, affinity, handle or configuration, a resource of
/// Kubernetes, or a dump.
///
/// # Panics
/// If what was read is not read again after it was written, or writing it twice gives other octets.
pub fn ipam(data: &[u8]) {
    let Some((kind, text)) = data.split_first() else { return };
    let block = IpNet::default();
    let key = match kind % 7 {
        0 => return check_key(text),
        1 => Key::Block(block),
        2 => Key::Affinity(Owner::host("n"), block),
        3 => Key::Handle("h".into()),
        4 => Key::Config,
        5 => return check_resource(text),
        _ => return drop(decode_dump(text)),
    };
    let value = match decode_value(&key, text) {
        Ok(value) => value,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let Some(written) = encode_value(&value) else { unreachable!("cannot be written: {value:?}") };
    match decode_value(&key, written.as_bytes()) {
        Ok(again) => {
            assert_eq!(again, value, "{written}");
            assert_eq!(encode_value(&again), Some(written));
        }
        Err(error) => unreachable!("what was written is refused: {error}: {written}"),
    }
}

fn check_resource(text: &[u8]) {
    let _ = (decode_pool(text), decode_reservation(text), upgrade_affinity("n", text));
    let Ok(read) = decode_resource(text) else { return };
    for api in [Api::V1, Api::V3] {
        let Some(written) = encode_resource(api, &read.key, &read.value, None) else {
            unreachable!("cannot be written: {read:?}")
        };
        match decode_resource(written.as_bytes()) {
            Ok(again) => assert_eq!((again.key, again.value), (read.key.clone(), read.value.clone()), "{written}"),
            Err(error) => unreachable!("what was written is refused: {error}: {written}"),
        }
    }
}

fn check_key(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Some(found) = decode_key(text) else { return };
    let written = match encode_key(&found.key) {
        Ok(written) => written,
        Err(error) => unreachable!("{error:?}: {:?}", found.key),
    };
    assert_eq!(decode_key(&written).map(|again| again.key), Some(found.key));
}
