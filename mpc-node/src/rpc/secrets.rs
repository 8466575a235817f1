//! Results that are for one user: what an owner may read, and this node's components of one of them,
//! sealed to a key of its owner. No other method has anything to do with shares.

use std::time::{SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address, B256};
use wire::{
    limits::NODES,
    read::{Components, READ_SECONDS, ReadRequest, SecretAnswer},
};
use zk_contract_runtime::PendingInput;

use super::{Answer, Rpc, error::RpcError, params::Arguments, shapes::value};
use crate::session::refresh::held;

pub(super) fn secrets(rpc: &Rpc, arguments: &Arguments) -> Answer {
    let contract: Address = arguments.get(0, "contract")?;
    let owner: Address = arguments.get(1, "owner")?;
    let secrets = rpc.shared.read().runtime().secrets(contract, owner);
    Ok(value(&secrets))
}

pub(super) fn read(rpc: &Rpc, arguments: &Arguments) -> Answer {
    let id: B256 = arguments.get(0, "id")?;
    let request: ReadRequest = arguments.get(1, "request")?;
    let refused = |why: &str| RpcError::Params(why.into());
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| now.as_secs());
    if request.expires < now || request.expires - now > READ_SECONDS {
        return Err(refused(
            "the request has expired, or holds for too long: sign one for the next minutes",
        ));
    }
    let (secret, pending, sharing) = {
        let state = rpc.shared.read();
        let runtime = state.runtime();
        let secret = runtime.secret(id).zip(runtime.pending_input(id));
        let (secret, pending) = secret.ok_or_else(|| refused("there is no such secret"))?;
        (secret, pending, runtime.sharing())
    };
    let chain_id = rpc.membership.committee.chain_id;
    // A contract has no key, so what it keeps nobody reads.
    if request.signer(chain_id, id)? != secret.owner {
        return Err(refused(
            "the request is not signed by the owner of the secret",
        ));
    }
    let stores = (&rpc.derived, &rpc.shares);
    let shares = held(stores, &sharing, id, &pending).filter(|_| is_right(rpc, &pending, id));
    let shares = shares.ok_or_else(|| {
        RpcError::Internal("this node has not got the secret yet: ask the others".into())
    })?;
    let epoch = sharing.epoch;
    let components = shares.map(|share| share.map(|share| share.to_vec()));
    let held = Components { epoch, components };
    let (node, held) = rpc.filter.secret(rpc.membership.me, held);
    let mut random = rand::rng();
    let answer = SecretAnswer::seal(node, id, request.public_key, &held, &mut random)?;
    Ok(value(&answer))
}

/// Whether the base seeds that are kept are those of the result that counts, if they are used.
fn is_right(rpc: &Rpc, pending: &PendingInput, id: B256) -> bool {
    let sharing = rpc.shared.read().runtime().sharing();
    if pending.binding.key_epoch < sharing.epoch {
        return true;
    }
    let Some(seeds) = rpc.derived.seeds(pending.seeds_id(id)) else {
        return false;
    };
    let held = (0..NODES as u8).zip(&seeds);
    let mut held = held.filter_map(|(c, seed)| Some((c, seed.as_ref()?)));
    held.all(|(c, seed)| pending.check_seed(c, seed).is_ok())
}
