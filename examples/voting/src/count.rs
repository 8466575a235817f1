//! Act 4: the deadline, and the count.

use std::{convert::Infallible, time::Duration};

use alloy::{primitives::B256, sol_types::SolCall as _};
use client::{UserKey, rpc::CheckedCertificate};
use tokio::time::Instant;
use wire::{
    attestation::computation_id,
    rpc::{ComputationInfo, ComputationStatus},
};

use crate::{
    ballots::odd::{self, refused},
    electorate::Electorate,
    error::{Doing as _, StoryError},
    narrate::{Narrator, bytes, grouped, seconds},
    report::Attempt,
    stage::{Poll, Stage, Traffic, check},
    trouble::{self, Trouble},
};

/// How long a count may take.
const COUNT_TIMEOUT: Duration = Duration::from_secs(600);

/// How long nodes may take to follow the clock that was moved.
const CLOCK_TIMEOUT: Duration = Duration::from_secs(60);
/// How often the runner looks.
const PAUSE: Duration = Duration::from_millis(20);

/// A count that three nodes signed.
#[derive(Debug)]
pub struct Count {
    /// When the transaction that starts it was sent.
    pub begin: Instant,
    /// From then to three signatures.
    pub time: Duration,
    /// What the nodes say about it.
    pub info: ComputationInfo,
    /// The signed result.
    pub certificate: CheckedCertificate,
    /// Bytes between nodes, for each ballot.
    pub bytes_per_ballot: u64,
    /// Attempts that it took, in order.
    pub attempts: Vec<Attempt>,
}

/// Lets the deadline pass, before and after which somebody tries what is not allowed then.
///
/// # Errors
/// [`StoryError::NotRefused`], [`StoryError::L2`].
pub async fn pass_deadline(
    stage: &Stage,
    electorate: &Electorate,
    narrator: &Narrator,
) -> Result<(), StoryError> {
    let impatient = UserKey::random(&mut rand::rng());
    let early = start(stage, &impatient).await;
    let reason = refused("a count before the deadline", "PollStillOpen", early)?;
    narrator.say(format!(
        "Somebody wants to count before the deadline: refused, {reason}."
    ));

    let left = advance_to(stage, stage.contracts.closes).await?;
    narrator.say(format!(
        "The deadline passes. Nobody waited for it: this cluster is for development, and its clock \
         was moved on by {left} s through the ordered log (quartet_advanceTime)."
    ));
    odd::late(stage, electorate, narrator).await
}

/// Moves L2's clock on to this time, and waits until every node that runs has got there; tells by
/// how many seconds it was moved.
///
/// # Errors
/// [`StoryError::L2`], [`StoryError::TimedOut`].
pub async fn advance_to(stage: &Stage, time: u64) -> Result<u64, StoryError> {
    let doing = "letting time pass";
    let now = stage.client(0).status().await.doing(doing)?.time;
    let left = time.saturating_sub(now) + 1;
    stage.client(0).advance_time(left).await.doing(doing)?;
    let begin = Instant::now();
    for client in &stage.clients {
        while client.status().await.doing(doing)?.time < time {
            if begin.elapsed() > CLOCK_TIMEOUT {
                return Err(StoryError::TimedOut {
                    what: format!("the arrival of all nodes at time {time}"),
                    seconds: CLOCK_TIMEOUT.as_secs(),
                });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(left)
}

/// A stranger starts the count; waits until three nodes have signed the result.
///
/// # Errors
/// [`StoryError::L2`], also when the computation fails or takes more than ten minutes.
pub async fn count(
    stage: &Stage,
    electorate: &Electorate,
    trouble: Option<Trouble>,
    narrator: &Narrator,
) -> Result<Count, StoryError> {
    let before = stage.traffic().await;
    let (begin, id, block) = start_by_stranger(stage).await?;
    narrator.say(format!(
        "Somebody who is nobody in particular starts the count (L2 block {block})."
    ));
    trouble::while_counting(trouble, stage, narrator)?;
    finish(stage, electorate, narrator, begin, id, before).await
}

/// Starts the count with a fresh key that is on no list. Tells when, the computation's id, and the
/// L2 block.
///
/// # Errors
/// [`StoryError::L2`].
pub async fn start_by_stranger(stage: &Stage) -> Result<(Instant, B256, u64), StoryError> {
    let stranger = UserKey::random(&mut rand::rng());
    let begin = Instant::now();
    let block = start(stage, &stranger).await.doing("starting the count")?;
    Ok((begin, computation_id(stage.contracts.l2, 0), block))
}

async fn finish(
    stage: &Stage,
    electorate: &Electorate,
    narrator: &Narrator,
    begin: Instant,
    id: B256,
    before: Traffic,
) -> Result<Count, StoryError> {
    narrator.progress("the nodes compute");
    let client = stage.client(1);
    let doing = "waiting for the result of the count";
    let mut attempts = Vec::new();
    let info = tokio::select! {
        info = client.wait_computation(id, COUNT_TIMEOUT) => info.doing(doing)?,
        never = follow(stage, id, &mut attempts, narrator) => match never {},
    };
    let time = begin.elapsed();
    let certificate = client
        .certificate(id)
        .await
        .doing("reading the certificate")?;
    let after = stage.traffic().await;
    let expected = electorate.expected().ballots();
    let attestation = &certificate.certificate.attestation;
    check(
        "the number of ballots counted",
        expected,
        attestation.inputCount,
    )?;
    let sent = after.since(&before).session;
    let signers: Vec<_> = certificate
        .quorum
        .signers
        .iter()
        .map(u8::to_string)
        .collect();
    narrator.say(format!(
        "The nodes computed on shares of {} ballots in {} rounds and {} between them, opened \
         nothing but the tally, and signed it: nodes {} (L2 block {}, {} after the start).",
        expected,
        info.rounds.unwrap_or_default(),
        bytes(sent),
        signers.join(", "),
        info.attested_in.unwrap_or_default(),
        seconds(time),
    ));
    narrator.whisper(format!("computation  {id}"));
    narrator.whisper(format!("program      {}", attestation.programHash));
    narrator.whisper(format!("input root   {}", attestation.inputRoot));
    Ok(Count {
        begin,
        time,
        info,
        certificate,
        bytes_per_ballot: sent / expected.max(1),
        attempts,
    })
}

/// Tells which attempts there are, and why, until it is dropped.
async fn follow(
    stage: &Stage,
    id: B256,
    attempts: &mut Vec<Attempt>,
    narrator: &Narrator,
) -> Infallible {
    let mut waited = false;
    loop {
        // Whoever waits for the result hears of errors.
        let info = stage.client(1).computation(id).await.ok().flatten();
        match info.map(|info| info.status) {
            Some(ComputationStatus::Running {
                attempt: number,
                absent,
                suspected,
                ..
            }) if attempts.last().is_none_or(|last| last.number < number) => {
                let attempt = Attempt {
                    number,
                    absent,
                    suspected,
                };
                let away = stage.client(1).status().await.map(|status| status.away);
                tell_attempt(&attempt, &away.unwrap_or_default(), narrator);
                attempts.push(attempt);
            }
            Some(ComputationStatus::Waiting {
                missing: Some(missing),
                ..
            }) if !waited => {
                waited = true;
                narrator.say(format!(
                    "The count needs {} bit triples more than the reserve has: the nodes make them \
                     first.",
                    grouped(missing.bits)
                ));
            }
            _ => {}
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn tell_attempt(attempt: &Attempt, away: &[u8], narrator: &Narrator) {
    let Attempt {
        number,
        absent,
        suspected,
    } = attempt;
    let who = match absent {
        Some(absent) => format!("without node {absent}, from the reserve"),
        None if *number > 0 => {
            "with all four nodes once more, while the reserve for three is made".into()
        }
        None => "with all four nodes".into(),
    };
    let pairs: Vec<_> = suspected
        .iter()
        .map(|[a, b]| format!("node {a} or node {b}"))
        .collect();
    match pairs.as_slice() {
        [] if *number > 0 => narrator.say(format!(
            "Attempt {number} is {who}: a node did not take part in the one before, which is no \
             guilt."
        )),
        [] if absent.is_some_and(|node| away.contains(&node)) => narrator.say(format!(
            "Attempt {number} is {who}: that node did not take part in what was before, and is \
             away."
        )),
        [] if absent.is_some() => narrator.say(format!(
            "Attempt {number} is {who}: that node is in all pairs of nodes that contradict each \
             other, which convicts it."
        )),
        [] => narrator.whisper(format!("Attempt {number} is {who}.")),
        pairs => narrator.say(format!(
            "Attempt {number} is {who}. What was before was stopped, with nothing opened; at fault \
             is {}, or the link between them. Nobody is blamed alone.",
            pairs.join(", and ")
        )),
    }
}

/// Sends the transaction that starts the count; its L2 block.
async fn start(stage: &Stage, key: &UserKey) -> Result<u64, client::ClientError> {
    let data = Poll::closeCall {}.abi_encode();
    let receipt = stage
        .client(3)
        .send(key, stage.contracts.l2, data.into())
        .await?;
    Ok(receipt.block_number.unwrap_or_default())
}
