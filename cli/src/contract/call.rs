//! `quartet contract call` and `quartet contract view`.

use alloy::{
    primitives::{Address, Bytes, LogData},
    rpc::types::TransactionReceipt,
};
use alloy_dyn_abi::EventExt as _;
use alloy_json_abi::{EventParam, Function, JsonAbi, Param};

use super::{
    target::{Found, Target},
    values,
};
use crate::{error::CliError, site::Account};

/// Help that follows the options of `call`.
pub(crate) const CALL_EXAMPLES: &str = "\
Examples:
  quartet contract call close
  quartet contract call transfer @ben 100 --as ada";
/// Help that follows the options of `view`.
pub(crate) const VIEW_EXAMPLES: &str = "\
Examples:
  quartet contract view result
  quartet contract view balance_of @ada --json";

/// Options of `quartet contract call`.
#[derive(Debug, clap::Args)]
pub(crate) struct CallOptions {
    /// Name of the function, as Rust or as Solidity writes it.
    function: String,
    /// Its arguments.
    #[arg(value_name = "ARGUMENT", allow_negative_numbers = true)]
    arguments: Vec<String>,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    account: Account,
}

/// Options of `quartet contract view`.
#[derive(Debug, clap::Args)]
pub(crate) struct ViewOptions {
    /// Name of the function, as Rust or as Solidity writes it.
    function: String,
    /// Its arguments.
    #[arg(value_name = "ARGUMENT", allow_negative_numbers = true)]
    arguments: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    account: Account,
}

/// Calls in a transaction and tells what happened.
pub(crate) async fn call(options: CallOptions) -> Result<(), CliError> {
    let found = options.target.find().await?;
    let actor = options.account.actor(found.cluster.committee.dev)?;
    let function = values::function(&found.abi, &options.function)?;
    if takes_secrets(&found, function) {
        return Err(CliError::TakesSecrets(function.name.clone()));
    }
    let data = calldata(&found, function, &options.arguments).await?;
    let client = &found.cluster.client;
    let receipt = client.send(&actor.key, found.address, data).await?;
    println!(
        "Called {} as {actor} in block {}, {} gas",
        function.name,
        receipt.block_number.unwrap_or_default(),
        receipt.gas_used,
    );
    print!("{}", events(&receipt, found.address, found.abi.json()));
    let started = client.computations(found.address).await?;
    let started = started.iter();
    for computation in started.filter(|c| Some(c.started_in) == receipt.block_number) {
        println!(
            "Computation {} {} is started: `quartet contract watch` shows how far it is.",
            computation.index, computation.name
        );
    }
    Ok(())
}

/// Calls without a transaction and prints the results.
pub(crate) async fn view(options: ViewOptions) -> Result<(), CliError> {
    let found = options.target.find().await?;
    let from = options.account.address(found.cluster.committee.dev)?;
    let function = values::function(&found.abi, &options.function)?;
    let data = calldata(&found, function, &options.arguments).await?;
    let client = &found.cluster.client;
    let from = from.unwrap_or_default();
    let output = client.call_from(from, found.address, data).await?;
    let results = found.abi.results(&function.name, &output)?;
    if options.json {
        println!("{}", values::to_json(&function.outputs, &results));
    } else {
        print!("{}", values::lines(&function.outputs, &results));
    }
    Ok(())
}

fn takes_secrets(found: &Found, function: &Function) -> bool {
    let mut inputs = found.info.description.input_functions.iter();
    inputs.any(|input| input.selector == function.selector())
}

async fn calldata(
    found: &Found,
    function: &Function,
    arguments: &[String],
) -> Result<Bytes, CliError> {
    let words = found.cluster.words().await?;
    let what = format!("`{}`", function.name);
    let encoded = words.encode(&what, &function.inputs, arguments)?;
    Ok([function.selector().as_slice(), &encoded].concat().into())
}

/// The events of a contract in a receipt, a line for each; those that it does not describe by their
/// bytes.
fn events(receipt: &TransactionReceipt, contract: Address, abi: &JsonAbi) -> String {
    let logs = receipt.logs().iter();
    let own = logs.filter(|log| log.address() == contract);
    own.map(|log| format!("  event {}\n", event(log.data(), abi)))
        .collect()
}

fn event(log: &LogData, abi: &JsonAbi) -> String {
    let known = abi.events().find_map(|event| {
        let decoded = event.decode_log(log).ok()?;
        // The decoder gives the indexed ones first.
        let params = ordered(&event.inputs);
        let params: Vec<_> = params.map(param).collect();
        let values = [decoded.indexed, decoded.body].concat();
        Some(format!(
            "{}({})",
            event.name,
            values::list(&params, &values)
        ))
    });
    known.unwrap_or_else(|| format!("of an unknown kind, {} bytes", log.data.len()))
}

fn ordered(inputs: &[EventParam]) -> impl Iterator<Item = &EventParam> {
    let indexed = inputs.iter().filter(|input| input.indexed);
    indexed.chain(inputs.iter().filter(|input| !input.indexed))
}

fn param(of: &EventParam) -> Param {
    Param {
        ty: of.ty.clone(),
        name: of.name.clone(),
        components: of.components.clone(),
        internal_type: of.internal_type.clone(),
    }
}
