//! How long things take: `cargo test -p zk-contract-runtime figures -- --ignored --nocapture`.

use std::time::Instant;

use super::*;
use crate::CallRequest;

#[test]
#[ignore = "prints figures, checks nothing"]
fn figures() {
    let (mut chain, poll) = Chain::with_poll();
    let voters = 1_000u16;
    let voter = |n: u16| {
        let mut bytes = [0x66; 32];
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        let key = SigningKey::from_slice(&bytes).unwrap();
        let address = signing::address(key.verifying_key());
        User { key, address }
    };
    let (txs, ids): (Vec<_>, Vec<_>) = (0..voters)
        .map(|n| chain.cast(&voter(n), poll, (n % 3) as u8))
        .unzip();
    let request = CallRequest {
        from: voter(0).address,
        to: Some(poll),
        data: decoded(&txs[0]).data,
        gas: None,
    };
    let start = Instant::now();
    for _ in 0..1_000 {
        chain.runtime.call(&request, chain.time_ms).unwrap();
    }
    println!("a trial: {:?}", start.elapsed() / 1_000);

    let known: BTreeMap<_, _> = txs.iter().map(|tx| (tx.clone(), decoded(tx))).collect();
    let mut timed = |name: &str, nodes: Vec<SignedNodeTransaction>, txs: Vec<Bytes>| {
        let block = chain.next(nodes, txs).encode();
        let start = Instant::now();
        let mut known = |raw: &Bytes| known.get(raw).cloned();
        let checked = chain.runtime.check(&block, &mut known).unwrap();
        let check = start.elapsed();
        let start = Instant::now();
        chain.runtime.apply(checked).unwrap();
        println!("{name}: check {check:?}, apply {:?}", start.elapsed());
    };
    timed("1000 ballots ordered", vec![], txs);
    let hold = |node| {
        let inputs = ids.clone();
        let transaction = NodeTransaction {
            node,
            messages: vec![NodeMessage::Hold { inputs }],
        };
        transaction.sign(&key(0x11, node), &committee(true))
    };
    timed("1000 ballots accepted", (0..3).map(hold).collect(), vec![]);
    timed("an empty block", vec![], vec![]);
    chain.time_ms = CLOSES * 1_000;
    let close = chain.call(&user(1), poll, call("close"));
    let block = chain.next(vec![], vec![close]).encode();
    let checked = chain.runtime.check(&block, &mut |_| None).unwrap();
    let start = Instant::now();
    chain.runtime.apply(checked).unwrap();
    println!("frozen and traced: {:?}", start.elapsed());
    let start = Instant::now();
    crate::sandbox::Compiled::new(&poll_code())
        .unwrap()
        .ok()
        .unwrap();
    println!("poll analysed and compiled: {:?}", start.elapsed());
}
