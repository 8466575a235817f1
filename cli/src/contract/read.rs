//! `quartet contract read`: what computations made for one user alone.

use client::input;

use super::target::Target;
use crate::{error::CliError, site::Account};

/// Help that follows the options.
pub(crate) const EXAMPLES: &str = "\
Asks all nodes for what they hold, which each seals to a fresh key of this command, and takes what two
of them say alike. So name all nodes with --rpc.

Examples:
  quartet contract read --as ada
  quartet contract read Notice --as ada
  quartet contract read --key me.key --committee committee.toml";

/// Options of `quartet contract read`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only results of this type.
    #[arg(value_name = "TYPE")]
    of_type: Option<String>,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    account: Account,
}

/// Reads all of them, oldest first.
pub(crate) async fn run(options: Options) -> Result<(), CliError> {
    let found = options.target.find().await?;
    let cluster = &found.cluster;
    if !cluster.committee.dev && !cluster.pinned {
        return Err(CliError::NotPinned);
    }
    let actor = options.account.actor(cluster.committee.dev)?;
    let client = &cluster.client;
    let mut shown = 0;
    for info in client.secrets(found.address, actor.key.address()).await? {
        let types = &found.info.description.inputs;
        let name = types.get(info.input as usize).map(|ty| ty.name.as_str());
        if options
            .of_type
            .as_deref()
            .is_some_and(|wanted| name != Some(wanted))
        {
            continue;
        }
        let secret = client.read_secret(&actor.key, &info).await?;
        let value = input::to_json(&secret.ty, &secret.value)?;
        println!("{} (block {}) {value}", secret.ty.name, info.block);
        shown += 1;
    }
    if shown == 0 {
        println!("There is nothing for {actor} yet.");
    }
    Ok(())
}
