//! The L1 as the runner uses it: our embedded one, or any EVM chain.

use std::{fs, path::PathBuf, time::Duration};

use alloy::{
    network::{EthereumWallet, TransactionBuilder as _},
    primitives::{Address, U256},
    providers::{DynProvider, Provider as _, ProviderBuilder},
    rpc::types::{TransactionReceipt, TransactionRequest},
    signers::local::PrivateKeySigner,
};
use devnet::EmbeddedL1;

use crate::error::{Doing as _, StoryError};

/// The binding to the poll's L1 contract, with the documentation of its source.
#[expect(missing_docs, reason = "generated from the artifact")]
mod bindings {
    alloy::sol!(
        #[sol(rpc)]
        #[derive(Debug)]
        Voting,
        "../../l1-contracts/artifacts/Voting.json"
    );
}
pub use bindings::Voting;

/// Environment variable with the secret key for a given L1, as hexadecimal digits.
pub const KEY_VARIABLE: &str = "QUARTET_L1_KEY";
/// Gas that the relayer's key on a given L1 is given the means for.
const RELAYER_GAS: u64 = 2_000_000;
/// Chain id that development chains commonly have.
const DEVELOPMENT_CHAIN: u64 = devnet::l1::CHAIN_ID;

/// Which L1 to use.
#[derive(Clone, Debug, Default)]
pub enum L1Choice {
    /// An EVM of our own, with fresh funded keys.
    #[default]
    Embedded,
    /// A chain that runs already.
    Given {
        /// URL of its JSON-RPC.
        url: String,
        /// File with the key that pays, or none for [`KEY_VARIABLE`].
        key: Option<PathBuf>,
        /// When it is believed.
        confirmations: Confirmations,
    },
}

/// When the relayer believes a block of L1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Confirmations {
    /// When it is final; but at once on a chain for development, which may make no further blocks.
    #[default]
    Usual,
    /// When the chain says that it is final.
    Finalized,
    /// When this many blocks follow it.
    Blocks(u64),
}

impl Confirmations {
    /// The number of blocks on this chain; none means `finalized`.
    const fn blocks(self, chain_id: u64) -> Option<u64> {
        match self {
            Self::Usual if chain_id == DEVELOPMENT_CHAIN => Some(0),
            Self::Usual | Self::Finalized => None,
            Self::Blocks(blocks) => Some(blocks),
        }
    }
}

/// A connection to L1 with the keys of two people: who opens the poll, and who relays.
#[derive(Debug)]
pub struct L1 {
    /// Its chain id.
    pub chain_id: u64,
    /// URL of its JSON-RPC.
    pub url: String,
    /// Sends with the opener's key.
    pub provider: DynProvider,
    /// Who opens the poll.
    pub opener: Address,
    /// The relayer's key, which has some money.
    pub relayer: PrivateKeySigner,
    /// Blocks after which the relayer believes L1; none means `finalized`.
    pub confirmations: Option<u64>,
    /// Stops when this is dropped.
    pub embedded: Option<EmbeddedL1>,
}

impl L1 {
    /// Starts or connects.
    ///
    /// # Errors
    /// [`StoryError::Devnet`], [`StoryError::Key`], [`StoryError::L1`] if nothing answers there or
    /// the key owns too little.
    pub async fn connect(choice: &L1Choice) -> Result<Self, StoryError> {
        match choice {
            L1Choice::Embedded => {
                let embedded = EmbeddedL1::start(2).await?;
                let [opener, relayer] = embedded.accounts() else {
                    return Err(StoryError::Options("the L1 has not two accounts".into()));
                };
                let (opener, relayer, url) = (opener.clone(), relayer.clone(), embedded.url());
                let mut l1 = Self::new(&url, opener, relayer).await?;
                l1.embedded = Some(embedded);
                Ok(l1)
            }
            L1Choice::Given {
                url,
                key,
                confirmations,
            } => {
                let opener = read_key(key.as_ref())?;
                let mut l1 = Self::new(url, opener, PrivateKeySigner::random()).await?;
                l1.confirmations = confirmations.blocks(l1.chain_id);
                l1.fund_relayer().await?;
                Ok(l1)
            }
        }
    }

    async fn new(
        url: &str,
        opener: PrivateKeySigner,
        relayer: PrivateKeySigner,
    ) -> Result<Self, StoryError> {
        let parsed = url.parse().map_err(|error| {
            StoryError::Options(format!("--l1 {url} is not an HTTP URL: {error}"))
        })?;
        let address = opener.address();
        let provider = ProviderBuilder::new()
            .with_simple_nonce_management()
            .wallet(EthereumWallet::from(opener))
            .connect_http(parsed)
            .erased();
        let chain_id = provider.get_chain_id().await;
        let chain_id = chain_id.doing(format!("asking the L1 at {url} for its chain id"))?;
        if chain_id == DEVELOPMENT_CHAIN {
            let client = provider.client();
            client.set_poll_interval(Duration::from_millis(50));
        }
        Ok(Self {
            chain_id,
            url: url.to_owned(),
            provider,
            opener: address,
            relayer,
            confirmations: None,
            embedded: None,
        })
    }

    /// Gives the relayer's fresh key the means for its transactions.
    async fn fund_relayer(&self) -> Result<(), StoryError> {
        let fees = self.provider.estimate_eip1559_fees().await;
        let fees = fees.doing("asking L1 for its fees")?;
        let value = U256::from(fees.max_fee_per_gas) * U256::from(RELAYER_GAS);
        let request = TransactionRequest::default()
            .with_to(self.relayer.address())
            .with_value(value);
        let doing = || {
            let opener = self.opener;
            format!("sending {value} wei from {opener} to the relayer's key on L1")
        };
        let sent = self
            .provider
            .send_transaction(request)
            .await
            .doing(doing())?;
        let receipt = sent.get_receipt().await.doing(doing())?;
        succeeded(&receipt, &doing())
    }
}

/// Checks that a transaction did not revert.
///
/// # Errors
/// [`StoryError::L1`].
pub fn succeeded(receipt: &TransactionReceipt, doing: &str) -> Result<(), StoryError> {
    if receipt.status() {
        return Ok(());
    }
    Err(StoryError::L1 {
        doing: doing.to_owned(),
        why: format!("transaction {} reverted", receipt.transaction_hash),
    })
}

fn read_key(file: Option<&PathBuf>) -> Result<PrivateKeySigner, StoryError> {
    let (place, text) = match file {
        Some(path) => (
            path.display().to_string(),
            fs::read_to_string(path).map_err(|e| e.to_string()),
        ),
        None => (
            KEY_VARIABLE.into(),
            std::env::var(KEY_VARIABLE).map_err(|e| e.to_string()),
        ),
    };
    let parse = |text: String| {
        text.trim()
            .parse()
            .map_err(|_| "it is no secp256k1 key".to_owned())
    };
    text.and_then(parse)
        .map_err(|why| StoryError::Key { place, why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_development_chains_are_believed_at_once_by_default() {
        assert_eq!(Confirmations::Usual.blocks(DEVELOPMENT_CHAIN), Some(0));
        assert_eq!(Confirmations::Usual.blocks(1), None);
        assert_eq!(Confirmations::Finalized.blocks(DEVELOPMENT_CHAIN), None);
        assert_eq!(Confirmations::Blocks(3).blocks(1), Some(3));
    }

    #[test]
    fn a_bad_key_is_named_by_its_place_and_never_shown() {
        let file = std::env::temp_dir().join(format!("quartet-key-{}", std::process::id()));
        fs::write(&file, "0xsecret").unwrap();
        let error = read_key(Some(&file)).unwrap_err().to_string();
        fs::remove_file(&file).unwrap();
        assert!(
            error.contains("quartet-key-") && !error.contains("0xsecret"),
            "{error}"
        );
        assert!(matches!(read_key(Some(&file)), Err(StoryError::Key { .. })));
    }
}
