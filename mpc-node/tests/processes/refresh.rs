//! A key epoch ends: what was copied of one node before is worth nothing with what is copied of
//! another afterwards, and the count is right.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use alloy::{
    primitives::{B256, U256},
    providers::Provider as _,
    signers::local::PrivateKeySigner,
};
use mpc_node::{
    keys::{NodeKeys, SEAL_FILE},
    session::refresh::held,
    storage::{derived::Derived, epochs::EpochKeys, seed_box::HeldShares, shares::ShareStore},
};
use prometheus_client::metrics::counter::Counter;
use wire::{
    attestation::computation_id,
    limits::REFRESH_MS,
    rpc::{ComputationInfo, ComputationStatus, InputInfo, InputStatus, SealKeysInfo},
    seal_keys::SealKeys,
};
use zk_contract_runtime::{PendingInput, Sharing};

use crate::{
    cluster::{agreed, ballot, deploy, provider, request, status},
    contract::{ballot_type, cast, selector},
    support::{Cluster, TestResult, until},
};

const ALL: [usize; 4] = [0, 1, 2, 3];

async fn keys(cluster: &Cluster, node: usize) -> TestResult<SealKeysInfo> {
    let key = PrivateKeySigner::random();
    let provider = provider(cluster, node, &key);
    Ok(provider.raw_request("quartet_sealKeys".into(), ()).await?)
}

/// A ballot that was cast, with what the log has of it.
struct Cast {
    id: B256,
    choice: u8,
    pending: PendingInput,
}

/// Casts a ballot through a node, sealed to the keys that are in use, and waits for its verdict.
async fn vote(
    cluster: &Cluster,
    node: usize,
    (contract, code_hash): (alloy::primitives::Address, B256),
    choice: u8,
) -> TestResult<Cast> {
    let voter = PrivateKeySigner::random();
    let info = keys(cluster, node).await?;
    let keys = SealKeys::check(&cluster.committee, info.epoch, &info.keys)?;
    let (binding, sealed) = ballot(&keys, contract, code_hash, voter.address(), choice, None)?;
    let provider = provider(cluster, node, &voter);
    let sent = provider
        .send_transaction(request(contract, cast(&sealed.encode())))
        .await?;
    let id = *sent.tx_hash();
    assert!(sent.get_receipt().await?.status());
    until("the ballot is accepted", || async {
        let info: Option<InputInfo> = provider.raw_request("quartet_input".into(), [id]).await?;
        match info.map(|info| info.status) {
            Some(InputStatus::Accepted) => Ok(Some(())),
            Some(InputStatus::Rejected { reason, .. }) => Err(reason.into()),
            _ => Ok(None),
        }
    })
    .await?;
    let pending = PendingInput {
        binding,
        sealed: sealed.into(),
        input_type: ballot_type().into(),
        row: None,
    };
    Ok(Cast {
        id,
        choice,
        pending,
    })
}

fn copy(from: &Path, to: &Path) -> TestResult {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// A copy of all that a node has, keys included.
struct Stolen {
    node: u8,
    place: PathBuf,
}

impl Stolen {
    async fn copy(cluster: &mut Cluster, node: usize, to: &Path) -> TestResult<Self> {
        cluster.stop(node).await?;
        copy(&cluster.place(node), to)?;
        cluster.launch(node)?;
        cluster.wait_ready(node).await?;
        Ok(Self {
            node: node as u8,
            place: to.to_owned(),
        })
    }

    /// Every component of an input that it gives, by the sharing to which it belongs: what is in the
    /// store, and what its keys open of the log.
    fn components(
        &self,
        cast: &Cast,
        sharings: &[Sharing],
    ) -> TestResult<BTreeMap<B256, HeldShares>> {
        let keys = NodeKeys::read(
            &self.place.join("identity.key"),
            &self.place.join(SEAL_FILE),
        )?;
        let first = keys.first_epoch(&self.place.join(SEAL_FILE))?;
        let data = self.place.join("data");
        let epochs = EpochKeys::open(&data.join("epochs"), &keys.storage_key(), first)?;
        let (derived, damaged) = Derived::open(&data.join("derived"), &epochs)?;
        assert_eq!(damaged, None);
        let shares = ShareStore::open(&data.join("shares"), &epochs, Counter::default())?;
        let mut found = BTreeMap::new();
        let mut note = |sharing: B256, shares: Option<HeldShares>| {
            if let Some(shares) = shares {
                found.entry(sharing).or_insert(shares);
            }
        };
        let as_sealed = Sharing {
            epoch: cast.pending.binding.key_epoch,
            ..Sharing::default()
        };
        for sharing in sharings {
            note(sharing.tag, shares.get(sharing, cast.id));
        }
        note(
            B256::ZERO,
            held((&derived, &shares), &as_sealed, cast.id, &cast.pending),
        );
        let opens = epochs
            .get(cast.pending.binding.key_epoch)
            .is_some_and(|keys| {
                let opened = keys
                    .seal
                    .open(self.node, &cast.pending.binding, &cast.pending.sealed);
                opened.is_ok()
            });
        assert_eq!(
            opens,
            found.contains_key(&B256::ZERO),
            "store and log differ"
        );
        Ok(found)
    }
}

/// What two copies give together: the value, if they have all components of one sharing.
fn combined(
    cast: &Cast,
    one: &Stolen,
    two: &Stolen,
    sharings: &[Sharing],
) -> TestResult<Option<u8>> {
    let (one, two) = (
        one.components(cast, sharings)?,
        two.components(cast, sharings)?,
    );
    for (sharing, shares) in &one {
        let Some(others) = two.get(sharing) else {
            continue;
        };
        let both = shares.iter().zip(others);
        let all: Option<Vec<u8>> = both
            .map(|(a, b)| a.as_ref().or(b.as_ref()).map(|bytes| bytes[0]))
            .collect();
        if let Some(all) = all {
            return Ok(Some(all.into_iter().fold(0, u8::wrapping_add)));
        }
    }
    Ok(None)
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_of_before_and_after_a_refresh_do_not_combine_and_the_count_is_right() -> TestResult
{
    let mut cluster = Cluster::start_with(1, "").await?;
    let copies = tempfile::tempdir()?;
    let key = PrivateKeySigner::random();
    let poll = deploy(&provider(&cluster, 0, &key), key.address()).await?;
    agreed(&cluster, &ALL, 1).await?;
    let mut ballots = vec![
        vote(&cluster, 0, poll, 1).await?,
        vote(&cluster, 1, poll, 3).await?,
    ];
    agreed(&cluster, &ALL, 1).await?;
    let mut before = Vec::new();
    for node in [0, 1] {
        let to = copies.path().join(format!("before-{node}"));
        before.push(Stolen::copy(&mut cluster, node, &to).await?);
        agreed(&cluster, &ALL, 1).await?;
    }

    // The epoch ends while node 3 is down.
    cluster.kill(3)?;
    let seconds = REFRESH_MS / 1_000 + 60;
    let _: u64 = provider(&cluster, 1, &key)
        .raw_request("quartet_advanceTime".into(), [seconds])
        .await?;
    for node in [0, 1, 2] {
        until("the inputs are shared anew", || async {
            let info = keys(&cluster, node).await?;
            Ok((info.epoch == 1 && info.sharing == 1).then_some(()))
        })
        .await?;
    }
    // Nobody has a seal for it, so that it needs its peers.
    assert_eq!(keys(&cluster, 0).await?.keys[3], None);
    ballots.push(vote(&cluster, 2, poll, 1).await?);
    cluster.launch(3)?;
    cluster.wait_ready(3).await?;
    until("node 3 is back, and has a new key", || async {
        let is_back = status(&cluster, 0).await?.away.is_empty();
        let has_key = keys(&cluster, 0).await?.keys[3].is_some();
        Ok((is_back && has_key).then_some(()))
    })
    .await?;
    ballots.push(vote(&cluster, 3, poll, 1).await?);
    agreed(&cluster, &ALL, 1).await?;

    let mut after = Vec::new();
    for node in [0, 1, 3] {
        let to = copies.path().join(format!("after-{node}"));
        after.push(Stolen::copy(&mut cluster, node, &to).await?);
        agreed(&cluster, &ALL, 1).await?;
        assert!(
            !to.join(SEAL_FILE).exists(),
            "the first sealing key is erased"
        );
    }
    let info = keys(&cluster, 0).await?;
    let sharings = [Sharing {
        epoch: info.sharing,
        tag: info.sharing_tag,
        ..Sharing::default()
    }];
    for ballot in &ballots[..2] {
        // Who has two nodes' copies of one epoch has the ballot.
        for pair in [
            [&before[0], &before[1]],
            [&after[0], &after[1]],
            [&after[2], &after[1]],
        ] {
            let value = combined(ballot, pair[0], pair[1], &sharings)?;
            assert_eq!(value, Some(ballot.choice));
        }
        // But not who has one of before and one of after.
        for (old, new) in [(0, 1), (1, 0), (0, 2), (1, 2)] {
            assert_eq!(
                combined(ballot, &before[old], &after[new], &sharings)?,
                None
            );
            let old = before[old].components(ballot, &sharings)?;
            let new = after[new].components(ballot, &sharings)?;
            assert!(old.keys().eq([&B256::ZERO]) && new.keys().eq([&sharings[0].tag]));
        }
    }
    // What came later is of the new epoch.
    for ballot in &ballots[2..] {
        let value = combined(ballot, &after[0], &after[1], &sharings)?;
        assert_eq!(value, Some(ballot.choice));
        assert_eq!(combined(ballot, &before[0], &after[1], &sharings)?, None);
    }

    // With the node that was down, and without another, since there is a new reserve.
    until("there is a reserve", || async {
        let reserve = status(&cluster, 0).await?.reserve;
        Ok((reserve.bits > 0 && reserve.r64 > 0).then_some(()))
    })
    .await?;
    cluster.kill(2)?;
    let owner = provider(&cluster, 0, &key);
    let close = request(poll.0, selector("close()"));
    assert!(
        owner
            .send_transaction(close)
            .await?
            .get_receipt()
            .await?
            .status()
    );
    let id = computation_id(poll.0, 0);
    let output = until("the count is attested", || async {
        let info: Option<ComputationInfo> = owner
            .raw_request("quartet_computation".into(), [id])
            .await?;
        Ok(match info.map(|info| info.status) {
            Some(ComputationStatus::Attested { output }) => Some(output),
            Some(ComputationStatus::Failed { reason, .. }) => return Err(reason.into()),
            _ => None,
        })
    })
    .await?;
    assert_eq!(U256::from_be_slice(&output), U256::from(3));
    assert_eq!(status(&cluster, 0).await?.away, [2]);
    Ok(())
}
