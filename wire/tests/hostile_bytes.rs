//! What is refused at first sight. The parsers meet all other bytes in `tests/fuzz-bodies`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::Encodable2718 as _;
use alloy_primitives::{Address, Bytes};
use k256::ecdsa::SigningKey;
use wire::{
    WireError, codec,
    peer::PeerMessage,
    signing::{self, Signature},
    transaction::Transaction,
};

fn key() -> SigningKey {
    SigningKey::from_slice(&[1; 32]).unwrap()
}

fn signed_transaction(chain_id: u64, input: Vec<u8>) -> Bytes {
    let transaction = TxEip1559 {
        chain_id,
        nonce: 5,
        gas_limit: 100_000,
        to: Address::repeat_byte(1).into(),
        input: input.into(),
        ..TxEip1559::default()
    };
    let Signature { r, s, y_odd } = signing::sign_digest(&key(), transaction.signature_hash());
    let signature = alloy_primitives::Signature::new(r.into(), s.into(), y_odd);
    TxEnvelope::from(transaction.into_signed(signature))
        .encoded_2718()
        .into()
}

#[test]
fn a_transaction_is_of_one_chain() {
    let valid = signed_transaction(7, vec![1, 2, 3, 4]);
    let decoded = Transaction::decode(valid.clone(), 7).unwrap();
    assert_eq!(decoded.sender, signing::address(key().verifying_key()));
    assert_eq!(
        (decoded.nonce, decoded.gas_limit, decoded.data.len()),
        (5, 100_000, 4)
    );
    let error = Transaction::decode(valid, 8).unwrap_err();
    assert_eq!(
        error,
        WireError::WrongChain {
            expected: 8,
            actual: 7
        }
    );
}

#[test]
fn a_length_that_promises_more_than_there_is_takes_no_memory() {
    // A list of 2^60 inputs in a few bytes.
    let bytes = [&[8u8][..], &[0xff; 8], &[0x0f]].concat();
    assert!(PeerMessage::decode(&bytes).is_err());
    assert!(codec::decode::<Vec<u64>>("numbers", &[0xff, 0xff, 0xff, 0xff, 0x0f], 100).is_err());
}
