//! Everything that runs during the story, and how to reach it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use alloy::{
    primitives::{Address, B256},
    providers::DynProvider,
    sol,
    sol_types::SolCall,
};
use client::Client;
use devnet::{Builds, Cluster, RelayerProcess};
use wire::{limits::NODES, rpc::NodeStatus};

use crate::{
    error::{Doing as _, StoryError},
    l1::{L1, Voting},
    narrate::{Narrator, seconds},
};

sol! {
    /// The L2 contract as the runner uses it; its own description says the same.
    #[derive(Debug)]
    interface Poll {
        /// Whether the whole list has arrived.
        function complete() external view returns (bool);
        /// How many ballots were accepted.
        function votesCast() external view returns (uint64);
        /// Starts the count.
        function close() external;
    }
}

/// How often the processes are looked after.
const WATCH: Duration = Duration::from_millis(500);
/// Cargo package of the L2 contract.
const CONTRACT: &str = "voting-contract";

/// The programs and the module that the story needs.
#[derive(Clone, Debug)]
pub struct Programs {
    /// `mpc-node`.
    pub node: PathBuf,
    /// `relayer`.
    pub relayer: PathBuf,
    /// The L2 contract as a WASM module.
    pub contract: PathBuf,
    /// `byzantine-node`, if the story needs it.
    pub byzantine: Option<PathBuf>,
}

impl Programs {
    /// Builds what is missing or old, and what misbehaves if that is wanted.
    ///
    /// # Errors
    /// [`StoryError::Devnet`].
    pub async fn build(byzantine: bool, narrator: &Arc<Narrator>) -> Result<Self, StoryError> {
        let begin = narrator.elapsed();
        narrator.say(
            "Node, relayer and confidential contract are built from source where they are missing \
             or old;\nthe first time that takes some minutes.",
        );
        let teller = Arc::clone(narrator);
        let builds = Builds::new().with_progress(move |line| teller.progress(line.trim()));
        let [node, relayer] = builds.programs(["mpc-node", "relayer"]).await?;
        let byzantine = if byzantine {
            let [program] = builds.programs(["byzantine-node"]).await?;
            Some(program)
        } else {
            None
        };
        let contract = builds.contract(CONTRACT).await?;
        let took = seconds(narrator.elapsed().saturating_sub(begin));
        narrator.say(format!("They are built ({took})."));
        narrator.whisper(format!("node      {}", node.display()));
        narrator.whisper(format!("relayer   {}", relayer.display()));
        narrator.whisper(format!("contract  {}", contract.display()));
        Ok(Self {
            node,
            relayer,
            contract,
            byzantine,
        })
    }
}

/// The poll on both chains.
#[derive(Clone, Copy, Debug)]
pub struct Contracts {
    /// L1: who the nodes are.
    pub committee: Address,
    /// L1: checks signatures.
    pub verifier: Address,
    /// L1: the poll.
    pub voting: Address,
    /// L1 block with the poll.
    pub voting_block: u64,
    /// L2: the confidential contract.
    pub l2: Address,
    /// keccak-256 of its code.
    pub code_hash: B256,
    /// End of voting, in seconds of L2's clock.
    pub closes: u64,
}

/// Everything that runs. Dropping it stops and reaps all processes.
#[derive(Debug)]
pub struct Stage {
    /// A client for each node, which turns to the others when that node is down.
    pub clients: [Client; NODES],
    /// A client for each node that asks no other.
    pub direct: [Client; NODES],
    /// The poll.
    pub contracts: Contracts,
    // In the order in which they must stop.
    /// The relayer.
    pub relayer: RelayerProcess,
    /// The four nodes.
    pub cluster: Cluster,
    /// The L1.
    pub l1: L1,
}

/// Bytes between nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bytes {
    /// Of computations.
    pub session: u64,
    /// Of everything else.
    pub swarm: u64,
}

/// What each node has sent to the others since it was started; none of one that does not answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic([Option<Bytes>; NODES]);

impl Traffic {
    /// What has been sent since then, by the nodes that answer now. One that was started anew counts
    /// from its start.
    #[must_use]
    pub fn since(&self, before: &Self) -> Bytes {
        let grown = |now: u64, then: u64| now.checked_sub(then).unwrap_or(now);
        let mut sent = Bytes::default();
        for (now, then) in self.0.iter().zip(before.0) {
            let (now, then) = (now.unwrap_or_default(), then.unwrap_or_default());
            sent.session += grown(now.session, then.session);
            sent.swarm += grown(now.swarm, then.swarm);
        }
        sent
    }
}

impl Stage {
    /// The client whose first node this is; node numbers wrap around.
    #[must_use]
    pub fn client(&self, node: usize) -> &Client {
        &self.clients[node % NODES]
    }

    /// The poll on L1.
    #[must_use]
    pub fn voting(&self) -> Voting::VotingInstance<&DynProvider> {
        Voting::new(self.contracts.voting, &self.l1.provider)
    }

    /// Reads a view of the L2 contract.
    ///
    /// # Errors
    /// [`StoryError::L2`].
    pub async fn read<C: SolCall>(&self, call: C) -> Result<C::Return, StoryError> {
        let doing = || format!("reading {} of the L2 contract", C::SIGNATURE);
        let contract = self.contracts.l2;
        let output = self
            .client(0)
            .call(contract, call.abi_encode().into())
            .await;
        C::abi_decode_returns(&output.doing(doing())?).doing(doing())
    }

    /// What the nodes that answer say of themselves, by party number.
    pub async fn statuses(&self) -> Vec<NodeStatus> {
        let asked = self.direct.iter().map(Client::status);
        let answers = futures::future::join_all(asked).await;
        answers.into_iter().flatten().collect()
    }

    /// What the nodes have sent to each other.
    pub async fn traffic(&self) -> Traffic {
        let mut traffic = Traffic::default();
        for status in self.statuses().await {
            if let Some(place) = traffic.0.get_mut(usize::from(status.node)) {
                *place = Some(Bytes {
                    session: status.session_bytes_sent.iter().sum(),
                    swarm: status.swarm_bytes_sent.iter().sum(),
                });
            }
        }
        traffic
    }

    /// Fails, with the end of a log, if a node or the relayer has ended by itself.
    ///
    /// # Errors
    /// [`StoryError::Devnet`].
    pub fn check(&self) -> Result<(), StoryError> {
        self.cluster.check()?;
        Ok(self.relayer.check()?)
    }

    /// Awaits something for as long as all processes run.
    ///
    /// # Errors
    /// That of `what`, or as [`Stage::check`].
    pub async fn while_all_run<T>(
        &self,
        what: impl Future<Output = Result<T, StoryError>>,
    ) -> Result<T, StoryError> {
        let watch = async {
            loop {
                tokio::time::sleep(WATCH).await;
                if let Err(error) = self.check() {
                    return error;
                }
            }
        };
        tokio::select! {
            result = what => result,
            error = watch => Err(error),
        }
    }
}

/// Compares what was found with what must be.
pub(crate) fn check<T: PartialEq + std::fmt::Display>(
    what: &'static str,
    expected: T,
    actual: T,
) -> Result<(), StoryError> {
    if expected == actual {
        return Ok(());
    }
    Err(StoryError::Mismatch {
        what,
        expected: expected.to_string(),
        actual: actual.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_although_a_node_was_started_anew_and_another_is_down() {
        let sent = |session, swarm| Some(Bytes { session, swarm });
        let before = Traffic([sent(100, 10), sent(900, 90), None, sent(5, 5)]);
        let after = Traffic([sent(130, 10), sent(7, 8), sent(1, 0), None]);
        let expected = Bytes {
            session: 30 + 7 + 1,
            swarm: 8,
        };
        assert_eq!(after.since(&before), expected);
    }
}
