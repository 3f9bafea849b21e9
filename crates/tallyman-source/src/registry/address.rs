//! How far inside a network an address is. A registry may send a client only to places that are
//! no further inside than the registry itself, so that a public one cannot make this machine ask
//! its own services or its cloud's metadata service.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// From the outside inwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// The internet.
    Public,
    /// Private networks (RFC 1918, RFC 6598, RFC 4193).
    Private,
    /// This machine.
    Loopback,
    /// Link-local, cloud metadata, multicast and reserved: never a registry.
    Forbidden,
}

/// Metadata services outside the link-local range: Alibaba Cloud's, and AWS's over IPv6.
const ALIBABA_METADATA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
const AWS_METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

pub(crate) fn reach_of(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(v4) => reach_of_v4(v4),
        IpAddr::V6(v6) => match embedded_v4(v6) {
            Some(v4) => reach_of_v4(v4),
            None => reach_of_v6(v6),
        },
    }
}

fn reach_of_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        _ if address == ALIBABA_METADATA => Reach::Forbidden,
        [169, 254, ..] => Reach::Forbidden,
        [224..=255, ..] => Reach::Forbidden,
        // The unspecified address connects to this machine.
        [0 | 127, ..] => Reach::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Reach::Private,
        [100, 64..=127, ..] | [198, 18..=19, ..] | [192, 0, 0, _] => Reach::Private,
        _ => Reach::Public,
    }
}

fn reach_of_v6(address: Ipv6Addr) -> Reach {
    let first = address.segments()[0];
    if address.is_loopback() || address.is_unspecified() {
        Reach::Loopback
    } else if address == AWS_METADATA || address.is_multicast() || first & 0xffc0 == 0xfe80 {
        Reach::Forbidden
    } else if first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfec0 {
        Reach::Private
    } else {
        Reach::Public
    }
}

/// IPv4 addresses within IPv6: mapped (RFC 4291), NAT64 (RFC 6052), 6to4 (RFC 3056).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] => Some(join(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(join(high, low)),
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Reach, reach_of};

    #[test]
    fn addresses_are_sorted_by_how_far_inside_they_are() {
        let table = [
            (Reach::Public, "93.184.216.34 2606:2800::1 64:ff9b::5db8:d822"),
            (
                Reach::Private,
                "10.0.0.1 172.31.0.1 192.168.9.9 100.64.0.1 fd12::1 ::ffff:10.0.0.1 2002:a00:1::",
            ),
            (Reach::Loopback, "127.0.0.1 127.9.9.9 0.0.0.0 ::1 :: ::ffff:127.0.0.1"),
            (
                Reach::Forbidden,
                "169.254.169.254 100.100.100.200 fd00:ec2::254 fe80::1 ff02::1 224.0.0.1 \
                 255.255.255.255 ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe",
            ),
        ];
        for (expect, addresses) in table {
            for text in addresses.split_whitespace() {
                assert_eq!(reach_of(text.parse().expect(text)), expect, "{text}");
            }
        }
    }
}
