//! Who stands behind an IP address, where those who connect are counted.

use std::net::{IpAddr, Ipv6Addr};

/// The address; of IPv6, where one customer has many, the first 64 bits of it.
pub(crate) fn client_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => {
            let mut segments = ip.segments();
            segments[4..].fill(0);
            Ipv6Addr::from(segments).into()
        }
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_version_6_is_one_client() {
        let parse = |text: &str| text.parse().map(client_of);
        assert_eq!(parse("2001:db8:1:2:3::4"), parse("2001:db8:1:2::"));
        assert_ne!(parse("2001:db8:1:3::"), parse("2001:db8:1:2::"));
        assert_eq!(parse("::ffff:192.0.2.1"), "192.0.2.1".parse());
    }
}
