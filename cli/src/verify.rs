//! `quartet verify-receipt`: whether an input was counted, without asking any node.

use std::{fs, path::PathBuf};

use alloy::{
    primitives::{Address, Bytes, TxKind},
    providers::Provider as _,
    rpc::types::TransactionRequest,
    sol,
    sol_types::SolCall,
};
use client::{receipt, rpc::Failover};
use wire::{attestation::verifyCall, receipt::InputReceipt};

use crate::{error::CliError, site::read_committee};

/// Help that follows the options.
pub(crate) const EXAMPLES: &str = "\
Whose signatures count is not for the receipt to say: name the committee's file, or the app on L1 that
takes the contract's results. Exits with 0 only if the input is among those of a result that three
nodes signed and, with --l1, that the app has accepted.

Examples:
  quartet verify-receipt receipt.json --committee committee.toml
  quartet verify-receipt receipt.json --l1 https://eth.example --app 0x…";

/// How long L1 may take for an answer.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Options of `quartet verify-receipt`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The receipt.
    file: PathBuf,
    /// Committee file with the nodes whose signatures count.
    #[arg(long, value_name = "FILE", env = "QUARTET_COMMITTEE")]
    committee: Option<PathBuf>,
    /// JSON-RPC of L1.
    #[arg(long, value_name = "URL", requires = "app")]
    l1: Option<String>,
    /// The app on L1 that took the result.
    #[arg(long, value_name = "ADDRESS", requires = "l1")]
    app: Option<Address>,
}

sol! {
    /// What every app on L1 that takes results says.
    interface QuartetApp {
        function verifier() external view returns (address);
        function l2ChainId() external view returns (uint64);
        function l2Contract() external view returns (address);
        function codeHash() external view returns (bytes32);
        function accepted(bytes32 computationId) external view returns (bool);
    }
}

/// Checks, and says what is proven.
pub(crate) async fn run(options: Options) -> Result<(), CliError> {
    let receipt = read(&options.file)?;
    let by_l1 = options.l1.zip(options.app);
    if options.committee.is_none() && by_l1.is_none() {
        return Err(CliError::NobodyToTrust);
    }
    receipt::check_proof(&receipt)?;
    let mut confirmed = Vec::new();
    if let Some(file) = &options.committee {
        let quorum = receipt::check(&receipt, &read_committee(file)?)?;
        let signers: Vec<_> = quorum.signers.iter().map(u8::to_string).collect();
        confirmed.push(format!("Nodes {} signed it.", signers.join(", ")));
    }
    if let Some((url, app)) = by_l1 {
        ask_l1(&receipt, &url, app).await?;
        confirmed.push(format!("The app {app} on L1 accepted it."));
    }
    let attestation = &receipt.certificate.attestation;
    println!(
        "Input {} of {}\nis number {} of the {} inputs of computation {}\nof contract {}, code {}.\n{}",
        receipt.input,
        receipt.owner,
        receipt.place + 1,
        attestation.inputCount,
        attestation.computationId,
        attestation.l2Contract,
        attestation.codeHash,
        confirmed.join("\n"),
    );
    Ok(())
}

fn read(file: &PathBuf) -> Result<InputReceipt, CliError> {
    let failed = |why: String| CliError::NoReceipt {
        file: file.clone(),
        why,
    };
    let text = fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| failed(error.to_string()))
}

/// Whether the app takes this contract's results and has accepted this one, and its verifier says
/// that three nodes signed exactly this.
async fn ask_l1(receipt: &InputReceipt, url: &str, app: Address) -> Result<(), CliError> {
    let provider = Failover::new(&[url], PATIENCE)?.provider();
    let call = async |to: Address, data: Vec<u8>| -> Result<Bytes, CliError> {
        let request = TransactionRequest {
            to: Some(TxKind::Call(to)),
            input: Bytes::from(data).into(),
            ..TransactionRequest::default()
        };
        let answer = provider.call(request).await;
        answer.map_err(|error| CliError::L1Refuses(format!("{to}: {error}")))
    };
    let attestation = &receipt.certificate.attestation;
    let no = |why: &str| Err(CliError::L1Refuses(why.to_owned()));
    let target = (
        typed::<QuartetApp::l2ChainIdCall>(
            &call(app, QuartetApp::l2ChainIdCall {}.abi_encode()).await?,
        )?,
        typed::<QuartetApp::l2ContractCall>(
            &call(app, QuartetApp::l2ContractCall {}.abi_encode()).await?,
        )?,
        typed::<QuartetApp::codeHashCall>(
            &call(app, QuartetApp::codeHashCall {}.abi_encode()).await?,
        )?,
    );
    if target
        != (
            attestation.l2ChainId,
            attestation.l2Contract,
            attestation.codeHash,
        )
    {
        return no("the app takes results of another contract");
    }
    let asked = QuartetApp::acceptedCall {
        computationId: attestation.computationId,
    };
    if !typed::<QuartetApp::acceptedCall>(&call(app, asked.abi_encode()).await?)? {
        return no("the app has not accepted the result yet");
    }
    let Some((bitmap, signatures)) = receipt.certificate.quorum() else {
        return no("fewer than three nodes signed the result");
    };
    let verifier = QuartetApp::verifierCall {}.abi_encode();
    let verifier = typed::<QuartetApp::verifierCall>(&call(app, verifier).await?)?;
    let question = verifyCall {
        attestation: attestation.clone(),
        bitmap,
        signatures: signatures.into(),
    };
    // It reverts unless the committee signed.
    call(verifier, question.abi_encode()).await.map(|_| ())
}

fn typed<C: SolCall>(answer: &[u8]) -> Result<C::Return, CliError> {
    let decoded = C::abi_decode_returns(answer);
    decoded.map_err(|_| CliError::L1Refuses("there is no app at this address".into()))
}
