//! Methods that Ethereum has no word for; their shapes are in `wire::rpc`.

use alloy_primitives::{Address, B256};
use ordering::Refusal;
use wire::rpc::{NodeStatus, ReserveAmounts};

use super::{Answer, Rpc, params::Arguments, shapes::value};
use crate::metrics::totals;

pub(super) fn committee(rpc: &Rpc, _: &Arguments) -> Answer {
    Ok(value(&rpc.membership.committee))
}

pub(super) fn contract(rpc: &Rpc, arguments: &Arguments) -> Answer {
    let address: Address = arguments.get(0, "address")?;
    let state = rpc.shared.read();
    match (state.runtime().contract(address), state.lag()) {
        (None, Some(lag)) => Err(Refusal::CatchingUp(lag).into()),
        (contract, _) => Ok(value(&contract)),
    }
}

pub(super) fn input(rpc: &Rpc, arguments: &Arguments) -> Answer {
    let id: B256 = arguments.get(0, "transaction hash")?;
    Ok(value(&rpc.shared.read().runtime().input(id)))
}

pub(super) fn input_receipt(rpc: &Rpc, arguments: &Arguments) -> Answer {
    let input: B256 = arguments.get(0, "transaction hash")?;
    let computation: B256 = arguments.get(1, "computation id")?;
    let state = rpc.shared.read();
    Ok(value(&state.runtime().input_receipt(input, computation)))
}

pub(super) fn computation(rpc: &Rpc, arguments: &Arguments) -> Answer {
    let id: B256 = arguments.get(0, "computation id")?;
    Ok(value(&rpc.shared.read().runtime().computation(id)))
}

pub(super) fn computations(rpc: &Rpc, arguments: &Arguments) -> Answer {
    let address: Address = arguments.get(0, "address")?;
    Ok(value(&rpc.shared.read().runtime().computations(address)))
}

pub(super) fn certificate(rpc: &Rpc, arguments: &Arguments) -> Answer {
    let id: B256 = arguments.get(0, "computation id")?;
    Ok(value(&rpc.shared.read().runtime().certificate(id)))
}

pub(super) fn seal_keys(rpc: &Rpc, _: &Arguments) -> Answer {
    Ok(value(&rpc.shared.read().runtime().seal_keys()))
}

pub(super) fn status(rpc: &Rpc, _: &Arguments) -> Answer {
    // Of the last block of which everything can be asked; the state may be ahead of the index.
    let last = rpc.last()?;
    let state = rpc.shared.read();
    let (runtime, pending) = (state.runtime(), state.pending());
    let counts = runtime.counts();
    let left = runtime.reserve_left();
    let me = rpc.membership.me;
    Ok(value(&NodeStatus {
        node: me,
        address: rpc.membership.committee.nodes[usize::from(me)].address,
        version: env!("CARGO_PKG_VERSION").into(),
        block: last.number,
        block_hash: last.hash,
        state_root: last.state_root,
        time: last.time_ms / 1000,
        connected: rpc.network.connected(),
        pending_transactions: pending as u64,
        pending_inputs: counts.pending_inputs,
        running_computations: counts.running_computations,
        away: runtime.away().to_vec(),
        reserve: ReserveAmounts {
            bits: left.bits,
            r64: left.r64,
            r128: left.r128,
            seeds: left.seeds,
        },
        contradictions: runtime.contradictions().to_vec(),
        session_bytes_sent: totals(&rpc.metrics.session_sent),
        swarm_bytes_sent: totals(&rpc.metrics.swarm_sent),
    }))
}
