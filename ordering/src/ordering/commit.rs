//! A decided block is stored, applied, and answered.

use wire::consensus::{CommitCertificate, DecidedBlock};
use zk_contract_runtime::CheckedBlock;

use super::{Ordering, agree::Height};
use crate::Effect;

impl Ordering {
    /// The height is decided. Should the block have been dropped meanwhile, peers have it.
    pub(super) fn decided(&mut self, certificate: CommitCertificate) {
        self.engine.stop();
        match self.height.blocks.remove(&certificate.block) {
            Some(candidate) => {
                let block = candidate.bytes;
                self.commit(candidate.checked, DecidedBlock { block, certificate });
            }
            None => {
                self.height.undelivered = Some(certificate);
                self.ask_all();
            }
        }
    }

    /// Stores and applies a block that follows the head, and whose certificate holds.
    pub(super) fn commit(&mut self, checked: CheckedBlock, decided: DecidedBlock) {
        self.engine.stop();
        self.effects.push(Effect::AppendBlock(decided));
        if self.height.wal_used {
            self.effects.push(Effect::ResetWal);
        }
        let block = checked.block().clone();
        let transactions = checked.transactions().iter();
        let included: Vec<_> = transactions.map(|tx| (tx.hash, tx.sender)).collect();
        let offset_ms = self.runtime.time_offset_ms();
        let applied = match self.runtime.apply(checked) {
            Ok(applied) => applied,
            Err(fault) => return self.halt(fault.into()),
        };
        self.height = Height::default();
        self.height.time_moved = self.runtime.time_offset_ms() != offset_ms;
        let runtime = &self.runtime;
        self.mempool
            .prune(included.into_iter(), |sender| runtime.nonce(sender));
        self.note_said(&block.node_transactions);
        self.drop_stale();
        self.pace.committed();
        self.effects.push(Effect::Applied(applied.clone(), block));
        self.on_events(&applied.events);
    }
}
