//! Which blocks are valid.

use wire::{WireError, node_transaction::NodeMessage};

use super::*;
use crate::Refusal;

fn refused(chain: &Chain, block: &Block) -> BlockError {
    let bytes = block.encode();
    chain.runtime.check(&bytes, &mut |_| None).unwrap_err()
}

#[test]
fn a_header_must_fit_the_head() {
    let (chain, _) = Chain::with_poll();
    let good = chain.next(vec![], vec![]);
    assert!(chain.runtime.check(&good.encode(), &mut |_| None).is_ok());
    let head = *chain.runtime.head();
    let with = |change: &dyn Fn(&mut Header)| {
        let mut block = good.clone();
        change(&mut block.header);
        refused(&chain, &block)
    };
    let wrong = B256::repeat_byte(1);
    assert_eq!(
        with(&|h| h.number += 1),
        BlockError::Number { head: 1, actual: 3 }
    );
    let (expected, actual) = (head.hash, wrong);
    assert_eq!(
        with(&|h| h.parent = wrong),
        BlockError::Parent { expected, actual }
    );
    let expected = head.state_root;
    assert_eq!(
        with(&|h| h.state_root = wrong),
        BlockError::StateRoot { expected, actual }
    );
    assert!(matches!(
        with(&|h| h.time_ms = head.time_ms - 1),
        BlockError::Time { .. }
    ));
    let stranger = user(1).address;
    assert_eq!(
        with(&|h| h.proposer = stranger),
        BlockError::Proposer(stranger)
    );
}

#[test]
fn the_same_time_as_the_parent_is_allowed() {
    let (mut chain, _) = Chain::with_poll();
    let mut block = chain.next(vec![], vec![]);
    block.header.time_ms = chain.runtime.head().time_ms;
    assert!(chain.accept(&block).is_ok());
}

#[test]
fn bytes_must_be_canonical_and_bounded() {
    let (chain, _) = Chain::with_poll();
    let mut bytes = chain.next(vec![], vec![]).encode();
    bytes.push(0);
    let error = chain.runtime.check(&bytes, &mut |_| None).unwrap_err();
    assert!(matches!(
        error,
        BlockError::Wire(WireError::Malformed { .. })
    ));
    let huge = vec![0; wire::limits::BLOCK_BYTES + 1];
    let error = chain.runtime.check(&huge, &mut |_| None).unwrap_err();
    assert!(matches!(error, BlockError::Wire(WireError::TooLong { .. })));
}

#[test]
fn node_transactions_are_sorted_unique_and_signed() {
    let (chain, _) = Chain::with_poll();
    let [a, b] = [0, 2].map(|node| chain.speak(node, vec![]));
    let block = |nodes| chain.next(nodes, vec![]);
    assert!(
        chain
            .runtime
            .check(&block(vec![a.clone(), b.clone()]).encode(), &mut |_| None)
            .is_ok()
    );
    assert_eq!(
        refused(&chain, &block(vec![b.clone(), a.clone()])),
        BlockError::NodeOrder
    );
    assert_eq!(
        refused(&chain, &block(vec![a.clone(), a.clone()])),
        BlockError::NodeOrder
    );
    let bad = |change: &dyn Fn(&mut SignedNodeTransaction)| {
        let mut signed = a.clone();
        change(&mut signed);
        assert!(matches!(
            refused(&chain, &block(vec![signed])),
            BlockError::Wire(WireError::BadSignature { .. })
        ));
    };
    bad(&|s| s.transaction.node = 1);
    bad(&|s| s.transaction.node = 4);
    bad(&|s| s.signature.s.0[5] ^= 1);
    let inputs = vec![B256::ZERO];
    bad(&|s| {
        s.transaction.messages.push(NodeMessage::Hold {
            inputs: inputs.clone(),
        })
    });
}

#[test]
fn nonces_are_consecutive() {
    let (mut chain, poll) = Chain::with_poll();
    let sender = user(1);
    let tx = |nonce| sign(&sender, nonce, Some(poll), call("bump"), GAS);
    let refusal = |chain: &Chain, txs: Vec<Bytes>| match refused(chain, &chain.next(vec![], txs)) {
        BlockError::Transaction { refusal, .. } => refusal,
        other => panic!("{other:?}"),
    };
    let gap = |expected, actual| Refusal::NonceGap { expected, actual };
    let low = |expected, actual| Refusal::NonceTooLow { expected, actual };
    assert_eq!(refusal(&chain, vec![tx(1)]), gap(0, 1));
    assert_eq!(refusal(&chain, vec![tx(0), tx(2)]), gap(1, 2));
    assert_eq!(refusal(&chain, vec![tx(0), tx(0)]), low(1, 0));
    let block = chain.next(vec![], vec![tx(0), tx(1)]);
    chain.accept(&block).unwrap();
    assert_eq!(chain.runtime.nonce(sender.address), 2);
    assert_eq!(refusal(&chain, vec![tx(1)]), low(2, 1));
}

#[test]
fn a_reverted_transaction_uses_its_nonce_and_gas() {
    let (mut chain, poll) = Chain::with_poll();
    let sender = user(1);
    let (receipt, _) = chain.act(&sender, poll, call("nothing"));
    assert!(!receipt.status && receipt.gas_used > 21_000);
    assert_eq!(chain.runtime.nonce(sender.address), 1);
    let (receipt, _) = chain.act(&sender, Address::repeat_byte(1), call("bump"));
    assert!(!receipt.status);
    assert!(receipt.revert_reason.unwrap().contains("no contract"));
    let (receipt, _) = chain.act(&sender, poll, call("bump"));
    assert!(receipt.status);
    assert_eq!(receipt.logs.len(), 1);
}

#[test]
fn gas_is_bounded_for_a_transaction_and_for_a_block() {
    let (chain, poll) = Chain::with_poll();
    let tx = |nonce, gas| sign(&user(1), nonce, Some(poll), call("bump"), gas);
    let limit = wire::limits::CALL_FUEL;
    let refusal = |gas| match refused(&chain, &chain.next(vec![], vec![tx(0, gas)])) {
        BlockError::Transaction { refusal, .. } => refusal,
        other => panic!("{other:?}"),
    };
    assert!(matches!(refusal(21_000), Refusal::GasTooLow { .. }));
    let actual = limit + 1;
    assert_eq!(refusal(actual), Refusal::GasTooHigh { limit, actual });
    let fit = wire::limits::BLOCK_FUEL / limit;
    let full = |count| chain.next(vec![], (0..count).map(|n| tx(n, limit)).collect());
    assert!(
        chain
            .runtime
            .check(&full(fit).encode(), &mut |_| None)
            .is_ok()
    );
    assert!(matches!(
        refused(&chain, &full(fit + 1)),
        BlockError::Fuel { .. }
    ));
}

#[test]
fn what_the_mempool_knows_is_believed_for_the_same_bytes_only() {
    let (mut chain, poll) = Chain::with_poll();
    let [honest, other] = [1, 2].map(|n| chain.call(&user(n), poll, call("bump")));
    let known = decoded(&honest);
    let block = |tx: &Bytes| chain.next(vec![], vec![tx.clone()]).encode();
    let mut asked = 0;
    let checked = chain.runtime.check(&block(&honest), &mut |raw| {
        asked += 1;
        (*raw == honest).then(|| known.clone())
    });
    assert_eq!(
        (asked, checked.unwrap().transactions()),
        (1, [known.clone()].as_slice())
    );
    let checked = chain
        .runtime
        .check(&block(&other), &mut |_| Some(known.clone()));
    assert_eq!(checked.unwrap().transactions(), [decoded(&other)]);
}

#[test]
fn a_block_is_applied_after_the_head_it_was_checked_against() {
    let (mut chain, _) = Chain::with_poll();
    let block = chain.next(vec![], vec![]).encode();
    let checked = chain.runtime.check(&block, &mut |_| None).unwrap();
    chain.runtime.apply(checked.clone()).unwrap();
    let root = chain.runtime.head().state_root;
    assert_eq!(
        chain.runtime.apply(checked),
        Err(crate::HostFault::WrongBlock)
    );
    assert_eq!(chain.runtime.head().state_root, root);
}

#[test]
fn time_advances_once_for_a_request_and_only_in_development() {
    let advance = |by_ms| {
        let request = B256::repeat_byte(3);
        vec![NodeMessage::AdvanceTime { request, by_ms }]
    };
    let mut chain = Chain::new(true);
    chain.block(vec![(0, advance(5_000)), (1, advance(5_000))], vec![]);
    chain.block(vec![(0, advance(5_000))], vec![]);
    assert_eq!(chain.runtime.time_offset_ms(), 5_000);
    assert!(chain.runtime.time_request_applied(B256::repeat_byte(3)));
    assert_eq!(
        chain.runtime.next_time_ms(GENESIS_MS + 10_000),
        GENESIS_MS + 15_000
    );
    assert_eq!(chain.runtime.next_time_ms(0), chain.runtime.head().time_ms);
    let mut strict = Chain::new(false);
    let root = strict.runtime.head().state_root;
    strict.block(vec![(0, advance(5_000))], vec![]);
    assert_eq!(strict.runtime.time_offset_ms(), 0);
    assert_eq!(strict.runtime.head().state_root, root);
}

#[test]
fn user_transactions_must_be_signed_for_this_chain() {
    let (chain, poll) = Chain::with_poll();
    let tx = sign(&user(1), 0, Some(poll), call("bump"), GAS);
    let wire = |tx: Bytes| match refused(&chain, &chain.next(vec![], vec![tx])) {
        BlockError::Wire(error) => error,
        other => panic!("{other:?}"),
    };
    let mut cut = tx.to_vec();
    cut.pop();
    assert!(matches!(wire(cut.into()), WireError::Malformed { .. }));
    let elsewhere = wire::committee::Committee {
        chain_id: CHAIN_ID + 1,
        ..committee(true)
    };
    let mut other = Chain::new(true);
    other.runtime = Runtime::new(elsewhere);
    let block = other.next(vec![], vec![tx]).encode();
    let error = other.runtime.check(&block, &mut |_| None).unwrap_err();
    assert!(matches!(
        error,
        BlockError::Wire(WireError::WrongChain { .. })
    ));
}

#[test]
fn node_transactions_have_a_share_of_the_block_and_no_more() {
    let (chain, _) = Chain::with_poll();
    // An encoded hash takes 33 bytes.
    let fits = (wire::limits::NODE_TRANSACTION_BYTES - 16) / 33;
    let speak = |node| {
        let inputs = vec![B256::ZERO; fits];
        chain.speak(node, vec![NodeMessage::Hold { inputs }])
    };
    let block = |nodes: &[u8]| chain.next(nodes.iter().map(|n| speak(*n)).collect(), vec![]);
    assert!(
        chain
            .runtime
            .check(&block(&[0, 1, 2]).encode(), &mut |_| None)
            .is_ok()
    );
    assert!(matches!(
        refused(&chain, &block(&[0, 1, 2, 3])),
        BlockError::NodeBytes { .. }
    ));
    let inputs = vec![B256::ZERO; fits + 2];
    let long = chain.speak(3, vec![NodeMessage::Hold { inputs }]);
    assert!(matches!(
        refused(&chain, &chain.next(vec![long], vec![])),
        BlockError::Wire(WireError::TooLong { .. })
    ));
}

#[test]
fn signatures_of_too_many_transactions_are_not_even_looked_at() {
    let chain = Chain::new(true);
    let limit = wire::limits::BLOCK_TRANSACTIONS;
    let mut looked = 0;
    for (actual, expected) in [(limit, false), (limit + 1, true)] {
        let block = chain.next(vec![], vec![Bytes::new(); actual]).encode();
        let mut known = |_: &Bytes| {
            looked += 1;
            None
        };
        let error = chain.runtime.check(&block, &mut known).unwrap_err();
        assert_eq!(error == BlockError::TooMany { actual, limit }, expected);
    }
    assert_eq!(looked, 1);
}
