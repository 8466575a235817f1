//! From L1 to L2: the voter list.
//!
//! The list is in the events of the L1 app. Once it is sealed there and all its batches are believed,
//! they must build the root on L1; then each batch that L2 lacks is posted with its proof. If events
//! are missing in blocks that have been read, all are read again.

use alloy::primitives::Address;
use client::electorate::{Tree, leaf};
use tracing::{info, warn};

use super::{Outcome, World};
use crate::{
    RelayerError,
    chain::{Side, Simulation},
    config::Route,
    l1::{Batch, List},
    l2,
    sender::Call,
    state::{Scan, SeenBatch},
};

/// Blocks that are read again each time, in case a node had not indexed them all.
pub const OVERLAP: u64 = 16;

/// Carries what is due of one route's voter list.
///
/// # Errors
/// All of [`RelayerError`].
pub async fn carry(route: &Route, world: &mut World<'_>) -> Result<Outcome, RelayerError> {
    let (app, contract) = (route.l1_app, route.l2_contract);
    if world.l2.complete(contract).await? {
        return Ok(Outcome::default());
    }
    let list = world.l1.list(app).await?;
    let head = world.l1.chain.head().await?;
    let Some(believed) = world.l1.believed().await? else {
        return Ok(Outcome::waits("L1 has no final block yet".into()));
    };
    let scan = world.store.state.scans.entry(app).or_default();
    if let Some((from, to)) = next_range(scan, route.from_block, believed) {
        let batches = world.l1.batches(app, from, to).await?;
        record(scan, &batches, to);
        if list.root.is_some() {
            scan.sealed_by.get_or_insert(head);
        }
        world.store.save()?;
    }
    let scan = world.store.state.scans.entry(app).or_default();
    let tree = match decide(app, list, scan) {
        Ok(Decision::Carry(tree)) => tree,
        Ok(Decision::Wait(why)) => return Ok(Outcome::waits(why)),
        Err(error) => return Err(forget(app, error, world)?),
    };

    let mut outcome = Outcome::default();
    for index in world.l2.missing(contract, list.batches).await? {
        let voters = match voters(app, index, &tree, world).await? {
            Some(voters) => voters,
            None => {
                let error = mismatch(app, list, &tree);
                return Err(forget(app, error, world)?);
            }
        };
        outcome.add(post(contract, index, voters, &tree, world).await?);
    }
    Ok(outcome)
}

/// Which blocks to read now. Forgets a scan that is ahead of the chain by more than a small
/// reorganisation: it is of another chain.
fn next_range(scan: &mut Scan, from_block: u64, believed: u64) -> Option<(u64, u64)> {
    if scan.next_block > believed.saturating_add(1 + OVERLAP) {
        *scan = Scan::default();
    }
    let from = scan.next_block.saturating_sub(OVERLAP).max(from_block);
    (from <= believed).then_some((from, believed))
}

/// Remembers what was read up to block `to`; what is read later is newer.
fn record(scan: &mut Scan, batches: &[Batch], to: u64) {
    for batch in batches {
        let leaf = leaf(batch.index, &batch.voters);
        let block = batch.block;
        scan.batches.insert(batch.index, SeenBatch { leaf, block });
    }
    scan.next_block = to.saturating_add(1);
}

#[derive(Debug)]
enum Decision {
    Wait(String),
    Carry(Box<Tree>),
}

/// Whether the batches that were read are the list that L1 has sealed.
fn decide(app: Address, list: List, scan: &Scan) -> Result<Decision, RelayerError> {
    let Some(root) = list.root else {
        let batches = list.batches;
        let why = format!("the voter list of {app} is not sealed yet ({batches} batches so far)");
        return Ok(Decision::Wait(why));
    };
    let known = (0..list.batches).map_while(|index| scan.batches.get(&index));
    let leaves: Vec<_> = known.map(|batch| batch.leaf).collect();
    if leaves.len() < list.batches as usize {
        let (seen, batches) = (scan.batches.len(), list.batches);
        if scan.sealed_by.is_some_and(|block| block < scan.next_block) {
            return Err(RelayerError::EventsMissing {
                app,
                found: seen,
                batches,
            });
        }
        let why = format!("{seen} of {batches} batches of {app} are believed so far");
        return Ok(Decision::Wait(why));
    }
    let tree = Tree::new(leaves).map_err(|source| RelayerError::Client {
        side: Side::L1,
        source,
    })?;
    if tree.root() == root {
        Ok(Decision::Carry(Box::new(tree)))
    } else {
        Err(mismatch(app, list, &tree))
    }
}

fn mismatch(app: Address, list: List, tree: &Tree) -> RelayerError {
    RelayerError::RootMismatch {
        app,
        batches: tree.batches(),
        expected: list.root.unwrap_or_default(),
        actual: tree.root(),
    }
}

/// Forgets what was read, so that all of it is read again; gives the error back.
fn forget(
    app: Address,
    error: RelayerError,
    world: &mut World<'_>,
) -> Result<RelayerError, RelayerError> {
    warn!(%app, %error, "the events of the app are read again");
    world.store.state.scans.remove(&app);
    world.store.save()?;
    Ok(error)
}

/// The voters of a batch, read again from its block; none if they are not those of the tree.
async fn voters(
    app: Address,
    index: u32,
    tree: &Tree,
    world: &World<'_>,
) -> Result<Option<Vec<Address>>, RelayerError> {
    let scan = world.store.state.scans.get(&app);
    let Some(seen) = scan.and_then(|scan| scan.batches.get(&index)) else {
        return Ok(None);
    };
    let batches = world.l1.batches(app, seen.block, seen.block).await?;
    let same = |batch: &Batch| batch.index == index && leaf(index, &batch.voters) == seen.leaf;
    let found = batches.into_iter().find(same);
    let proven = found.filter(|batch| {
        let proof = tree.proof(index);
        proof.is_ok_and(|p| client::electorate::verify(tree.root(), index, &batch.voters, &p))
    });
    Ok(proven.map(|batch| batch.voters))
}

async fn post(
    contract: Address,
    index: u32,
    voters: Vec<Address>,
    tree: &Tree,
    world: &mut World<'_>,
) -> Result<Outcome, RelayerError> {
    let proof = tree.proof(index).map_err(|source| RelayerError::Client {
        side: Side::L1,
        source,
    })?;
    let count = voters.len();
    let call = Call {
        to: contract,
        data: l2::add_voters(index, voters, proof.to_vec()),
        what: format!("batch {index} of the voters of {contract}"),
    };
    let account = world.to_l2.account();
    let simulation = world
        .l2
        .chain
        .simulate(account, contract, call.data.clone());
    match simulation.await? {
        Simulation::Passes(_) => {}
        Simulation::Reverts(data) if l2::is_already_added(&data) => return Ok(Outcome::default()),
        Simulation::Reverts(data) => {
            return Err(RelayerError::Refused {
                side: Side::L2,
                what: call.what,
                reason: world.l2.reason(contract, &data).await,
            });
        }
    }
    let mined = world.to_l2.send(&call, world.store).await?;
    info!(%contract, index, voters = count, block = mined.block, "voters carried to L2");
    Ok(Outcome {
        carried: 1,
        ..Outcome::default()
    })
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;

    use super::*;

    const APP: Address = Address::repeat_byte(1);

    fn batch(index: u32, block: u64, salt: u8) -> Batch {
        let voters = (1..4).map(|i| Address::repeat_byte(salt + i)).collect();
        Batch {
            index,
            voters,
            block,
        }
    }

    fn sealed_scan(batches: &[Batch], sealed_by: u64) -> Scan {
        Scan {
            sealed_by: Some(sealed_by),
            ..scan(batches)
        }
    }

    fn scan(batches: &[Batch]) -> Scan {
        let mut scan = Scan::default();
        record(&mut scan, batches, 10);
        scan
    }

    fn root(batches: &[Batch]) -> B256 {
        let lists = batches.iter().map(|batch| batch.voters.as_slice());
        Tree::of_batches(lists).unwrap().root()
    }

    fn sealed(root: B256, batches: u32) -> List {
        let root = Some(root);
        List { root, batches }
    }

    #[test]
    fn ranges_overlap_and_start_where_the_app_does() {
        let mut scan = Scan::default();
        assert_eq!(next_range(&mut scan, 0, 5), Some((0, 5)));
        assert_eq!(next_range(&mut scan, 100, 5), None);
        assert_eq!(next_range(&mut scan, 100, 100), Some((100, 100)));
        record(&mut scan, &[], 200);
        assert_eq!(scan.next_block, 201);
        assert_eq!(next_range(&mut scan, 100, 200), Some((185, 200)));
        assert_eq!(next_range(&mut scan, 190, 300), Some((190, 300)));
        let mut at_end = Scan {
            next_block: u64::MAX,
            ..Scan::default()
        };
        assert_eq!(
            next_range(&mut at_end, 0, u64::MAX).map(|r| r.1),
            Some(u64::MAX)
        );
    }

    #[test]
    fn a_scan_ahead_of_the_chain_is_of_another_chain() {
        let mut ahead = scan(&[batch(0, 3, 0)]);
        ahead.next_block = 200;
        assert_eq!(next_range(&mut ahead.clone(), 0, 190), Some((184, 190)));
        assert_eq!(next_range(&mut ahead, 0, 100), Some((0, 100)));
        assert_eq!(ahead, Scan::default());
    }

    #[test]
    fn an_event_that_a_reorganisation_replaced_is_replaced() {
        let mut seen = scan(&[batch(0, 3, 0)]);
        record(&mut seen, &[batch(0, 4, 9)], 12);
        assert_eq!(
            seen,
            Scan {
                next_block: 13,
                ..scan(&[batch(0, 4, 9)])
            }
        );
    }

    #[test]
    fn only_the_whole_list_with_its_root_is_carried() {
        let batches = [batch(0, 3, 0), batch(1, 3, 10), batch(2, 5, 20)];
        let root = root(&batches);
        let open = List {
            root: None,
            batches: 3,
        };
        let waits = |decision| matches!(decision, Ok(Decision::Wait(_)));
        assert!(waits(decide(APP, open, &scan(&batches))));
        assert!(waits(decide(APP, sealed(root, 3), &scan(&batches[..2]))));
        assert!(
            waits(decide(APP, sealed(root, 3), &scan(&batches[1..]))),
            "a gap"
        );
        // Read beyond the block in which it was sealed: what is missing now has been lost.
        let found =
            |sealed_by| decide(APP, sealed(root, 3), &sealed_scan(&batches[1..], sealed_by));
        assert!(waits(found(11)));
        let lost = found(10).unwrap_err();
        assert!(
            matches!(
                lost,
                RelayerError::EventsMissing {
                    found: 2,
                    batches: 3,
                    ..
                }
            ),
            "{lost}"
        );
        let Ok(Decision::Carry(tree)) = decide(APP, sealed(root, 3), &scan(&batches)) else {
            panic!("the list is whole");
        };
        assert_eq!((tree.root(), tree.batches()), (root, 3));
    }

    #[test]
    fn a_list_that_is_not_that_of_the_root_is_refused() {
        let batches = [batch(0, 3, 0), batch(1, 3, 10)];
        let root = root(&batches);
        let altered = scan(&[batch(0, 3, 0), batch(1, 3, 11)]);
        let refused = decide(APP, sealed(root, 2), &altered).unwrap_err();
        assert!(matches!(
            refused,
            RelayerError::RootMismatch { batches: 2, .. }
        ));
        let swapped = scan(&[batch(1, 3, 0), batch(0, 3, 10)]);
        assert!(decide(APP, sealed(root, 2), &swapped).is_err());
    }
}
