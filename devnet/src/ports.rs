//! Free TCP ports of the loopback interface, for processes that must be told theirs.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};

use rand::RngExt as _;

use crate::DevnetError;

/// Where ports are looked for: below the range from which systems take the ports of outgoing
/// connections, so that nobody takes a node's port while the node is being restarted.
const RANGE: std::ops::Range<u16> = 10_000..32_000;
/// Ports that are tried for each one that is needed.
const TRIES: usize = 200;

/// Ports that no other cluster on this machine takes while this lives.
///
/// Their TCP side is left to the processes that are told them. Their UDP side, of which nobody makes
/// use, stays bound here: between processes that is a lock which ends with its holder.
#[derive(Debug)]
pub struct Ports<const N: usize> {
    numbers: [u16; N],
    _locks: Vec<UdpSocket>,
}

impl<const N: usize> Ports<N> {
    /// `N` different ports on which nobody listens now.
    ///
    /// # Errors
    /// [`DevnetError::NoPort`].
    pub fn free() -> Result<Self, DevnetError> {
        let (mut numbers, mut locks) = ([0; N], Vec::with_capacity(N));
        let mut random = rand::rng();
        for number in &mut numbers {
            let found = (0..TRIES).find_map(|_| {
                let place = (Ipv4Addr::LOCALHOST, random.random_range(RANGE));
                let lock = UdpSocket::bind(place).ok()?;
                TcpListener::bind(place).is_ok().then_some((place.1, lock))
            });
            let (port, lock) = found.ok_or(DevnetError::NoPort)?;
            *number = port;
            locks.push(lock);
        }
        Ok(Self {
            numbers,
            _locks: locks,
        })
    }

    /// The ports.
    #[must_use]
    pub const fn numbers(&self) -> [u16; N] {
        self.numbers
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ports_are_given_once_while_they_are_held() {
        let held: Vec<_> = (0..20).map(|_| Ports::<12>::free().unwrap()).collect();
        let numbers: BTreeSet<_> = held.iter().flat_map(Ports::numbers).collect();
        assert_eq!(numbers.len(), 240);
        let port = held[0].numbers()[0];
        assert!(
            UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_err(),
            "it is locked"
        );
        drop(held);
        assert!(
            UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok(),
            "and free again"
        );
    }
}
