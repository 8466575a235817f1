//! What the whole-system tests share: a raised stage of real processes, and waiting with bounds.
//!
//! Owns no expectations; each test states its own. Read [`World`] first.

pub mod l1_proxy;

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use alloy::{primitives::B256, sol_types::SolValue as _};
use devnet::{Builds, FaultTools};
use eyre::{Result, bail, ensure, eyre};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::time::Instant;
use voting::{
    Options, ballots, deploy,
    electorate::{self, Electorate},
    l1::{L1, L1Choice},
    narrate::{Detail, Narrator},
    report::Tally,
    stage::{Programs, Stage},
    trouble::{Trouble as NodeTrouble, same_state},
};
use wire::limits::NODES;

use l1_proxy::{L1Proxy, Trouble};

/// How long anything in these tests may take.
pub const PATIENCE: Duration = Duration::from_secs(180);
/// How long nodes wait for a silent peer in a round, in milliseconds.
const ROUND_TIMEOUT_MS: u64 = 2_000;
/// Lots of the reserve: more than any test here needs.
const RESERVE_LOTS: u32 = 1;
/// Voters who vote at the same time.
const AT_ONCE: usize = 16;
/// How long a voter waits until the ballot is sent again.
const SEND_AGAIN: Duration = Duration::from_secs(10);
/// All nodes.
pub const ALL: [usize; NODES] = [0, 1, 2, 3];
/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(25);

/// A poll on four real nodes, a real EVM and a real relayer, before any ballot.
pub struct World {
    /// Everything that runs.
    pub stage: Stage,
    /// Who may vote, with what they will.
    pub electorate: Electorate,
    /// Where the story of the test goes.
    pub narrator: Arc<Narrator>,
}

impl World {
    /// Raises it for this many voters; their list is on L1 and, carried by the relayer, on L2.
    ///
    /// # Errors
    /// Whatever keeps it from standing.
    pub async fn with_voters(voters: usize) -> Result<Self> {
        Self::equipped(voters, FaultTools::default()).await
    }

    /// As [`Self::with_voters`], and this node is not started.
    ///
    /// # Errors
    /// Whatever keeps it from standing.
    pub async fn without_node(node: usize, voters: usize) -> Result<Self> {
        let mut options = Options::new(voters);
        options.trouble = Some(NodeTrouble::Down { node });
        let world = Self::raise(options).await?;
        electorate::register(&world.stage, &world.electorate, &world.narrator).await?;
        Ok(world)
    }

    /// As [`Self::with_voters`], with what it takes to do harm.
    ///
    /// # Errors
    /// Whatever keeps it from standing.
    pub async fn equipped(voters: usize, tools: FaultTools) -> Result<Self> {
        Self::with_epochs(voters, tools, None).await
    }

    /// As [`Self::equipped`], with key epochs of this length in milliseconds.
    ///
    /// # Errors
    /// Whatever keeps it from standing.
    pub async fn with_epochs(
        voters: usize,
        tools: FaultTools,
        refresh_ms: Option<u64>,
    ) -> Result<Self> {
        let mut options = Options::new(voters);
        options.tools = tools;
        options.refresh_ms = refresh_ms;
        let world = Self::raise(options).await?;
        electorate::register(&world.stage, &world.electorate, &world.narrator).await?;
        Ok(world)
    }

    /// Raises it; L1 and L2 know the root of the list, and the list is nowhere yet.
    ///
    /// # Errors
    /// Whatever keeps it from standing.
    pub async fn without_list(voters: usize) -> Result<Self> {
        Self::raise(Options::new(voters)).await
    }

    /// As [`Self::without_list`], with a relayer for which L1 is in trouble, and which believes L1
    /// after so many blocks.
    ///
    /// # Errors
    /// Whatever keeps it from standing.
    pub async fn before_l1<T: Trouble>(
        voters: usize,
        confirmations: u64,
        trouble: Arc<Mutex<T>>,
    ) -> Result<(Self, L1Proxy)> {
        let mut l1 = L1::connect(&L1Choice::Embedded).await?;
        let proxy = L1Proxy::start(&l1.url, trouble).await?;
        (l1.url, l1.confirmations) = (proxy.url(), Some(confirmations));
        let world = Self::raise_on(l1, Options::new(voters)).await?;
        Ok((world, proxy))
    }

    async fn raise(options: Options) -> Result<Self> {
        let l1 = L1::connect(&options.l1).await?;
        Self::raise_on(l1, options).await
    }

    async fn raise_on(l1: L1, mut options: Options) -> Result<Self> {
        let narrator = Arc::new(Narrator::new(Detail::Story));
        let voters = options.voters;
        options.round_timeout_ms = Some(ROUND_TIMEOUT_MS);
        options.reserve_lots = Some(RESERVE_LOTS);
        let electorate = Electorate::random(voters)?;
        let programs = Programs::build(false, &narrator).await?;
        let stage = deploy::raise(l1, &options, &programs, &electorate, &narrator).await?;
        Ok(Self {
            stage,
            electorate,
            narrator,
        })
    }

    /// Runs `scenario`; when it fails, the files with the logs stay, and the error says where.
    ///
    /// # Errors
    /// That of the scenario.
    pub async fn play(mut self, scenario: impl AsyncFnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let outcome = scenario(&mut self).await;
        outcome.map_err(|error| {
            let logs = self.stage.cluster.keep_directory();
            error.wrap_err(format!("the logs of the nodes are in {}", logs.display()))
        })
    }

    /// Waits until all these nodes have at least `height` blocks, and checks that they have the
    /// same state where they are at the same block.
    ///
    /// # Errors
    /// If they do not get there in time, or differ.
    pub async fn agree(&self, nodes: &[usize]) -> Result<()> {
        let what = format!("agreement of nodes {nodes:?} on a block and its state");
        until(&what, async || {
            let mut seen = Vec::new();
            for node in nodes {
                let Ok(status) = self.stage.direct[*node].status().await else {
                    return Ok(None);
                };
                seen.push((status.block, status.block_hash, status.state_root));
            }
            if seen.iter().all(|one| one.0 == seen[0].0) {
                if seen.iter().any(|one| *one != seen[0]) {
                    bail!("nodes at the same block differ: {seen:?}");
                }
                return Ok(Some(()));
            }
            Ok(None)
        })
        .await
    }
}

/// Waits until `condition` gives something, at most [`PATIENCE`].
///
/// # Errors
/// That of the condition, or that it took too long.
pub async fn until<T>(
    what: &str,
    mut condition: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let begin = Instant::now();
    loop {
        if let Some(value) = condition().await? {
            return Ok(value);
        }
        if begin.elapsed() > PATIENCE {
            return Err(eyre!("{what} did not happen within {PATIENCE:?}"));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Builds the library that makes a disk forget and overflow.
///
/// # Errors
/// If it cannot be built.
pub async fn faulty_disk() -> Result<PathBuf> {
    Ok(Builds::new().shared_library("faulty-disk").await?)
}

/// The seed of this run: `QUARTET_SEED`, or a fresh one. It is printed.
#[must_use]
pub fn seed() -> u64 {
    let given = std::env::var("QUARTET_SEED").ok();
    let seed = given.and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(rand::random);
    println!("QUARTET_SEED={seed}");
    seed
}

/// Builds the honest node.
///
/// # Errors
/// If it cannot be built.
pub async fn node_program() -> Result<PathBuf> {
    let [program] = Builds::new().programs(["mpc-node"]).await?;
    Ok(program)
}

/// Builds the misbehaving node.
///
/// # Errors
/// If it cannot be built.
pub async fn byzantine_node() -> Result<PathBuf> {
    let [program] = Builds::new().programs(["byzantine-node"]).await?;
    Ok(program)
}

impl World {
    /// Lets the deadline of the poll pass, by moving the cluster's clock.
    ///
    /// # Errors
    /// If the cluster refuses.
    pub async fn pass_deadline(&self) -> Result<()> {
        voting::count::advance_to(&self.stage, self.stage.contracts.closes).await?;
        Ok(())
    }

    /// Lets these voters of the list vote, and waits until `accepted` ballots are accepted.
    ///
    /// # Errors
    /// If a ballot is not taken, or too few are accepted in time.
    pub async fn vote(&self, voters: Range<usize>, accepted: usize) -> Result<()> {
        let voters = &self.electorate.voters()[voters];
        ballots::cast(&self.stage, voters, &self.narrator).await?;
        ballots::accepted(&self.stage, accepted as u64, &self.narrator).await?;
        Ok(())
    }

    /// Lets these voters vote who do not trust an acknowledgement: until a ballot is accepted, they
    /// send the same one again and again.
    ///
    /// # Errors
    /// If a ballot is not accepted in time.
    pub async fn vote_stubbornly(&self, voters: Range<usize>) -> Result<()> {
        let voters = &self.electorate.voters()[voters];
        let voting = stream::iter(voters.iter().enumerate()).map(async |(place, voter)| {
            let (client, contracts) = (self.stage.client(place), &self.stage.contracts);
            let ballot = until("the sealing of a ballot", async || {
                let sealed = ballots::seal(client, contracts, &voter.key, 0, voter.choice);
                Ok(sealed.await.ok())
            })
            .await?;
            until("the acceptance of a ballot", async || {
                // Refused as well if it is known already.
                let _ = client.send_input(&ballot).await;
                let id = ballot.transaction.hash;
                Ok(client.wait_accepted(id, SEND_AGAIN).await.ok())
            })
            .await
        });
        voting
            .buffer_unordered(AT_ONCE)
            .try_for_each(async |_| Ok(()))
            .await
    }

    /// Counts: waits for the tally of three signatures and for the one on L1, and checks that both
    /// are the sum of everybody's choice.
    ///
    /// # Errors
    /// If any of it is not so.
    pub async fn count(&self) -> Result<()> {
        let expected = self.electorate.sum();
        self.pass_deadline().await?;
        let (_, id, _) = voting::count::start_by_stranger(&self.stage).await?;
        ensure!(self.attested(id).await? == expected, "the signed tally");
        ensure!(self.published().await? == expected, "the tally on L1");
        Ok(())
    }

    /// Counts as [`Self::count`]; and all nodes have the same state in the end.
    ///
    /// # Errors
    /// If any of it is not so.
    pub async fn count_all(&self) -> Result<()> {
        self.count().await?;
        same_state(&self.stage).await?;
        Ok(())
    }

    /// Waits until three nodes have signed the count; its tally, from the checked certificate.
    ///
    /// # Errors
    /// If the count fails or takes too long.
    pub async fn attested(&self, computation: B256) -> Result<Tally> {
        self.stage
            .client(0)
            .wait_computation(computation, PATIENCE)
            .await?;
        let checked = self.stage.client(0).certificate(computation).await?;
        let output = &checked.certificate.attestation.output;
        let (votes, invalid) = <([u64; 3], u64)>::abi_decode_params(output)?;
        Ok(Tally { votes, invalid })
    }

    /// Waits until L1 has a tally; tells it.
    ///
    /// # Errors
    /// If that takes too long.
    pub async fn published(&self) -> Result<Tally> {
        until("the publication of the tally on L1", async || {
            Ok(voting::result::tally(&self.stage).await.ok())
        })
        .await
    }
}

/// Installs the packages of the Solidity project, unless they are there; says so and tells `false`
/// where there is no npm.
///
/// # Panics
/// If npm is there and fails.
#[must_use]
pub fn npm_install(folder: &Path) -> bool {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let version = Command::new("npm").arg("--version").output();
    if !version.is_ok_and(|output| output.status.success()) {
        println!("SKIPPED: npm is not there");
        return false;
    }
    let lock = |name| {
        fs::metadata(folder.join(name))
            .and_then(|m| m.modified())
            .ok()
    };
    if lock("node_modules/.package-lock.json") < lock("package-lock.json") {
        npm(
            folder,
            &["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        );
    }
    true
}

/// Runs npm in a folder.
///
/// # Panics
/// If it fails, with what it printed.
#[expect(clippy::panic, reason = "a test that cannot go on fails")]
pub fn npm(folder: &Path, arguments: &[&str]) {
    let output = Command::new("npm")
        .args(arguments)
        .current_dir(folder)
        .output();
    let output = output.unwrap_or_else(|error| panic!("npm does not start: {error}"));
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(
        output.status.success(),
        "npm {} failed:\n{text}",
        arguments.join(" ")
    );
    println!("{text}");
}
