//! Act 2: who may vote. The list goes up to L1, and the relayer carries it to L2.

use std::{sync::Arc, time::Duration};

use alloy::primitives::{Address, B256};
use client::{
    UserKey,
    electorate::{BATCH_VOTERS, Tree},
};
use rand::RngExt as _;
use tokio::time::Instant;

use crate::{
    error::{Doing as _, StoryError},
    l1::succeeded,
    narrate::{Narrator, grouped, seconds},
    report::Tally,
    stage::{Poll, Stage, check},
};

/// How long the relayer may take to carry the list, for each batch and at least once.
const CARRY_TIMEOUT: Duration = Duration::from_secs(120);
/// How often the runner looks.
const PAUSE: Duration = Duration::from_millis(100);
/// Choices of the poll.
const CHOICES: u8 = 3;

/// A voter with an Ethereum key, and what the voter wants. Only the runner knows all of it.
#[derive(Debug)]
pub struct Voter {
    /// The key, which signs on L2.
    pub key: Arc<UserKey>,
    /// The choice, 0 to 2.
    pub choice: u8,
}

/// The voters on the list.
#[derive(Debug)]
pub struct Electorate {
    voters: Vec<Voter>,
    addresses: Vec<Address>,
    tree: Tree,
}

impl Electorate {
    /// Draws fresh keys and choices.
    ///
    /// # Errors
    /// [`StoryError::L2`] if there are more voters than a list can hold.
    pub fn random(voters: usize) -> Result<Self, StoryError> {
        let mut random = rand::rng();
        let voters: Vec<_> = (0..voters)
            .map(|_| Voter {
                choice: random.random_range(0..CHOICES),
                key: Arc::new(UserKey::random(&mut random)),
            })
            .collect();
        let addresses: Vec<_> = voters.iter().map(|voter| voter.key.address()).collect();
        let tree = Tree::of_batches(addresses.chunks(BATCH_VOTERS));
        Ok(Self {
            tree: tree.doing("building the tree of voters")?,
            voters,
            addresses,
        })
    }

    /// All voters, in the order of the list.
    #[must_use]
    pub fn voters(&self) -> &[Voter] {
        &self.voters
    }

    /// Root of the list.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.tree.root()
    }

    /// The tree over the batches.
    #[must_use]
    pub const fn tree(&self) -> &Tree {
        &self.tree
    }

    /// How many batches the list has.
    #[must_use]
    pub fn batch_count(&self) -> u32 {
        u32::try_from(self.tree.batches()).unwrap_or(u32::MAX)
    }

    /// The batches, in order.
    pub fn batches(&self) -> impl Iterator<Item = &[Address]> {
        self.addresses.chunks(BATCH_VOTERS)
    }

    /// The sum of everybody's choice.
    #[must_use]
    pub fn sum(&self) -> Tally {
        let mut tally = Tally::default();
        self.voters
            .iter()
            .for_each(|voter| tally.count(voter.choice));
        tally
    }
}

/// Names the voters on L1, seals the list, and waits until the relayer has carried it to L2.
///
/// # Errors
/// [`StoryError`]; also if the root on L1 is not the one that L2 was given.
pub async fn register(
    stage: &Stage,
    electorate: &Electorate,
    narrator: &Narrator,
) -> Result<(), StoryError> {
    let (mut gas, mut block) = (0, 0);
    let count = electorate.voters().len();
    let voting = stage.voting();
    for (index, batch) in electorate.batches().enumerate() {
        let doing = format!("adding batch {index} of voters on L1");
        let sent = voting
            .addVoters(batch.to_vec())
            .send()
            .await
            .doing(&doing)?;
        let receipt = sent.get_receipt().await.doing(&doing)?;
        succeeded(&receipt, &doing)?;
        gas += receipt.gas_used;
        narrator.progress(format!("batch {} of voters is on L1", index + 1));
    }
    let doing = "sealing the list of voters on L1";
    let sent = voting.sealElectorate().send().await.doing(doing)?;
    let receipt = sent.get_receipt().await.doing(doing)?;
    succeeded(&receipt, doing)?;
    gas += receipt.gas_used;
    block += receipt.block_number.unwrap_or_default();
    let root = voting
        .treeRoot()
        .call()
        .await
        .doing("reading the root on L1")?;
    check("the root of the voter list on L1", electorate.root(), root)?;
    narrator.say(format!(
        "{} voters are on L1, in batches of at most {BATCH_VOTERS}, and the list is sealed for \
         good (L1 block {block}, {} gas).",
        grouped(count as u64),
        grouped(gas),
    ));
    carried(stage, electorate, narrator).await
}

/// Waits until L2 has the whole list.
async fn carried(
    stage: &Stage,
    electorate: &Electorate,
    narrator: &Narrator,
) -> Result<(), StoryError> {
    let begin = Instant::now();
    let limit = CARRY_TIMEOUT * electorate.batch_count().clamp(1, 10);
    while !stage.read(Poll::completeCall {}).await? {
        stage.check()?;
        if begin.elapsed() > limit {
            return Err(StoryError::TimedOut {
                what: format!(
                    "the arrival of the voter list on L2 (the relayer's log is {})",
                    stage.relayer.log().display()
                ),
                seconds: limit.as_secs(),
            });
        }
        tokio::time::sleep(PAUSE).await;
    }
    narrator.say(format!(
        "The relayer carried the list to L2, which checked every batch against the root: nobody \
         has to trust the relayer ({}).",
        seconds(begin.elapsed())
    ));
    Ok(())
}
