//! A contract may describe itself as anything.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = serde_json::from_slice::<wire::contract::Description>(bytes);
});
