//! A peer may send anything.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = wire::peer::PeerMessage::decode(bytes) {
        assert_eq!(message.encode(), bytes);
    }
});
