//! `quartet contract deploy`.

use std::{fs, path::PathBuf};

use alloy::primitives::{B256, Bytes};
use client::{ClientError, abi::Abi};
use wire::transaction;

use super::{
    build,
    deployments::{Deployment, Deployments},
    package::InPackage,
    values,
};
use crate::{
    error::CliError,
    site::{Account, Site},
};

/// Help that follows the options.
pub(crate) const EXAMPLES: &str = "\
Arguments are Solidity's: 7, true, 0x…, \"text\", [1,2], (1,true). `now+10m` is a time, and on a
development cluster `@ada` the address of `--as ada`.

Examples:
  quartet contract deploy now+10m                       on the cluster of `quartet dev`
  quartet contract deploy 100 '[@ada,@ben]' --as cleo
  quartet contract deploy --rpc https://node.example --committee committee.toml --key me.key";

/// Options of `quartet contract deploy`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Arguments of the contract's #[init] function.
    #[arg(value_name = "ARGUMENT", allow_negative_numbers = true)]
    arguments: Vec<String>,
    /// 32 bytes that make the address: same deployer, code, arguments and salt, same address. By
    /// default random.
    #[arg(long, value_name = "HEX")]
    salt: Option<B256>,
    /// Take this module and build nothing.
    #[arg(long, value_name = "FILE")]
    wasm: Option<PathBuf>,
    #[command(flatten)]
    package: InPackage,
    #[command(flatten)]
    site: Site,
    #[command(flatten)]
    account: Account,
}

/// Builds, deploys, and remembers where.
pub(crate) async fn run(options: Options) -> Result<(), CliError> {
    let cluster = options.site.connect().await?;
    let actor = options.account.actor(cluster.committee.dev)?;
    let package = options.package.find()?;
    let wasm = match options.wasm {
        Some(file) => file,
        None => build::build(&package).await?.path,
    };
    let code = fs::read(&wasm).map_err(|source| CliError::Read { path: wasm, source })?;
    let code = Bytes::from(code);
    let description = zk_contract_runtime::describe(&code)??;
    let abi = Abi::new(&description)?;
    let init = cluster.words().await?.encode(
        "the contract's #[init]",
        values::constructor(abi.json()),
        &options.arguments,
    )?;
    let deployment = transaction::Deployment {
        salt: options.salt.unwrap_or_else(|| B256::new(rand::random())),
        code,
        init: init.into(),
    };
    let sent = cluster.client.deploy_with_receipt(&actor.key, &deployment);
    let receipt = sent.await.map_err(|error| explained(error, &abi))?;
    let deployed = Deployment {
        chain_id: cluster.committee.chain_id,
        genesis_ms: cluster.committee.genesis_ms,
        address: deployment.address(actor.key.address()),
        code_hash: alloy::primitives::keccak256(&deployment.code),
        deployer: actor.key.address(),
        block: receipt.block_number.unwrap_or_default(),
    };
    println!(
        "Deployed {} as {actor} in block {}\n  address    {}\n  code hash  {}\n  \
         code       {} bytes\n  gas        {}",
        description.name,
        deployed.block,
        deployed.address,
        deployed.code_hash,
        deployment.code.len(),
        receipt.gas_used,
    );
    let mut known = Deployments::read(&package)?;
    known.add(deployed);
    let file = known.write(&package)?;
    println!(
        "Kept in {}: later commands need no address.",
        file.display()
    );
    Ok(())
}

/// A refusal in the contract's own words, which no node knows before it is deployed.
fn explained(error: ClientError, abi: &Abi) -> ClientError {
    match error {
        ClientError::Reverted { contract, data, .. } if !data.is_empty() => ClientError::Reverted {
            contract,
            reason: abi.reason(&data),
            data,
        },
        other => other,
    }
}
