//! The door: takes TCP connections, and lets those in whose first bytes say the right word.
//!
//! Strangers do not know it, so they cost a socket for a moment and never a handshake. When too
//! many stand at the door, the one that has stood there longest goes: who knows the word has said
//! it at once.

use std::collections::VecDeque;

use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};

use super::{OPEN_TIMEOUT, identity::DOOR_BYTES, sessions::SessionLinks};

/// Connections that have not said the word yet.
const AT_THE_DOOR: usize = 64;

impl SessionLinks {
    /// Takes connections until all tasks of the node end.
    pub(crate) async fn accept(self, listener: TcpListener) {
        let mut door = JoinSet::new();
        let mut waiting: VecDeque<AbortHandle> = VecDeque::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        waiting.retain(|stranger| !stranger.is_finished());
                        if waiting.len() >= AT_THE_DOOR
                            && let Some(longest) = waiting.pop_front()
                        {
                            longest.abort();
                            self.refused("too many connections at once");
                        }
                        let links = self.clone();
                        waiting.push_back(door.spawn(async move { links.hear(stream).await }));
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
