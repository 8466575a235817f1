//! A client may seal anything.
#![no_main]

use wire::kind::{Field, InputType, Kind};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let field = Field { name: "choice".into(), kind: Kind::U8, len: 1 };
    let input = InputType { name: "Ballot".into(), fields: vec![field] };
    if let Ok(sealed) = wire::sealed::SealedInput::decode(bytes, &input) {
        assert_eq!(sealed.encode(), bytes);
    }
});
