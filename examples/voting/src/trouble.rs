//! What goes wrong with one node on purpose, and how the node comes back.

use std::{path::PathBuf, time::Duration};

use tokio::time::Instant;
use wire::{limits::NODES, rpc::NodeStatus};

use crate::{
    error::{Doing as _, StoryError},
    narrate::{Narrator, seconds},
    stage::{Poll, Programs, Stage},
};

/// How long a node may take to be where the others are.
const RETURN_TIMEOUT: Duration = Duration::from_secs(180);
/// How often the runner looks.
const PAUSE: Duration = Duration::from_millis(25);
/// First round of a computation in which a Byzantine node misbehaves: after the session's keys are
/// made.
const FROM_ROUND: &str = "3";

/// What goes wrong with a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It is not started before the story is over.
    Down {
        /// Party number.
        node: usize,
    },
    /// It is killed (SIGKILL).
    Killed {
        /// Party number.
        node: usize,
        /// When.
        during: During,
    },
    /// It misbehaves in every computation.
    Byzantine {
        /// Party number.
        node: usize,
        /// How.
        misdeed: Misdeed,
    },
}

/// When a node is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum During {
    /// While people vote.
    Vote,
    /// While ballots are counted.
    Count,
}

/// How a node misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misdeed {
    /// It flips a bit of what it sends.
    Flip,
    /// It does, and denies it.
    Deny,
    /// It falls silent in the middle.
    Silent,
}

impl Misdeed {
    /// What the program `byzantine-node` calls it.
    const fn name(self) -> &'static str {
        match self {
            Self::Flip => "flip",
            Self::Deny => "deny",
            Self::Silent => "drop",
        }
    }
}

/// A node and a word: `2` or `2@count`.
fn split(text: &str) -> Result<(usize, Option<&str>), String> {
    let (node, word) = match text.split_once('@') {
        Some((node, word)) => (node, Some(word)),
        None => (text, None),
    };
    match node.parse() {
        Ok(node @ 0..NODES) => Ok((node, word)),
        _ => Err(format!("`{node}` is no node: there are nodes 0 to 3")),
    }
}

/// Reads `N`.
///
/// # Errors
/// What is wrong, in words.
pub fn down(text: &str) -> Result<Trouble, String> {
    match split(text)? {
        (node, None) => Ok(Trouble::Down { node }),
        (_, Some(word)) => Err(format!("`@{word}` means nothing here: give a node, 0 to 3")),
    }
}

/// Reads `N@vote` or `N@count`.
///
/// # Errors
/// What is wrong, in words.
pub fn kill(text: &str) -> Result<Trouble, String> {
    let (node, word) = split(text)?;
    let during = match word {
        Some("vote") => During::Vote,
        Some("count") => During::Count,
        _ => return Err("say when: N@vote or N@count".into()),
    };
    Ok(Trouble::Killed { node, during })
}

/// Reads `N`, `N@flip`, `N@deny` or `N@silent`.
///
/// # Errors
/// What is wrong, in words.
pub fn byzantine(text: &str) -> Result<Trouble, String> {
    let (node, word) = split(text)?;
    let misdeed = match word {
        None | Some("flip") => Misdeed::Flip,
        Some("deny") => Misdeed::Deny,
        Some("silent") => Misdeed::Silent,
        Some(other) => return Err(format!("`{other}` is none of flip, deny and silent")),
    };
    Ok(Trouble::Byzantine { node, misdeed })
}

impl Trouble {
    /// The node that it befalls.
    #[must_use]
    pub const fn node(self) -> usize {
        match self {
            Self::Down { node } | Self::Killed { node, .. } | Self::Byzantine { node, .. } => node,
        }
    }

    /// The node that does not start with the others.
    #[must_use]
    pub(crate) const fn not_started(self) -> Option<usize> {
        match self {
            Self::Down { node } => Some(node),
            _ => None,
        }
    }
}

/// Puts a misbehaving node in the place of an honest one, and waits until it is where the others are:
/// a node that lags refuses what it cannot judge yet.
///
/// # Errors
/// [`StoryError::Devnet`]; as [`same_state`].
pub async fn corrupt(
    stage: &Stage,
    program: PathBuf,
    node: usize,
    misdeed: Misdeed,
) -> Result<(), StoryError> {
    let arguments = ["--behaviour", misdeed.name(), "--from-round", FROM_ROUND];
    let arguments = arguments.map(String::from).to_vec();
    stage.cluster.replace_program(node, program, arguments)?;
    stage.cluster.restart(node).await?;
    same_state(stage).await.map(|_| ())
}

/// What befalls a node before anybody votes.
///
/// # Errors
/// [`StoryError::Devnet`].
pub(crate) async fn at_first(
    trouble: Option<Trouble>,
    stage: &Stage,
    programs: &Programs,
    narrator: &Narrator,
) -> Result<(), StoryError> {
    match (trouble, &programs.byzantine) {
        (Some(Trouble::Byzantine { node, misdeed }), Some(program)) => {
            corrupt(stage, program.clone(), node, misdeed).await?;
            let how = match misdeed {
                Misdeed::Flip => "flips bits of what it sends",
                Misdeed::Deny => "flips bits of what it sends, and denies it",
                Misdeed::Silent => "falls silent in the middle",
            };
            narrator.say(format!(
                "Node {node} is evil now: in every computation it {how}. The others do not know."
            ));
        }
        (Some(Trouble::Down { node }), _) => narrator.say(format!(
            "Node {node} is down: it was never started. Three nodes go on without it."
        )),
        _ => {}
    }
    Ok(())
}

/// What befalls a node while people vote. Ends when it has.
///
/// # Errors
/// [`StoryError::Devnet`], [`StoryError::L2`].
pub(crate) async fn while_voting(
    trouble: Option<Trouble>,
    stage: &Stage,
    narrator: &Narrator,
) -> Result<(), StoryError> {
    let Some(Trouble::Killed {
        node,
        during: During::Vote,
    }) = trouble
    else {
        return Ok(());
    };
    while stage.read(Poll::votesCastCall {}).await? == 0 {
        tokio::time::sleep(PAUSE).await;
    }
    stage.cluster.kill(node)?;
    narrator.say(format!(
        "Node {node} is killed (SIGKILL) while people vote. They do not notice: each of their \
         clients knows four nodes."
    ));
    Ok(())
}

/// What befalls a node when the count has just begun.
///
/// # Errors
/// [`StoryError::Devnet`].
pub(crate) fn while_counting(
    trouble: Option<Trouble>,
    stage: &Stage,
    narrator: &Narrator,
) -> Result<(), StoryError> {
    if let Some(Trouble::Killed {
        node,
        during: During::Count,
    }) = trouble
    {
        stage.cluster.kill(node)?;
        narrator.say(format!("Node {node} is killed (SIGKILL) during the count."));
    }
    Ok(())
}

/// Brings the node back, and waits until all four are at the same state.
///
/// # Errors
/// [`StoryError::Devnet`]; [`StoryError::TimedOut`]; [`StoryError::Mismatch`] if it differs from the
/// others at the same block.
pub(crate) async fn come_back(
    trouble: Trouble,
    stage: &Stage,
    programs: &Programs,
    narrator: &Narrator,
) -> Result<(), StoryError> {
    let (node, begin) = (trouble.node(), Instant::now());
    let honest = programs.node.clone();
    stage.cluster.replace_program(node, honest, vec![])?;
    stage.cluster.restart(node).await?;
    let block = same_state(stage).await?;
    let how = match trouble {
        Trouble::Down { .. } => "is started for the first time, gets",
        Trouble::Killed { .. } => "is started again, gets",
        Trouble::Byzantine { .. } => "is replaced by an honest one with the same keys, which gets",
    };
    narrator.say(format!(
        "Node {node} {how} the blocks that it lacks from the others, and has the same state as they \
         at block {block} ({}).",
        seconds(begin.elapsed()),
    ));
    Ok(())
}

/// Waits until all four nodes are at the same block, with the same state, and none is away; tells the
/// block.
///
/// # Errors
/// [`StoryError::TimedOut`]; [`StoryError::Mismatch`] if they differ at the same block.
pub async fn same_state(stage: &Stage) -> Result<u64, StoryError> {
    let begin = Instant::now();
    loop {
        let statuses = stage.statuses().await;
        if let Some(block) = agreed(&statuses)? {
            return Ok(block);
        }
        if begin.elapsed() > RETURN_TIMEOUT {
            return Err(StoryError::TimedOut {
                what: format!("agreement of all four nodes ({})", describe(&statuses)),
                seconds: RETURN_TIMEOUT.as_secs(),
            });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn agreed(statuses: &[NodeStatus]) -> Result<Option<u64>, StoryError> {
    let [first, others @ ..] = statuses else {
        return Ok(None);
    };
    let settled = statuses.iter().all(|s| s.away.is_empty());
    if others.len() + 1 < NODES || !settled || others.iter().any(|s| s.block != first.block) {
        return Ok(None);
    }
    for other in others {
        crate::stage::check("the state of a node", first.state_root, other.state_root)?;
    }
    Ok(Some(first.block))
}

fn describe(statuses: &[NodeStatus]) -> String {
    let of = |s: &NodeStatus| format!("node {} at block {}, away {:?}", s.node, s.block, s.away);
    statuses.iter().map(of).collect::<Vec<_>>().join("; ")
}

/// Tells the contradictions that are in the log.
///
/// # Errors
/// [`StoryError::L2`].
pub(crate) async fn tell_contradictions(
    stage: &Stage,
    narrator: &Narrator,
) -> Result<(), StoryError> {
    let status = stage.client(0).status().await;
    let status = status.doing("asking for contradictions")?;
    let mut told: Vec<[u8; 2]> = Vec::new();
    for found in &status.contradictions {
        if told.contains(&found.pair) {
            continue;
        }
        told.push(found.pair);
        let same = status
            .contradictions
            .iter()
            .filter(|c| c.pair == found.pair);
        let [a, b] = found.pair;
        narrator.say(format!(
            "In the log for all to see: nodes {a} and {b} contradict each other under their \
             signatures, first about {} (L2 block {}; {} in all).",
            found.about,
            found.block,
            same.count(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_on_the_command_line_is_understood_or_refused() {
        assert_eq!(down("3"), Ok(Trouble::Down { node: 3 }));
        let killed = |node, during| Ok(Trouble::Killed { node, during });
        assert_eq!(kill("0@vote"), killed(0, During::Vote));
        assert_eq!(kill("2@count"), killed(2, During::Count));
        let evil = |node, misdeed| Ok(Trouble::Byzantine { node, misdeed });
        assert_eq!(byzantine("1"), evil(1, Misdeed::Flip));
        assert_eq!(byzantine("1@deny"), evil(1, Misdeed::Deny));
        assert_eq!(byzantine("1@silent"), evil(1, Misdeed::Silent));
        for wrong in ["4", "-1", "", "x@flip", "1@"] {
            assert!(down(wrong).is_err(), "{wrong}");
            assert!(kill(wrong).is_err(), "{wrong}");
            assert!(byzantine(wrong).is_err(), "{wrong}");
        }
        assert!(down("1@vote").is_err() && kill("1").is_err());
    }
}
