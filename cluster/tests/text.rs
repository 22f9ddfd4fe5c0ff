//! Texts of fields: any input gives a value or an error, and what is written is read back as the same.

use core::fmt::Display;
use core::net::{Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use bgp_cluster::Name;
use bgp_cluster::resource::{GoDuration, Header, HostAddr, IpPoolSpec, LabelSelector, Object, PeerIp, PoolCidr};
use bgp_cluster::status::TimeOfDay;
use proptest::prelude::*;

fn same_again<T: FromStr + Display + PartialEq + core::fmt::Debug>(text: &str) -> Result<(), TestCaseError> {
    if let Ok(value) = text.parse::<T>() {
        let shown = value.to_string();
        prop_assert_eq!(shown.parse::<T>().ok(), Some(value), "{} became {}", text, shown);
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_is_a_value_or_an_error(text in r"[ -~µ]{0,24}") {
        same_again::<Name>(&text)?;
        same_again::<PoolCidr>(&text)?;
        same_again::<PeerIp>(&text)?;
        same_again::<GoDuration>(&text)?;
        same_again::<LabelSelector>(&text)?;
        same_again::<HostAddr<Ipv4Addr>>(&text)?;
        same_again::<HostAddr<Ipv6Addr>>(&text)?;
    }

    #[test]
    fn durations_read_back(text in r"([0-9]{1,4}(\.[0-9]{0,12})?(ns|us|µs|ms|s|m|h)){1,4}") {
        same_again::<GoDuration>(&text)?;
    }

    #[test]
    fn peer_addresses_read_back(addr in any::<core::net::IpAddr>(), port in any::<u16>()) {
        same_again::<PeerIp>(&addr.to_string())?;
        same_again::<PeerIp>(&core::net::SocketAddr::new(addr, port).to_string())?;
    }

    #[test]
    fn cidrs_read_back_masked_or_not_at_all(addr in any::<u32>(), len in 0_u8..=32) {
        let text = format!("{}/{len}", Ipv4Addr::from(addr));
        same_again::<PoolCidr>(&text)?;
        if let Ok(cidr) = text.parse::<PoolCidr>() {
            prop_assert_eq!(cidr.net().trunc(), cidr.net());
        }
    }

    #[test]
    fn times_of_day_read_back(seconds in 0_u32..86_400) {
        let json = serde_json::to_string(&TimeOfDay(seconds)).unwrap();
        prop_assert_eq!(serde_json::from_str::<TimeOfDay>(&json).unwrap(), TimeOfDay(seconds));
    }

    #[test]
    fn any_json_is_a_pool_or_an_error(cidr in ".{0,20}", size in any::<i64>(), mode in ".{0,8}", selector in ".{0,20}") {
        let value = serde_json::json!({
            "apiVersion": "projectcalico.org/v3", "kind": "IPPool", "metadata": {"name": "p"},
            "spec": {"cidr": cidr, "blockSize": size, "ipipMode": mode, "nodeSelector": selector},
        });
        let text = value.to_string();
        let header: Header = serde_json::from_str(&text).unwrap();
        let read = header.read(&mut serde_json::Deserializer::from_str(&text));
        prop_assert_eq!(read.is_ok(), serde_json::from_str::<Object<IpPoolSpec>>(&text).is_ok());
    }
}
