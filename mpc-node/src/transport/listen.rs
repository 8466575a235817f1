//! The door: takes TCP connections, and lets those in whose first bytes say the right word.
//!
//! Strangers do not know it, so they cost a socket for a moment and never a handshake. When too
//! many stand at the door, one goes: of those from the address that sent most of them, the one that
//! has stood there longest. Who knows the word has said it at once, and comes from another address.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
};

use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};

use super::{OPEN_TIMEOUT, identity::DOOR_BYTES, sessions::SessionLinks};
use crate::client_ip::client_of;

/// Connections that have not said the word yet.
const AT_THE_DOOR: usize = 256;

/// Place of the first of those who come from the address that most come from.
fn most_frequent<T>(waiting: &VecDeque<(IpAddr, T)>) -> usize {
    let mut counts: HashMap<IpAddr, usize> = HashMap::new();
    for (ip, _) in waiting {
        *counts.entry(*ip).or_default() += 1;
    }
    let most = counts.values().copied().max().unwrap_or(0);
    let mut addresses = waiting.iter().map(|(ip, _)| ip);
    addresses
        .position(|ip| counts.get(ip) == Some(&most))
        .unwrap_or(0)
}

impl SessionLinks {
    /// Takes connections until all tasks of the node end.
    pub(crate) async fn accept(self, listener: TcpListener) {
        let mut door = JoinSet::new();
        let mut waiting: VecDeque<(IpAddr, AbortHandle)> = VecDeque::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, from)) => {
                        waiting.retain(|(_, stranger)| !stranger.is_finished());
                        if waiting.len() >= AT_THE_DOOR
                            && let Some((_, longest)) = waiting.remove(most_frequent(&waiting))
                        {
                            longest.abort();
                            self.refused("too many connections at once");
                        }
                        let links = self.clone();
                        let hearing = door.spawn(async move { links.hear(stream).await });
                        waiting.push_back((client_of(from.ip()), hearing));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot take connections of sessions");
                        sleep(OPEN_TIMEOUT / 30).await;
                    }
                },
                Some(heard) = door.join_next() => {
                    if let Ok(Some((peer, stream))) = heard {
                        self.welcome(peer, stream);
                    }
                }
            }
        }
    }

    /// Listens for the word, and tells whose it is.
    async fn hear(&self, mut stream: TcpStream) -> Option<(u8, TcpStream)> {
        let mut word = [0; DOOR_BYTES];
        let heard = timeout(OPEN_TIMEOUT, stream.read_exact(&mut word)).await;
        let peer = self.whose(&word).filter(|_| matches!(heard, Ok(Ok(_))));
        if peer.is_none() {
            self.refused("it does not know the word of this node's door");
        }
        Some((peer?, stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_from_one_address_pushes_out_itself_alone() {
        let from = |last: u8| (IpAddr::from([192, 0, 2, last]), ());
        let waiting = |lasts: &[u8]| lasts.iter().map(|last| from(*last)).collect();
        assert_eq!(most_frequent(&waiting(&[1, 2, 3, 2, 1, 2])), 1);
        assert_eq!(most_frequent(&waiting(&[9, 7, 7])), 1);
        assert_eq!(most_frequent(&waiting(&[4, 5])), 0);
    }
}
