//! The embedded L1: an EVM (revm) behind Ethereum's JSON-RPC over HTTP, so that a bare clone can
//! show the whole way without any download.
//!
//! It makes one block of every transaction, at once, and never reorganises: `latest`, `safe` and
//! `finalized` are the same block. It keeps the state of the newest 128 blocks, and no transaction
//! ever waits: a nonce gap is refused. `evm_increaseTime` moves its clock on. Everything else is Ethereum (Osaka): gas, fees that follow
//! demand, receipts, logs, revert data. Start with [`EmbeddedL1`]; the chain is in `chain`.

mod chain;
mod execute;
mod history;
mod query;
mod refusal;
mod rpc;
#[cfg(test)]
mod tests;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use alloy::{
    network::EthereumWallet,
    primitives::{Address, U256},
    providers::{DynProvider, Provider as _, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use jsonrpsee::server::{Server, ServerConfig, ServerHandle};

use self::chain::Chain;
use crate::DevnetError;

/// Chain id of the embedded L1, the one that development chains commonly have.
pub const CHAIN_ID: u64 = 31_337;
/// What each funded account owns at the start, in ether.
pub const FUNDS_ETHER: u64 = 10_000;
/// Bytes of one request, enough for any transaction that fits a block.
const REQUEST_BYTES: u32 = 8 * 1024 * 1024;
/// Bytes of one answer, for many logs.
const RESPONSE_BYTES: u32 = 64 * 1024 * 1024;

/// A running chain; it stops when this is dropped.
#[derive(Debug)]
pub struct EmbeddedL1 {
    address: SocketAddr,
    accounts: Vec<PrivateKeySigner>,
    server: ServerHandle,
}

impl EmbeddedL1 {
    /// Starts a chain on a free port of the loopback interface, with `accounts` fresh keys that
    /// own [`FUNDS_ETHER`] each.
    ///
    /// # Errors
    /// [`DevnetError::L1`] if it cannot listen.
    pub async fn start(accounts: usize) -> Result<Self, DevnetError> {
        Self::start_on(0, accounts).await
    }

    /// Starts a chain on this port of the loopback interface; 0 takes a free one.
    ///
    /// # Errors
    /// [`DevnetError::L1`] if it cannot listen there.
    pub async fn start_on(port: u16, accounts: usize) -> Result<Self, DevnetError> {
        let accounts: Vec<_> = (0..accounts).map(|_| PrivateKeySigner::random()).collect();
        let funded: Vec<Address> = accounts.iter().map(PrivateKeySigner::address).collect();
        let balance = U256::from(FUNDS_ETHER) * U256::from(10).pow(U256::from(18));
        let chain = Arc::new(Mutex::new(Chain::new(CHAIN_ID, &funded, balance)));
        let failed =
            |error: &dyn std::fmt::Display| DevnetError::L1(format!("port {port}: {error}"));
        let config = ServerConfig::builder()
            .max_request_body_size(REQUEST_BYTES)
            .max_response_body_size(RESPONSE_BYTES)
            .http_only()
            .build();
        let server = Server::builder()
            .set_config(config)
            .build((Ipv4Addr::LOCALHOST, port))
            .await;
        let server = server.map_err(|error| failed(&error))?;
        let address = server.local_addr().map_err(|error| failed(&error))?;
        let module = rpc::module(chain).map_err(|error| failed(&error))?;
        Ok(Self {
            address,
            accounts,
            server: server.start(module),
        })
    }

    /// URL of its JSON-RPC.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A connection that sends with the keys of all accounts, and with the first one's unless a request
    /// says otherwise.
    ///
    /// # Errors
    /// [`DevnetError::L1`] if there is no account.
    pub fn provider(&self) -> Result<DynProvider, DevnetError> {
        let failed = |why: &str| DevnetError::L1(why.into());
        let [first, others @ ..] = self.accounts() else {
            return Err(failed("it has no accounts"));
        };
        let mut wallet = EthereumWallet::from(first.clone());
        for account in others {
            wallet.register_signer(account.clone());
        }
        let url = self.url().parse().map_err(|_| failed("its URL is none"))?;
        let provider = ProviderBuilder::new()
            .with_simple_nonce_management()
            .wallet(wallet)
            .connect_http(url);
        Ok(provider.erased())
    }

    /// Keys of the funded accounts, in the order of their creation.
    #[must_use]
    pub fn accounts(&self) -> &[PrivateKeySigner] {
        &self.accounts
    }
}

impl Drop for EmbeddedL1 {
    fn drop(&mut self) {
        // It has stopped already if this fails.
        let _ = self.server.stop();
    }
}
