//! Key epochs: keys that are drawn, and what is erased when an epoch is over.

use alloy_primitives::B256;
use ordering::Input;
use zk_contract_runtime::Runtime;

use super::Running;
use crate::{NodeError, seeds};

impl Running {
    /// Sees to it that this node has a sealing key for an epoch, and says it.
    pub(super) fn draw_seal_key(&mut self, epoch: u64) -> Result<(), NodeError> {
        let wanted = {
            let state = self.core.shared.read();
            let me = self.core.workers.membership.me;
            state.runtime().wants_seal_key(me)
        };
        if wanted == Some(epoch)
            && let Some(keys) = self.core.epochs.obtain(epoch)?
        {
            let key = keys.seal.public();
            self.answers.push_back(Input::SealKeyDrawn { epoch, key });
        }
        Ok(())
    }

    /// Erases what belongs to key epochs that are over, and gets what this node lacks of the sharing
    /// that counts.
    pub(super) fn erase_epochs(&self) -> Result<(), NodeError> {
        let core = &self.core;
        let (sharing, inputs) = {
            let state = core.shared.read();
            (state.runtime().sharing(), shared_anew(state.runtime()))
        };
        if let Err(error) = core.epochs.erase_before(sharing.epoch) {
            tracing::error!(%error, "the keys of a key epoch cannot be erased: remove the file");
        }
        core.shares.store().keep_only(&sharing)?;
        core.derived.forget_before(sharing.epoch)?;
        core.workers.results.forget_before(sharing.epoch)?;
        core.seeds.order(seeds::Order::ForgetOld);
        tracing::info!(
            epoch = sharing.epoch,
            inputs = inputs.len(),
            "the inputs are shared anew, and what belonged to earlier key epochs is erased"
        );
        let keeper = core.shares.clone();
        core.workers
            .runtime
            .spawn(async move { keeper.hold(sharing, inputs).await });
        Ok(())
    }
}

/// The inputs of which components are kept, and how long each component is.
pub(crate) fn shared_anew(runtime: &Runtime) -> Vec<(B256, usize)> {
    let ids = runtime.inputs_before(runtime.sharing().epoch).into_iter();
    let length = |id: B256| Some((id, runtime.pending_input(id)?.input_type.bytes()));
    ids.filter_map(length).collect()
}
