//! What peers send on their connections, as bytes arrive.

use std::sync::{Arc, OnceLock};

use futures::{executor::block_on, io::Cursor};
use mpc_node::{
    network::{decode_message, frame},
    transport::{
        framing::{Received, header},
        identity::{Identity, Introduction, Pinned},
        records::{Records, State},
        sessions::SessionId,
    },
};
use rustls::{ClientConfig, ServerConfig};
use wire::{codec, limits::PEER_FRAME_BYTES};

/// A stream of the swarm: frames, each a message.
pub fn peer_frames(bytes: &[u8]) -> bool {
    let mut stream = Cursor::new(bytes);
    let mut taken = false;
    while let Ok(contents) = block_on(frame::read(&mut stream, PEER_FRAME_BYTES)) {
        assert!(contents.len() <= bytes.len());
        if contents.is_empty() {
            continue;
        }
        match decode_message(&contents) {
            Ok(message) => assert_eq!(message.encode(), contents),
            Err(_) => return false,
        }
        taken = true;
    }
    taken
}

/// What a peer says about itself, and how it names a session.
pub fn greeting(bytes: &[u8]) -> bool {
    let introduction = Introduction::decode(bytes);
    if let Ok(introduction) = &introduction {
        assert_eq!(codec::encode(introduction), bytes);
    }
    let name = SessionId::decode(bytes);
    if let Ok(name) = &name {
        assert_eq!(codec::encode(name), bytes);
    }
    introduction.is_ok() || name.is_ok()
}

/// Frames of a computation, after TLS; the first byte says in what pieces they arrive.
pub fn session_frames(bytes: &[u8]) -> bool {
    let Some((piece, bytes)) = bytes.split_first() else {
        return false;
    };
    let (mut whole, mut pieces) = (Received::default(), Received::default());
    whole.push(bytes);
    for piece in bytes.chunks(usize::from(*piece).max(1)) {
        pieces.push(piece);
    }
    // A frame that waits is counted with 64 bytes beside its contents.
    assert!(whole.waiting_bytes() <= 64 * (bytes.len() / 8) + bytes.len());
    let mut taken = false;
    loop {
        let frame = whole.take();
        assert_eq!(frame, pieces.take(), "however it arrives");
        match frame {
            Some(_) => taken = true,
            None => break,
        }
    }
    assert_eq!(whole.is_bad(), pieces.is_bad());
    assert_eq!(whole.is_over(), pieces.is_over());
    let good = taken && !whole.is_bad();
    assert_eq!(whole.into_rest(), pieces.into_rest());
    good
}

/// TLS records, to the side that is dialed and to the one that dials.
pub fn tls(bytes: &[u8]) -> bool {
    let (client, server) = configs();
    let mut sides = [
        Records::server(server.clone()).unwrap(),
        Records::client(client.clone()).unwrap(),
    ];
    let mut waits = false;
    for side in &mut sides {
        let mut rest = bytes;
        let state = loop {
            let mut plain = 0;
            let state = match side.process(|bytes| plain += bytes.len()) {
                Ok(state) => state,
                Err(_) => break None,
            };
            assert_eq!(plain, 0, "nobody has shaken hands");
            let space = side.space();
            assert!(!space.is_empty());
            let count = space.len().min(rest.len());
            if count == 0 {
                break Some(state);
            }
            space[..count].copy_from_slice(&rest[..count]);
            side.arrived(count);
            rest = &rest[count..];
        };
        assert_ne!(state, Some(State::Open), "a key that nobody pinned");
        waits |= state == Some(State::Handshaking);
    }
    waits
}

fn configs() -> &'static (Arc<ClientConfig>, Arc<ServerConfig>) {
    static CONFIGS: OnceLock<(Arc<ClientConfig>, Arc<ServerConfig>)> = OnceLock::new();
    CONFIGS.get_or_init(|| Identity::new().unwrap().configs(Pinned::default()).unwrap())
}

/// All messages in one stream.
#[must_use]
pub fn peer_frames_seeds() -> Vec<Vec<u8>> {
    let mut stream = vec![0; 4];
    for message in crate::formats::peer_message_seeds() {
        block_on(frame::write(&mut stream, &message)).unwrap();
    }
    vec![stream]
}

/// Both kinds.
#[must_use]
pub fn greeting_seeds() -> Vec<Vec<u8>> {
    let introduction = Introduction {
        port: 7001,
        key: vec![3; 44],
        door: [9; 16],
    };
    let name = SessionId {
        job: [1; 32].into(),
        attempt: 2,
    };
    vec![codec::encode(&introduction), codec::encode(&name)]
}

/// Some frames, a sign of life, and the end.
#[must_use]
pub fn session_frames_seeds() -> Vec<Vec<u8>> {
    let frame = |round, contents: &[u8]| [&header(round, contents.len())[..], contents].concat();
    let stream = [
        vec![7],
        frame(0, b"first"),
        vec![0; 4],
        frame(1, b""),
        frame(7, &[9; 300]),
        vec![0xff; 4],
        b"next".to_vec(),
    ];
    vec![stream.concat()]
}

/// What the dialing side says first.
#[must_use]
pub fn tls_seeds() -> Vec<Vec<u8>> {
    let mut client = Records::client(configs().0.clone()).unwrap();
    client.process(|_| {}).unwrap();
    vec![client.pending().to_vec()]
}
