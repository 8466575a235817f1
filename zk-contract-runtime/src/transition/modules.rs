//! Compiled modules, each once, by the hash of their code.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use alloy_primitives::{B256, Bytes, keccak256};

use crate::{HostFault, ModuleError, sandbox::Compiled};

/// Modules kept that were tried and are not deployed.
const TRIED: usize = 4;

/// The cache. What it holds changes speed only, never an outcome.
#[derive(Default)]
pub(crate) struct Modules {
    deployed: BTreeMap<B256, Arc<Compiled>>,
    tried: Mutex<VecDeque<Arc<Compiled>>>,
}

impl Modules {
    /// The module with this code, from the cache or made anew.
    ///
    /// # Errors
    /// The inner error is the module's fault, the outer one this machine's.
    pub(crate) fn get(
        &self,
        code: &Bytes,
    ) -> Result<Result<Arc<Compiled>, ModuleError>, HostFault> {
        let hash = keccak256(code);
        if let Some(compiled) = self.deployed.get(&hash) {
            return Ok(Ok(Arc::clone(compiled)));
        }
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(compiled) = tried.iter().find(|c| c.code_hash == hash) {
            return Ok(Ok(Arc::clone(compiled)));
        }
        Ok(Compiled::new(code)?.map(|compiled| {
            let compiled = Arc::new(compiled);
            tried.truncate(TRIED - 1);
            tried.push_front(Arc::clone(&compiled));
            compiled
        }))
    }

    /// Keeps a module for good: a contract has it.
    pub(crate) fn keep(&mut self, compiled: &Arc<Compiled>) {
        self.deployed
            .insert(compiled.code_hash, Arc::clone(compiled));
    }
}
