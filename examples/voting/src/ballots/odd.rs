//! Ballots that must not count, and some that must although they look odd.

use client::{ClientError, UserKey};
use wire::{limits::NODES, rpc::InputStatus, sealed::SealedInput};

use super::{NO_CHOICE, Part, VERDICT_TIMEOUT, accept, carry, judged, seal, send};
use crate::{
    electorate::Electorate,
    error::{Doing as _, StoryError},
    narrate::Narrator,
    stage::{Poll, Stage, check},
};

/// Casts all of them but the late one.
///
/// # Errors
/// [`StoryError::NotRefused`], [`StoryError::L2`], [`StoryError::Mismatch`].
pub async fn before_deadline(
    stage: &Stage,
    electorate: &Electorate,
    narrator: &Narrator,
) -> Result<(), StoryError> {
    let original = again(stage, electorate, narrator).await?;
    stranger(stage, narrator).await?;
    twice_at_once(stage, electorate, narrator).await?;
    no_choice(stage, electorate, narrator).await?;
    rubbish(stage, electorate, narrator).await?;
    copied(stage, electorate, original, narrator).await?;
    let expected = electorate.expected().ballots();
    let cast = stage.read(Poll::votesCastCall {}).await?;
    check("the number of accepted ballots", expected, cast)
}

/// One who voted changes their mind. Tells the sealed first ballot.
///
/// # Errors
/// [`StoryError::L2`].
pub async fn again(
    stage: &Stage,
    electorate: &Electorate,
    narrator: &Narrator,
) -> Result<SealedInput, StoryError> {
    let (client, voter) = (stage.client(0), electorate.who(Part::Again));
    let before = other_than(voter.choice);
    let first = seal(client, &stage.contracts, &voter.key, 0, before).await?;
    accept(client, &first).await?;
    let other = stage.client(1);
    let second = seal(other, &stage.contracts, &voter.key, 1, voter.choice).await?;
    accept(other, &second).await?;
    narrator.say(
        "A voter votes, then changes their mind at another node: the last ballot counts, and \
         nobody sees what changed.",
    );
    Ok(first.sealed)
}

/// Another choice.
const fn other_than(choice: u8) -> u8 {
    (choice + 1) % 3
}

/// One who is not on the list.
///
/// # Errors
/// [`StoryError::NotRefused`], [`StoryError::L2`].
pub async fn stranger(stage: &Stage, narrator: &Narrator) -> Result<(), StoryError> {
    let (client, key) = (stage.client(2), UserKey::random(&mut rand::rng()));
    let ballot = seal(client, &stage.contracts, &key, 0, 0).await?;
    let what = "the ballot of a stranger";
    let reason = refused(what, "NotOnTheList", judged(client, &ballot).await)?;
    narrator.say(format!(
        "Somebody who is not on the list tries to vote: refused, {reason}."
    ));
    Ok(())
}

/// Two ballots of one voter before either is accepted.
///
/// # Errors
/// [`StoryError::L2`].
pub async fn twice_at_once(
    stage: &Stage,
    electorate: &Electorate,
    narrator: &Narrator,
) -> Result<(), StoryError> {
    let (client, voter) = (stage.client(3), electorate.who(Part::TwiceAtOnce));
    let mut ids = Vec::new();
    for (nonce, choice) in [(0, other_than(voter.choice)), (1, voter.choice)] {
        let ballot = seal(client, &stage.contracts, &voter.key, nonce, choice).await?;
        let sent = send(client, &ballot).await;
        ids.push(sent.doing("sending one of two ballots")?);
    }
    for id in ids {
        let accepted = client.wait_accepted(id, VERDICT_TIMEOUT).await;
        accepted.doing("waiting for two ballots of one voter")?;
    }
    narrator.say(
        "A voter sends two ballots at once, before either is checked: the second takes the place \
         of the first.",
    );
    Ok(())
}

/// A ballot outside the choices. Nobody can see that it is, so it is found by the computation.
///
/// # Errors
/// [`StoryError::L2`].
pub async fn no_choice(
    stage: &Stage,
    electorate: &Electorate,
    narrator: &Narrator,
) -> Result<(), StoryError> {
    let (client, voter) = (stage.client(0), electorate.who(Part::NoChoice));
    let ballot = seal(client, &stage.contracts, &voter.key, 0, NO_CHOICE).await?;
    accept(client, &ballot).await?;
    narrator.say(format!(
        "A voter votes for choice {NO_CHOICE}, which there is not. Nobody can see that; the count \
         will call it invalid."
    ));
    Ok(())
}

/// A ballot whose sealed part for one node is rubbish. The other nodes help that one out, so it
/// must count.
///
/// # Errors
/// [`StoryError::L2`].
pub async fn rubbish(
    stage: &Stage,
    electorate: &Electorate,
    narrator: &Narrator,
) -> Result<(), StoryError> {
    const NODE: usize = 2;
    let (client, voter) = (stage.client(1), electorate.who(Part::RubbishSeal));
    let mut sealed = seal(client, &stage.contracts, &voter.key, 0, voter.choice)
        .await?
        .sealed;
    for byte in &mut sealed.seals[NODE % NODES].ciphertext {
        *byte = !*byte;
    }
    let ballot = carry(client, &stage.contracts, &voter.key, 0, sealed).await?;
    accept(client, &ballot).await?;
    narrator.say(format!(
        "A voter's device sends rubbish to node {NODE}: it got its shares from the others, and the \
         ballot counts."
    ));
    Ok(())
}

/// Somebody else's sealed ballot under an own name: no node can open it there. It leaves no trace,
/// so the copier can vote after that.
///
/// # Errors
/// [`StoryError::NotRefused`], [`StoryError::L2`].
pub async fn copied(
    stage: &Stage,
    electorate: &Electorate,
    original: SealedInput,
    narrator: &Narrator,
) -> Result<(), StoryError> {
    let (client, voter) = (stage.client(3), electorate.who(Part::Copier));
    let copy = carry(client, &stage.contracts, &voter.key, 0, original).await?;
    let id = send(client, &copy).await.doing("sending a copied ballot")?;
    let info = client.wait_input(id, VERDICT_TIMEOUT).await;
    let info = info.doing("waiting for the verdict on a copied ballot")?;
    let InputStatus::Rejected { reason, .. } = info.status else {
        return Err(StoryError::NotRefused {
            what: "a copied ballot".into(),
            expected: "a rejection",
            actual: format!("{:?}", info.status),
        });
    };
    let own = seal(client, &stage.contracts, &voter.key, 1, voter.choice).await?;
    accept(client, &own).await?;
    narrator.say(format!(
        "A voter copies another's sealed ballot: no node can open it under that name, so it is \
         rejected ({reason}). The copier may still cast an own one."
    ));
    Ok(())
}

/// A ballot after the deadline.
///
/// # Errors
/// [`StoryError::NotRefused`].
pub async fn late(
    stage: &Stage,
    electorate: &Electorate,
    narrator: &Narrator,
) -> Result<(), StoryError> {
    let (client, voter) = (stage.client(2), electorate.who(Part::Late));
    let ballot = seal(client, &stage.contracts, &voter.key, 0, voter.choice).await?;
    let reason = refused("a late ballot", "PollClosed", judged(client, &ballot).await)?;
    narrator.say(format!("A voter comes too late: refused, {reason}."));
    Ok(())
}

/// The reason of a refusal, which must begin with `expected`.
pub(crate) fn refused<T: std::fmt::Debug>(
    what: &str,
    expected: &'static str,
    answer: Result<T, ClientError>,
) -> Result<String, StoryError> {
    match answer {
        Err(ClientError::Reverted { reason, .. } | ClientError::InputRejected { reason, .. })
            if reason.starts_with(expected) =>
        {
            Ok(reason)
        }
        other => Err(StoryError::NotRefused {
            what: what.to_owned(),
            expected,
            actual: match other {
                Ok(value) => format!("{value:?}"),
                Err(error) => error.to_string(),
            },
        }),
    }
}
