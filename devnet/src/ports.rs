//! Free TCP ports of the loopback interface, for processes that must be told theirs.

use std::net::TcpListener;

use rand::RngExt as _;

use crate::DevnetError;

/// Where ports are looked for: below the range from which systems take the ports of outgoing
/// connections, so that nobody takes a node's port while the node is being restarted.
const RANGE: std::ops::Range<u16> = 10_000..32_000;
/// Ports that are tried for each one that is needed.
const TRIES: usize = 200;

/// `N` different ports on which nobody listens now.
///
/// # Errors
/// [`DevnetError::NoPort`].
pub fn free<const N: usize>() -> Result<[u16; N], DevnetError> {
    // All stay bound until the last is found, so that they differ.
    let mut held = Vec::with_capacity(N);
    let mut random = rand::rng();
    for _ in 0..N {
        let found = (0..TRIES).find_map(|_| {
            let port = random.random_range(RANGE);
            let listener = TcpListener::bind(("127.0.0.1", port)).ok()?;
            Some((port, listener))
        });
        held.push(found.ok_or(DevnetError::NoPort)?);
    }
    let ports: Vec<u16> = held.iter().map(|(port, _)| *port).collect();
    ports.try_into().map_err(|_| DevnetError::NoPort)
}
