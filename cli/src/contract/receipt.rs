//! `quartet contract receipt`: a proof that an input was counted.

use std::{fs, path::PathBuf};

use alloy::primitives::B256;
use client::ClientError;
use wire::{receipt::InputReceipt, rpc::ComputationStatus};

use super::target::{Found, Target};
use crate::error::CliError;

/// Help that follows the options.
pub(crate) const EXAMPLES: &str = "\
The receipt shows that the input is among those whose result three nodes signed. It holds no secret:
the input's id, its owner, and the signed result. `quartet verify-receipt` checks it without a node.

Examples:
  quartet contract receipt 0x12… > receipt.json
  quartet contract receipt 0x12… --computation 2 --out receipt.json";

/// Options of `quartet contract receipt`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Id of the input, as `quartet contract input` printed it.
    input: B256,
    /// Number of the computation; by default the newest that has the input.
    #[arg(long, value_name = "NUMBER")]
    computation: Option<u64>,
    /// File for it; without it, it is printed.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    target: Target,
}

/// Fetches, checks, and writes it.
pub(crate) async fn run(options: Options) -> Result<(), CliError> {
    let found = options.target.find().await?;
    let receipt = fetch(&found, options.input, options.computation).await?;
    let text = serde_json::to_string_pretty(&receipt).unwrap_or_default() + "\n";
    match options.out {
        None => print!("{text}"),
        Some(path) => {
            let written = fs::write(&path, text);
            written.map_err(|source| CliError::File {
                path: path.clone(),
                source,
            })?;
            println!(
                "Wrote {}: check it with `quartet verify-receipt`.",
                path.display()
            );
        }
    }
    Ok(())
}

async fn fetch(
    found: &Found,
    input: B256,
    computation: Option<u64>,
) -> Result<InputReceipt, CliError> {
    let client = &found.cluster.client;
    let all = client.computations(found.address).await?;
    let attested = all.iter().rev().filter(|info| {
        let wanted = computation.is_none_or(|index| index == info.index);
        wanted && matches!(info.status, ComputationStatus::Attested { .. })
    });
    for info in attested {
        match client.input_receipt(input, info.id).await {
            Err(ClientError::NotFound { .. }) => {}
            other => return Ok(other?),
        }
    }
    Err(CliError::NotCounted {
        input,
        contract: found.address,
    })
}
