//! Act 3: ballots, and among them some that must not count.
//!
//! The first six voters of the list have parts of their own, see [`Part`] and [`odd`]; all others
//! are ordinary.

pub mod odd;

use std::{sync::Arc, time::Duration};

use alloy::primitives::{B256, Bytes};
use client::{
    Client, ClientError, UserKey,
    input::Value,
    rpc::PreparedInput,
    transaction::{Draft, sign},
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::time::Instant;
use wire::{limits::CALL_FUEL, rpc::InputInfo, sealed::SealedInput};

use crate::{
    electorate::{Electorate, Voter},
    error::{Doing as _, StoryError},
    narrate::{Narrator, grouped, seconds},
    report::Tally,
    stage::{Contracts, Poll, Stage, check},
};

/// Function of the L2 contract that takes a ballot.
const CAST: &str = "cast";
/// Ballots that are on their way to nodes at the same time.
const IN_FLIGHT: usize = 32;
/// How often a ballot is sent again when a node is busy or silent.
const TRIES: u32 = 20;
/// How long nodes may take until a single ballot has its verdict.
const VERDICT_TIMEOUT: Duration = Duration::from_secs(120);
/// How long they may take to accept another one of many.
const STALL_TIMEOUT: Duration = Duration::from_secs(120);
/// How often the runner looks.
const PAUSE: Duration = Duration::from_millis(100);
/// A ballot that names none of the three choices.
pub(crate) const NO_CHOICE: u8 = 7;

/// Voters with a part of their own, by their place on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Votes, and later tries to vote again.
    Again = 0,
    /// Sends two ballots at once, through two nodes.
    TwiceAtOnce = 1,
    /// Names a choice that there is not.
    NoChoice = 2,
    /// Sends rubbish to one node.
    RubbishSeal = 3,
    /// Copies somebody's sealed ballot; when that fails, votes as honest people do.
    Copier = 4,
    /// Comes after the deadline.
    Late = 5,
}

/// How many voters have a part of their own.
pub const PARTS: usize = crate::options::FEWEST_VOTERS;

/// How the casting went.
#[derive(Clone, Copy, Debug)]
pub struct Casting {
    /// From the first ordinary ballot to the acceptance of the last.
    pub time: Duration,
    /// Ordinary ballots.
    pub ballots: usize,
    /// The sum in clear of all ballots that count.
    pub expected: Tally,
    /// Bytes between nodes for each ballot, that of accepting it included.
    pub bytes_per_ballot: u64,
}

impl Electorate {
    /// The voter who plays this part.
    #[must_use]
    pub fn who(&self, part: Part) -> &Voter {
        &self.voters()[part as usize]
    }

    /// The voters without a part of their own.
    #[must_use]
    pub fn ordinary(&self) -> &[Voter] {
        &self.voters()[PARTS..]
    }

    /// The sum in clear of the ballots that must count in the end.
    #[must_use]
    pub fn expected(&self) -> Tally {
        let mut tally = Tally::default();
        for voter in self.ordinary() {
            tally.count(voter.choice);
        }
        for part in [
            Part::Again,
            Part::TwiceAtOnce,
            Part::RubbishSeal,
            Part::Copier,
        ] {
            tally.count(self.who(part).choice);
        }
        tally.count(NO_CHOICE);
        tally
    }
}

/// Lets everybody vote who does so before the deadline.
///
/// # Errors
/// [`StoryError`], also if a ballot that must not count is not refused, or the other way round.
pub async fn cast_all(
    stage: &Stage,
    electorate: &Electorate,
    narrator: &Narrator,
) -> Result<Casting, StoryError> {
    let before = stage.traffic().await;
    let begin = Instant::now();
    let ordinary = electorate.ordinary();
    let ids = cast(stage, ordinary, narrator).await?;
    let sent = begin.elapsed();
    accepted(stage, ids.len() as u64, narrator).await?;
    let time = begin.elapsed();
    verdicts(stage, &ids).await?;
    let after = stage.traffic().await;
    let bytes = after.since(&before).swarm;
    if !ordinary.is_empty() {
        narrator.say(format!(
            "{} voters cast secret ballots, through all four nodes; each was split into shares and \
             sealed before it left the voter. Sent in {}, all accepted in {}. The other {PARTS} \
             have ideas of their own:",
            grouped(ids.len() as u64),
            seconds(sent),
            seconds(time),
        ));
    }
    odd::before_deadline(stage, electorate, narrator).await?;
    Ok(Casting {
        time,
        ballots: ids.len(),
        expected: electorate.expected(),
        bytes_per_ballot: bytes / (ids.len() as u64).max(1),
    })
}

/// Sends one ballot of each of these voters, who never sent anything before, and tells their ids.
///
/// # Errors
/// [`StoryError::L2`].
pub async fn cast(
    stage: &Stage,
    voters: &[Voter],
    narrator: &Narrator,
) -> Result<Vec<B256>, StoryError> {
    let count = voters.len();
    let contracts = stage.contracts;
    let sending = stream::iter(voters.iter().enumerate()).map(|(place, voter)| {
        let client = stage.client(place).clone();
        let (key, choice) = (Arc::clone(&voter.key), voter.choice);
        // A task of its own: sealing takes time, and there are more cores than one.
        let task = tokio::spawn(async move {
            let ballot = seal(&client, &contracts, &key, 0, choice).await?;
            let mut answer = send(&client, &ballot).await;
            if answer.as_ref().is_err_and(ClientError::asks_for_keys) {
                // The nodes have drawn new ones since the client asked for them.
                let ballot = seal(&client, &contracts, &key, 0, choice).await?;
                answer = send(&client, &ballot).await;
            }
            answer.doing("sending a ballot")
        });
        async move { Ok::<_, StoryError>((place, task.await??)) }
    });
    let mut ids = vec![B256::ZERO; count];
    let mut sent = 0;
    let mut sending = sending.buffer_unordered(IN_FLIGHT);
    while let Some((place, id)) = sending.try_next().await? {
        ids[place] = id;
        sent += 1;
        narrator.progress(format!("{sent} of {count} ballots are on their way"));
    }
    Ok(ids)
}

/// Waits until the L2 contract has accepted this many ballots.
///
/// # Errors
/// [`StoryError::TimedOut`] when no further one is accepted for two minutes.
pub async fn accepted(stage: &Stage, ballots: u64, narrator: &Narrator) -> Result<(), StoryError> {
    let (mut last, mut since) = (0, Instant::now());
    loop {
        let cast = stage.read(Poll::votesCastCall {}).await?;
        if cast >= ballots {
            return check("the number of accepted ballots", ballots, cast);
        }
        if cast > last {
            (last, since) = (cast, Instant::now());
        }
        if since.elapsed() > STALL_TIMEOUT {
            return Err(StoryError::TimedOut {
                what: format!("the acceptance of ballot {}", cast + 1),
                seconds: STALL_TIMEOUT.as_secs(),
            });
        }
        narrator.progress(format!("{cast} of {ballots} ballots are accepted"));
        tokio::time::sleep(PAUSE).await;
    }
}

/// Checks that each of these ballots is accepted.
async fn verdicts(stage: &Stage, ids: &[B256]) -> Result<(), StoryError> {
    let asked = stream::iter(ids.iter().enumerate()).map(|(place, id)| async move {
        let info = stage
            .client(place)
            .wait_accepted(*id, VERDICT_TIMEOUT)
            .await;
        info.doing("waiting for the verdict on a ballot")
            .map(|_| ())
    });
    asked.buffer_unordered(IN_FLIGHT).try_collect::<()>().await
}

/// Shares and seals a choice, and signs the transaction with this nonce.
///
/// # Errors
/// [`StoryError::L2`].
pub async fn seal(
    client: &Client,
    contracts: &Contracts,
    key: &UserKey,
    nonce: u64,
    choice: u8,
) -> Result<PreparedInput, StoryError> {
    let values = [Value::from(choice)];
    let ballot = client.prepare_input(key, nonce, contracts.l2, CAST, &[], &values);
    ballot.await.doing("sealing a ballot")
}

/// Puts a sealed ballot, whosoever it is, into a transaction.
///
/// # Errors
/// [`StoryError::L2`].
pub async fn carry(
    client: &Client,
    contracts: &Contracts,
    key: &UserKey,
    nonce: u64,
    sealed: SealedInput,
) -> Result<PreparedInput, StoryError> {
    let doing = "putting a sealed ballot into a transaction";
    let data = client.abi(contracts.l2).await.doing(doing)?;
    let data: Bytes = data.input_call(CAST, &[], &sealed).doing(doing)?;
    let chain_id = client.chain_id().await.doing(doing)?;
    let draft = Draft::call(chain_id, nonce, CALL_FUEL, contracts.l2, data);
    Ok(PreparedInput {
        transaction: sign(key, &draft),
        contract: contracts.l2,
        sealed,
    })
}

/// Sends a ballot; when nodes are busy, again and again.
pub(crate) async fn send(client: &Client, ballot: &PreparedInput) -> Result<B256, ClientError> {
    let mut tries = 0;
    loop {
        match client.send_input(ballot).await {
            Err(error) if error.is_retryable() && tries < TRIES => {
                tries += 1;
                tokio::time::sleep(PAUSE * tries).await;
            }
            answer => return answer,
        }
    }
}

/// What becomes of a ballot: it is refused, or taken, perhaps by a node that is behind, and then
/// judged.
pub(crate) async fn judged(
    client: &Client,
    ballot: &PreparedInput,
) -> Result<InputInfo, ClientError> {
    let id = send(client, ballot).await?;
    client.wait_accepted(id, VERDICT_TIMEOUT).await
}

/// Sends a ballot and waits until it is accepted.
pub(crate) async fn accept(client: &Client, ballot: &PreparedInput) -> Result<(), StoryError> {
    let info = judged(client, ballot).await;
    info.doing("casting a ballot").map(|_| ())
}
