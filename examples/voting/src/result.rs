//! Act 5: the result on L1, and results that L1 does not take.

use std::time::Duration;

use alloy::{
    contract,
    eips::BlockId,
    primitives::{Bytes, U256, Uint},
    providers::Provider as _,
    sol_types::SolInterface as _,
};
use client::certificate::Quorum;
use tokio::time::Instant;
use wire::attestation::{Attestation, submitCall};

use crate::{
    count::Count,
    error::{Doing as _, StoryError},
    l1::Voting,
    narrate::{Narrator, grouped, seconds},
    report::Tally,
    stage::Stage,
};

/// How long the relayer may take from the signatures to L1's block; L1 may be slow.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(600);
/// How often the runner looks.
const PAUSE: Duration = Duration::from_millis(50);
/// Gas limit of transactions that are sent although they will be refused.
const DOOMED_GAS: u64 = 300_000;

/// The tally on L1.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// What the contract says.
    pub tally: Tally,
    /// The L1 block that brought it.
    pub block: u64,
    /// Gas of the transaction that did.
    pub gas: u64,
    /// From the sending of the transaction that started the count until it was seen on L1.
    pub time: Duration,
}

/// Waits until the relayer has brought the result to L1.
///
/// # Errors
/// [`StoryError::TimedOut`], [`StoryError::Devnet`] if a process ended, [`StoryError::L1`].
pub async fn published(
    stage: &Stage,
    count: &Count,
    narrator: &Narrator,
) -> Result<Published, StoryError> {
    let waiting = Instant::now();
    let from = stage.contracts.voting_block;
    let log = loop {
        let events = stage
            .voting()
            .TallyPublished_filter()
            .from_block(from)
            .query()
            .await;
        if let Some((_, log)) = events.doing("looking for the tally on L1")?.pop() {
            break log;
        }
        stage.check()?;
        if waiting.elapsed() > PUBLISH_TIMEOUT {
            return Err(StoryError::TimedOut {
                what: format!(
                    "the arrival of the result on L1 (the relayer's log is {})",
                    stage.relayer.log().display()
                ),
                seconds: PUBLISH_TIMEOUT.as_secs(),
            });
        }
        narrator.progress("the relayer brings the result to L1");
        tokio::time::sleep(PAUSE).await;
    };
    let time = count.begin.elapsed();
    let tally = tally(stage).await?;
    let hash = log.transaction_hash.unwrap_or_default();
    let doing = "reading the receipt of the result on L1";
    let receipt = stage
        .l1
        .provider
        .get_transaction_receipt(hash)
        .await
        .doing(doing)?;
    let published = Published {
        tally,
        block: log.block_number.unwrap_or_default(),
        gas: receipt.map_or(0, |receipt| receipt.gas_used),
        time,
    };
    narrator.say(format!(
        "The relayer submitted it, L1 checked the three signatures and published the tally (L1 \
         block {}, {} gas, {} after the start of the count).",
        published.block,
        grouped(published.gas),
        seconds(time),
    ));
    Ok(published)
}

/// The tally as L1 has it.
///
/// # Errors
/// [`StoryError::L1`].
pub async fn tally(stage: &Stage) -> Result<Tally, StoryError> {
    let tally = stage
        .voting()
        .tally()
        .call()
        .await
        .doing("reading the tally on L1")?;
    Ok(Tally {
        votes: tally.votes,
        invalid: tally.invalid,
    })
}

/// Hands L1 the same result again, an altered one, and ones with too few signatures. Each is asked
/// as of the block before the result, when nothing had been published yet, and sent for real.
///
/// # Errors
/// [`StoryError::NotRefused`], [`StoryError::L1`].
pub async fn attacks(
    stage: &Stage,
    count: &Count,
    published: &Published,
    narrator: &Narrator,
) -> Result<(), StoryError> {
    let attestation = &count.certificate.certificate.attestation;
    let good = &count.certificate.quorum;
    let now = BlockId::latest();
    let before = BlockId::number(published.block.saturating_sub(1));

    let reason = refusal(stage, attestation, good, now, "AlreadyAccepted").await?;
    doomed(stage, attestation, good).await?;
    narrator.say(format!("The same result once more: refused, {reason}."));

    let mut altered = attestation.clone();
    let mut output = altered.output.to_vec();
    // One vote more for the first choice.
    if let Some(word) = output.first_chunk_mut::<32>() {
        *word = U256::from_be_bytes(*word)
            .wrapping_add(Uint::ONE)
            .to_be_bytes();
    }
    altered.output = output.into();
    let reason = refusal(stage, &altered, good, before, "BadSignature").await?;
    doomed(stage, &altered, good).await?;
    narrator.say(format!(
        "One vote more for the first choice: refused, {reason}."
    ));

    let two = two_signatures(good);
    let reason = refusal(stage, attestation, &two, before, "BadBitmap").await?;
    doomed(stage, attestation, &two).await?;
    narrator.say(format!(
        "Two signatures instead of three: refused, {reason}."
    ));

    let twice = one_twice(good);
    let reason = refusal(stage, attestation, &twice, before, "BadSignature").await?;
    doomed(stage, attestation, &twice).await?;
    narrator.say(format!(
        "Two signatures, one of them twice: refused, {reason}."
    ));

    if tally(stage).await? == published.tally {
        return Ok(());
    }
    Err(StoryError::Mismatch {
        what: "the tally on L1 after the attacks",
        expected: published.tally.to_string(),
        actual: tally(stage).await?.to_string(),
    })
}

/// The first two of three signatures.
fn two_signatures(good: &Quorum) -> Quorum {
    let signers = good.signers[..2].to_vec();
    Quorum {
        bitmap: signers.iter().fold(0, |bits, party| bits | 1 << party),
        signatures: good.signatures.slice(..128),
        signers,
    }
}

/// Two signatures, the second of them in the third's place too.
fn one_twice(good: &Quorum) -> Quorum {
    let mut signatures = good.signatures[..128].to_vec();
    signatures.extend_from_within(64..);
    Quorum {
        signatures: signatures.into(),
        ..good.clone()
    }
}

/// The refusal of a result by the contract as it is in a block, which must be `expected`.
async fn refusal(
    stage: &Stage,
    attestation: &Attestation,
    quorum: &Quorum,
    block: BlockId,
    expected: &'static str,
) -> Result<String, StoryError> {
    let voting = stage.voting();
    let submission = submission(attestation, quorum);
    let actual = match voting.call_builder(&submission).block(block).call().await {
        Ok(_) => "accepted".to_owned(),
        Err(error) => reason(&error),
    };
    if actual.starts_with(expected) {
        return Ok(actual);
    }
    Err(StoryError::NotRefused {
        what: "a result".into(),
        expected,
        actual,
    })
}

/// Sends a result for real; it must end as a failed transaction.
async fn doomed(
    stage: &Stage,
    attestation: &Attestation,
    quorum: &Quorum,
) -> Result<(), StoryError> {
    let doing = "sending a result that L1 must refuse";
    let voting = stage.voting();
    let submission = submission(attestation, quorum);
    let sent = voting
        .call_builder(&submission)
        .gas(DOOMED_GAS)
        .send()
        .await;
    let receipt = sent.doing(doing)?.get_receipt().await.doing(doing)?;
    if !receipt.status() {
        return Ok(());
    }
    Err(StoryError::NotRefused {
        what: "a result".into(),
        expected: "a failed transaction",
        actual: format!("transaction {} succeeded", receipt.transaction_hash),
    })
}

/// What is submitted to L1.
#[must_use]
pub fn submission(attestation: &Attestation, quorum: &Quorum) -> submitCall {
    submitCall {
        attestation: attestation.clone(),
        bitmap: quorum.bitmap,
        signatures: quorum.signatures.clone(),
    }
}

/// A refusal in the contract's words.
fn reason(error: &contract::Error) -> String {
    let data: Option<Bytes> = error.as_revert_data();
    let decoded = data.and_then(|data| Voting::VotingErrors::abi_decode(&data).ok());
    decoded.map_or_else(
        || error.to_string(),
        |decoded| {
            // `Name(Name { field: … })`, of which the inner part suffices.
            let text = format!("{decoded:?}");
            let inner = text
                .split_once('(')
                .and_then(|(_, rest)| rest.strip_suffix(')'));
            inner.unwrap_or(&text).to_owned()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_signatures_are_built_from_the_good_ones() {
        let good = Quorum {
            bitmap: 0b1011,
            signatures: (0..192).collect::<Vec<u8>>().into(),
            signers: vec![0, 1, 3],
        };
        let two = two_signatures(&good);
        assert_eq!((two.bitmap, two.signatures.len()), (0b0011, 128));
        let twice = one_twice(&good);
        assert_eq!(twice.bitmap, good.bitmap);
        assert_eq!(twice.signatures[..128], good.signatures[..128]);
        assert_eq!(twice.signatures[128..], good.signatures[64..128]);
    }
}
