//! `voting`: plays the story of a secret ballot and exits 0 only if the tally on L1 is right.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use voting::{
    Options, StoryError,
    l1::{Confirmations, KEY_VARIABLE, L1Choice},
    narrate::{Detail, Narrator},
    options::FEWEST_VOTERS,
    story::{self, Ending},
    trouble::{self, Trouble},
};

/// A secret ballot from the voter list on L1 to the tally on L1: builds and starts four nodes, an
/// EVM chain and a relayer, lets people vote, and has the nodes count what none of them can see.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Voters on the list, 6 to 10000; the first six try what must not work.
    #[arg(long, default_value_t = 25, value_name = "N")]
    voters: usize,
    /// JSON-RPC of an EVM chain to use as L1, instead of an EVM of our own.
    #[arg(long, value_name = "URL")]
    l1: Option<String>,
    /// File with the secret key that pays on that L1 (64 hexadecimal digits); without it, the
    /// environment variable QUARTET_L1_KEY holds the key.
    #[arg(long, value_name = "FILE", requires = "l1")]
    l1_key: Option<PathBuf>,
    /// Blocks after which the relayer believes that L1, or `finalized`. The default is `finalized`,
    /// and 0 on a development chain (id 31337).
    #[arg(long, value_name = "N", requires = "l1", value_parser = confirmations)]
    l1_confirmations: Option<Confirmations>,
    /// A node that is never started, 0 to 3; it comes at the end.
    #[arg(long, value_name = "N", group = "trouble", value_parser = trouble::down)]
    down: Option<Trouble>,
    /// A node that is killed while people vote, or while their ballots are counted.
    #[arg(long, value_name = "N@vote|count", group = "trouble", value_parser = trouble::kill)]
    kill: Option<Trouble>,
    /// A node that misbehaves in computations: it flips bits, denies it, too, or falls silent.
    #[arg(long, value_name = "N[@flip|deny|silent]", group = "trouble", value_parser = trouble::byzantine)]
    byzantine: Option<Trouble>,
    /// Keep everything running at the end, until Ctrl-C.
    #[arg(long)]
    keep: bool,
    /// Tell every address and file.
    #[arg(long, short)]
    verbose: bool,
}

fn confirmations(text: &str) -> Result<Confirmations, String> {
    if text == "finalized" {
        return Ok(Confirmations::Finalized);
    }
    let number = text.parse().map(Confirmations::Blocks);
    number.map_err(|_| "a number of blocks, or `finalized`".into())
}

impl Arguments {
    fn options(&self) -> Options {
        let l1 = match &self.l1 {
            None => L1Choice::Embedded,
            Some(url) => L1Choice::Given {
                url: url.clone(),
                key: self.l1_key.clone(),
                confirmations: self.l1_confirmations.unwrap_or_default(),
            },
        };
        Options {
            l1,
            detail: if self.verbose {
                Detail::Verbose
            } else {
                Detail::Story
            },
            trouble: self.down.or(self.kill).or(self.byzantine),
            ..Options::new(self.voters)
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let narrator = Arc::new(Narrator::new(arguments.options().detail));
    // Whichever comes first; the other is dropped, and with it all processes.
    let code = tokio::select! {
        code = story(&arguments, &narrator) => code,
        () = interrupted() => {
            narrator.say("Interrupted: everything is stopped.");
            130
        }
    };
    ExitCode::from(code)
}

async fn story(arguments: &Arguments, narrator: &Arc<Narrator>) -> u8 {
    match story::play(&arguments.options(), narrator).await {
        Ok(ending) => {
            if arguments.keep {
                keep(ending, narrator).await;
            }
            0
        }
        Err(error) => {
            eprintln!("\nerror: {error}");
            if let Some(hint) = hint(&error) {
                eprintln!("{hint}");
            }
            1
        }
    }
}

/// Shows what runs, and waits for ever; Ctrl-C ends it from outside.
async fn keep(ending: Ending, narrator: &Narrator) {
    let stage = &ending.stage;
    narrator.act("Everything keeps running until Ctrl-C");
    narrator.show(format!(
        "L1        {}  poll {}",
        stage.l1.url, stage.contracts.voting
    ));
    for (node, url) in stage.cluster.rpc_urls().iter().enumerate() {
        narrator.show(format!(
            "node {node}    {url}  contract {}",
            stage.contracts.l2
        ));
    }
    narrator.show(format!("files     {}", stage.cluster.directory().display()));
    std::future::pending::<()>().await;
    drop(ending);
}

fn hint(error: &StoryError) -> Option<String> {
    match error {
        StoryError::Key { .. } => Some(format!(
            "Give --l1-key FILE, or set {KEY_VARIABLE}, to 64 hexadecimal digits."
        )),
        StoryError::Options(_) => Some(format!(
            "`voting --help` tells the options; at least {FEWEST_VOTERS} voters have a part."
        )),
        _ => None,
    }
}

/// Waits for Ctrl-C, or for a polite request to end.
async fn interrupted() {
    let kinds = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ];
    let mut waiting = futures::stream::FuturesUnordered::new();
    for kind in kinds {
        waiting.push(async move {
            match signal(kind) {
                Ok(mut signals) => signals.recv().await,
                // Without a handler the signal ends the process at once, and with it all pipes, at
                // which the children end.
                Err(_) => std::future::pending().await,
            }
        });
    }
    futures::StreamExt::next(&mut waiting).await;
}
