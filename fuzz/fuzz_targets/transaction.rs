//! A client may send anything.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(transaction) = wire::transaction::Transaction::decode(bytes.to_vec().into(), 7) {
        assert_eq!(transaction.raw[..], *bytes);
        let _ = wire::transaction::Deployment::decode(&transaction.data);
    }
    let _ = wire::transaction::Deployment::decode(&bytes.to_vec().into());
});
