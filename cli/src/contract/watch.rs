//! `quartet contract watch`: how far inputs and computations are.

use std::{collections::BTreeMap, time::Duration};

use alloy::primitives::B256;
use client::Client;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use wire::rpc::{
    AttemptStage, ComputationInfo, ComputationStatus, ContractInfo, InputInfo, InputStatus,
};

use super::target::{Found, Target};
use crate::{error::CliError, show, status};

/// Help that follows the options.
pub(crate) const EXAMPLES: &str = "\
It ends when everything that it was asked about has ended. Exit codes: 0 all ended well (or nothing
was started), 1 something failed or was rejected, 3 something is still under way (with --once).

Examples:
  quartet contract watch                 all computations of the contract
  quartet contract watch 0x12…           this input or computation
  quartet contract watch --once || echo 'not yet'";

/// How often it looks.
const LOOK: Duration = Duration::from_millis(250);
/// Steps of a computation: inputs decided, computed, opened, signed.
const STEPS: u64 = 4;
/// Steps of an input: ordered, decided.
const INPUT_STEPS: u64 = 2;

/// Options of `quartet contract watch`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Ids of inputs or computations; by default all computations of the contract.
    #[arg(value_name = "ID")]
    ids: Vec<B256>,
    /// Look once, print, and end.
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    target: Target,
}

/// How far one thing is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Progress {
    /// What it is.
    name: String,
    /// In words.
    words: String,
    /// Steps done, of how many.
    steps: (u64, u64),
    /// How it ended; none if it is under way.
    ended: Option<Ending>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Well,
    Badly,
}

/// Looks until all have ended.
pub(crate) async fn run(options: Options) -> Result<(), CliError> {
    let found = options.target.find().await?;
    let bars = MultiProgress::new();
    let mut shown: BTreeMap<String, ProgressBar> = BTreeMap::new();
    loop {
        let now = look(&found, &options.ids).await?;
        if options.once {
            for one in &now {
                println!("{}: {}", one.name, one.words);
            }
            print!("{}", later(&found).await?);
            return verdict(&now);
        }
        for (name, bar) in &shown {
            if now.iter().all(|one| one.name != *name) {
                bar.finish_and_clear();
            }
        }
        for one in &now {
            let bar = shown.entry(one.name.clone());
            let bar = bar.or_insert_with(|| bars.add(bar_for(one)));
            update(bar, one);
        }
        if now.iter().all(|one| one.ended.is_some()) {
            if bars.is_hidden() {
                for one in &now {
                    println!("{}: {}", one.name, one.words);
                }
            }
            print!("{}", later(&found).await?);
            return verdict(&now);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// What runs by itself.
struct Timer {
    /// Name of the function.
    name: String,
    /// In how many seconds.
    left: u64,
}

impl Timer {
    const fn is_due(&self) -> bool {
        self.left == 0
    }

    fn progress(&self) -> Progress {
        Progress {
            name: format!("timer {}", self.name),
            words: "its time has come".into(),
            steps: (0, 1),
            ended: None,
        }
    }
}

async fn timers(found: &Found) -> Result<Vec<Timer>, CliError> {
    let client = &found.cluster.client;
    // The time first: what is due by then is still there, or has started something.
    let now = client.status().await?.time;
    let contract: Option<ContractInfo> =
        client.request("quartet_contract", (found.address,)).await?;
    let timers = contract.map(|contract| contract.timers).unwrap_or_default();
    let timers = timers.iter().map(|timer| {
        let mut functions = found.abi.json().functions();
        let function = functions.find(|function| function.selector() == timer.selector);
        Timer {
            name: function.map_or_else(|| timer.selector.to_string(), |f| f.name.clone()),
            left: timer.time.saturating_sub(now),
        }
    });
    Ok(timers.collect())
}

/// What runs by itself later, in words.
async fn later(found: &Found) -> Result<String, CliError> {
    let timers = timers(found).await?.into_iter().filter(|t| !t.is_due());
    let line = |timer: Timer| format!("{} runs by itself in {} s\n", timer.name, timer.left);
    Ok(timers.map(line).collect())
}

fn verdict(all: &[Progress]) -> Result<(), CliError> {
    if all.is_empty() {
        println!("Nothing was started yet.");
    }
    let ended = |ending| all.iter().filter(|one| one.ended == ending).count();
    match (ended(Some(Ending::Badly)), ended(None)) {
        (0, 0) => Ok(()),
        (0, count) => Err(CliError::UnderWay(count)),
        (count, _) => Err(CliError::EndedBadly(count)),
    }
}

async fn look(found: &Found, ids: &[B256]) -> Result<Vec<Progress>, CliError> {
    let client = &found.cluster.client;
    if ids.is_empty() {
        let due = timers(found).await?.into_iter();
        let due = due.filter_map(|timer| timer.is_due().then(|| timer.progress()));
        let all = client.computations(found.address).await?;
        return Ok(all.iter().map(computation).chain(due).collect());
    }
    let mut all = Vec::with_capacity(ids.len());
    for id in ids {
        all.push(one(found, client, *id).await?);
    }
    Ok(all)
}

/// An input or a computation, whatever has this id.
async fn one(found: &Found, client: &Client, id: B256) -> Result<Progress, CliError> {
    if let Some(info) = client.computation(id).await? {
        return Ok(computation(&info));
    }
    match client.input(id).await? {
        Some(info) => Ok(input(found, &info)),
        None => Ok(Progress {
            name: format!("input {}", show::short(id)),
            words: "waits for a block".into(),
            steps: (0, INPUT_STEPS),
            ended: None,
        }),
    }
}

fn input(found: &Found, info: &InputInfo) -> Progress {
    let (words, done, ended) = match &info.status {
        InputStatus::Ordered => ("ordered; the nodes check their parts".into(), 1, None),
        InputStatus::Rejected { reason, data } => {
            let reason = if data.is_empty() {
                reason.clone()
            } else {
                found.abi.reason(data)
            };
            (
                format!("rejected: {reason}"),
                INPUT_STEPS,
                Some(Ending::Badly),
            )
        }
        InputStatus::Accepted => ("accepted".into(), INPUT_STEPS, Some(Ending::Well)),
        InputStatus::Replaced { by } => (
            format!("replaced by {}", show::short(*by)),
            INPUT_STEPS,
            Some(Ending::Well),
        ),
        InputStatus::Deleted => ("deleted".into(), INPUT_STEPS, Some(Ending::Well)),
    };
    Progress {
        name: format!("input {}", show::short(info.id)),
        words,
        steps: (done, INPUT_STEPS),
        ended,
    }
}

fn computation(info: &ComputationInfo) -> Progress {
    let (done, ended) = match &info.status {
        ComputationStatus::Waiting { .. } => (0, None),
        ComputationStatus::Running { stage, .. } if *stage != AttemptStage::Opening => (1, None),
        ComputationStatus::Running { .. } => (2, None),
        ComputationStatus::Opened { .. } => (3, None),
        ComputationStatus::Attested { .. } => (STEPS, Some(Ending::Well)),
        ComputationStatus::Failed { .. } => (STEPS, Some(Ending::Badly)),
    };
    let mut words = status::describe_status(&info.status);
    if let Some(count) = info.input_count {
        words = format!("{words} ({count} inputs)");
    }
    Progress {
        name: format!("computation {} {}", info.index, info.name),
        words,
        steps: (done, STEPS),
        ended,
    }
}

fn bar_for(one: &Progress) -> ProgressBar {
    let bar = ProgressBar::new(one.steps.1);
    let style = "{spinner} {prefix:24} [{bar:20}] {elapsed:>4} {wide_msg}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(one.name.clone());
    bar.enable_steady_tick(LOOK);
    bar
}

fn update(bar: &ProgressBar, one: &Progress) {
    if bar.is_finished() {
        return;
    }
    bar.set_position(one.steps.0);
    if one.ended.is_some() {
        bar.finish_with_message(one.words.clone());
    } else {
        bar.set_message(one.words.clone());
    }
}
