//! Results that are for one user: listed by one node, read from all.

use std::{
    collections::HashSet,
    time::{SystemTime, UNIX_EPOCH},
};

use alloy_primitives::{Address, B256};
use wire::{
    kind::InputType,
    read::{self, Components, ReadKey, ReadRequest, SecretAnswer},
    rpc::SecretInfo,
};
use zeroize::Zeroizing;

use super::Client;
use crate::{ClientError, UserKey};

/// How long a request to read holds, in seconds; clocks may differ a little.
const HOLDS_SECONDS: u64 = 600;

/// A secret in clear. Erased on drop, never printed.
pub struct Secret {
    /// Its type.
    pub ty: InputType,
    /// Its value, in the encoding of the type.
    pub value: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret({}, <redacted>)", self.ty.name)
    }
}

impl Client {
    /// What computations of a contract have made for an owner alone, oldest first.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub async fn secrets(
        &self,
        contract: Address,
        owner: Address,
    ) -> Result<Vec<SecretInfo>, ClientError> {
        self.request("quartet_getSecrets", (contract, owner)).await
    }

    /// Reads a secret of the key's owner. All nodes of this client are asked for what they hold, and
    /// of each component two must say the same: give all four, each of them once.
    ///
    /// # Errors
    /// [`ClientError::Secret`] if too few nodes answer or agree; as [`Client::contract`].
    pub async fn read_secret(
        &self,
        key: &UserKey,
        secret: &SecretInfo,
    ) -> Result<Secret, ClientError> {
        let id = secret.id;
        let failed = |why: String| ClientError::Secret { id, why };
        let contract = self.contract(secret.contract).await?;
        let ty = contract.description.inputs.get(secret.input as usize);
        let ty = ty.ok_or_else(|| failed("its contract does not describe its type".into()))?;
        let read_key = ReadKey::random(&mut rand::rng());
        let request = self.sign_request(key, id, &read_key).await?;
        let (mut held, mut asked, mut why) = (Vec::<Components>::new(), HashSet::new(), None);
        for url in self.urls.split(", ") {
            // Nobody has two voices. Whose an answer is, it says itself: that is no reason to believe
            // it, and none to drop another that says so too.
            if !asked.insert(url) {
                continue;
            }
            let node = Self::connect(url)?;
            let answer = node.request("quartet_readSecret", (id, request)).await;
            match answer.and_then(|answer: SecretAnswer| Ok(read_key.open(id, &answer)?)) {
                Ok(components) => held.push(components),
                Err(error) => why = Some(error.to_string()),
            }
            if let Some(value) = read::combine(ty, &held) {
                let ty = ty.clone();
                return Ok(Secret { ty, value });
            }
        }
        let why = why.map(|why| format!("; {why}")).unwrap_or_default();
        Err(failed(format!(
            "{} nodes answered, and no two agree on each part of it: give the URLs of all nodes, or \
             try again{why}",
            held.len()
        )))
    }

    async fn sign_request(
        &self,
        key: &UserKey,
        id: B256,
        read_key: &ReadKey,
    ) -> Result<ReadRequest, ClientError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let expires = now.map_or(0, |now| now.as_secs()) + HOLDS_SECONDS;
        let public_key = read_key.public();
        let digest = read::digest(self.chain_id().await?, id, public_key, expires);
        let signature = key.sign_digest(digest);
        Ok(ReadRequest {
            public_key,
            expires,
            signature,
        })
    }
}
