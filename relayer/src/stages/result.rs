//! From L2 to L1: signed results.

use std::collections::btree_map::Entry;

use alloy::{
    primitives::{Address, B256},
    sol_types::{SolCall as _, SolInterface as _},
};
use client::rpc::CheckedCertificate;
use tracing::{debug, info, warn};
use wire::{
    attestation::submitCall,
    rpc::{ComputationInfo, ComputationStatus},
};

use super::{Outcome, World};
use crate::{
    RelayerError,
    abi::App,
    chain::{Side, Simulation},
    config::Route,
    sender::Call,
};

/// Carries the results of one route that are due.
///
/// # Errors
/// All of [`RelayerError`].
pub async fn carry(route: &Route, world: &mut World<'_>) -> Result<Outcome, RelayerError> {
    let (app, contract) = (route.l1_app, route.l2_contract);
    let computations = world.l2.computations(contract).await?;
    let believed = match computations.is_empty() {
        true => None,
        false => world.l1.believed().await?,
    };
    let mut outcome = Outcome::default();
    for computation in computations {
        let seen = world.store.state.accepted.get(&app);
        let seen = seen.and_then(|seen| seen.get(&computation.id)).copied();
        match due(&computation, seen, believed) {
            Due::Nothing => {}
            Due::Later(why) => outcome.waits.push(why),
            Due::Now => outcome.add(submit(app, &computation, world).await?),
        }
    }
    Ok(outcome)
}

#[derive(Debug, PartialEq, Eq)]
enum Due {
    Nothing,
    Later(String),
    Now,
}

/// What is to be done about a computation of which the app was seen to have the result in L1 block
/// `accepted`. That is final once that block is believed; until then it is looked at again.
fn due(computation: &ComputationInfo, accepted: Option<u64>, believed: Option<u64>) -> Due {
    let (id, name) = (computation.id, &computation.name);
    match &computation.status {
        ComputationStatus::Attested { .. } => match (accepted, believed) {
            (Some(block), Some(believed)) if block <= believed => Due::Nothing,
            _ => Due::Now,
        },
        ComputationStatus::Waiting {
            missing: Some(_), ..
        } => Due::Later(format!("{name} {id} waits for the reserve of the nodes")),
        ComputationStatus::Waiting { undecided, .. } => Due::Later(format!(
            "{name} {id} waits for the verdict on {undecided} inputs"
        )),
        ComputationStatus::Running { attempt, .. } => {
            Due::Later(format!("{name} {id} is being computed, attempt {attempt}"))
        }
        ComputationStatus::Opened { signatures, .. } => {
            Due::Later(format!("{name} {id} has {signatures} signatures so far"))
        }
        // Its end without a result is for the contract; there is nothing to carry.
        ComputationStatus::Failed { .. } => Due::Nothing,
    }
}

async fn submit(
    app: Address,
    computation: &ComputationInfo,
    world: &mut World<'_>,
) -> Result<Outcome, RelayerError> {
    let id = computation.id;
    if world.l1.accepted(app, id).await? {
        remember(app, id, world).await?;
        return Ok(Outcome::default());
    }
    let checked = world.l2.certificate(computation).await?;
    let call = call(app, computation, &checked);
    let account = world.to_l1.account();
    let simulation = world.l1.chain.simulate(account, app, call.data.clone());
    match simulation.await? {
        Simulation::Passes(_) => {}
        Simulation::Reverts(data) => match verdict(&data) {
            Verdict::Accepted => {
                debug!(%app, %id, "accepted already");
                remember(app, id, world).await?;
                return Ok(Outcome::default());
            }
            Verdict::Superseded => {
                warn!(%app, %id, "the app has published another computation's result");
                remember(app, id, world).await?;
                return Ok(Outcome::default());
            }
            Verdict::TooEarly(reason) => {
                return Ok(Outcome::waits(format!(
                    "{app} takes no result yet: {reason}"
                )));
            }
            Verdict::Refused(reason) => {
                return Err(RelayerError::Refused {
                    side: Side::L1,
                    what: call.what,
                    reason,
                });
            }
        },
    }
    // What was seen before, if anything, a reorganisation has undone.
    let accepted = world.store.state.accepted.entry(app).or_default();
    accepted.remove(&id);
    let mined = world.to_l1.send(&call, world.store).await?;
    let (hash, block, gas_used) = (mined.hash, mined.block, mined.gas_used);
    info!(%app, computation = %id, %hash, block, gas_used, "result accepted on L1");
    remember(app, id, world).await?;
    Ok(Outcome {
        carried: 1,
        gas_used,
        ..Outcome::default()
    })
}

fn call(app: Address, computation: &ComputationInfo, checked: &CheckedCertificate) -> Call {
    let quorum = &checked.quorum;
    let submit = submitCall {
        attestation: checked.certificate.attestation.clone(),
        bitmap: quorum.bitmap,
        signatures: quorum.signatures.clone(),
    };
    let (name, id, signers) = (&computation.name, computation.id, &quorum.signers);
    Call {
        to: app,
        data: submit.abi_encode().into(),
        what: format!("the result of {name} {id}, signed by nodes {signers:?}"),
    }
}

/// Remembers that the app needs this result no more, as of the last block.
async fn remember(app: Address, id: B256, world: &mut World<'_>) -> Result<(), RelayerError> {
    let accepted = world.store.state.accepted.entry(app).or_default();
    if let Entry::Vacant(place) = accepted.entry(id) {
        place.insert(world.l1.chain.head().await?);
        world.store.save()?;
    }
    Ok(())
}

/// What an app's refusal means.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It has this result.
    Accepted,
    /// It has another one and takes no more.
    Superseded,
    /// It takes none yet.
    TooEarly(String),
    /// It will not take it.
    Refused(String),
}

fn verdict(data: &[u8]) -> Verdict {
    match App::AppErrors::abi_decode(data) {
        Ok(App::AppErrors::AlreadyAccepted(_)) => Verdict::Accepted,
        Ok(App::AppErrors::AlreadyPublished(_)) => Verdict::Superseded,
        Ok(error @ App::AppErrors::ElectorateNotSealed(_)) => {
            Verdict::TooEarly(format!("{error:?}"))
        }
        Ok(error) => Verdict::Refused(describe(&error)),
        Err(_) => Verdict::Refused(client::abi::standard_reason(data)),
    }
}

/// The error as `Name(arguments)`, with words on what is likely wrong.
fn describe(error: &App::AppErrors) -> String {
    use App::AppErrors as E;
    match error {
        E::WrongChain(e) => format!(
            "WrongChain(expected {}, actual {}): the app is for another L2",
            e.expected, e.actual
        ),
        E::WrongContract(e) => format!(
            "WrongContract(expected {}, actual {}): the route's l2_contract is not the app's",
            e.expected, e.actual
        ),
        E::WrongCode(e) => format!(
            "WrongCode(expected {}, actual {}): other code than the app names",
            e.expected, e.actual
        ),
        E::WrongContext(e) => format!(
            "WrongContext(expected {}, actual {}): computed for another app or voter list",
            e.expected, e.actual
        ),
        E::WrongEpoch(e) => format!(
            "WrongEpoch(expected {}, actual {}): the committee on L1 has changed",
            e.expected, e.actual
        ),
        E::BadBitmap(e) => format!("BadBitmap({})", e.bitmap),
        E::BadLength(e) => format!("BadLength({})", e.actual),
        E::BadSignature(e) => format!(
            "BadSignature({}): the committee on L1 has another address for this node",
            e.node
        ),
        E::HighS(e) => format!("HighS({})", e.node),
        E::BadOutput(_) => "BadOutput(): the app does not understand the output".into(),
        E::AlreadyAccepted(e) => format!("AlreadyAccepted({})", e.computationId),
        E::AlreadyPublished(_) => "AlreadyPublished()".into(),
        E::ElectorateNotSealed(_) => "ElectorateNotSealed()".into(),
    }
}

#[cfg(test)]
mod tests;
