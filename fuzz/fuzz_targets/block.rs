//! A proposer may propose anything.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(block) = wire::block::Block::decode(bytes) {
        assert_eq!(block.encode(), bytes);
    }
});
