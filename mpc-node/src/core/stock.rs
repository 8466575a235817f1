//! What this node has to have at hand: lots of the reserve, and seeds.

use std::{collections::BTreeSet, time::Duration};

use zk_contract_runtime::{JobTask, Runtime};

use super::{Happening, Running, epochs::shared_anew};
use crate::{
    lots::{Order, Wanted},
    storage::lots::Piece,
};

/// Longest time that this node tries to get what it lacks before it is back: four nodes can compute
/// without their reserve.
const PATIENCE: Duration = Duration::from_secs(120);

impl Running {
    /// Sees to it that a lot is here.
    pub(super) fn keep_lot(&self, lot: u64) {
        let pieces = {
            let state = self.core.shared.read();
            pieces(state.runtime(), self.core.workers.membership.me, lot)
        };
        let order = Order::Hold {
            pieces,
            answer: None,
        };
        if !self.core.lots.order(order) {
            tracing::error!(lot, "the keeper of lots takes no orders");
        }
    }

    /// Forgets the lots of which nothing can be asked any more: up to the newest in the log, and to
    /// the one that was dropped.
    pub(super) fn forget_lots(&self, dropped: Option<u64>) {
        let lots = {
            let state = self.core.shared.read();
            wanted_lots(state.runtime())
        };
        let Some(newest) = lots.last().copied().max(dropped) else {
            return;
        };
        if !self.core.lots.order(Order::Retain { lots, newest }) {
            tracing::error!("the keeper of lots takes no orders");
        }
    }

    /// Gets whatever this node lacks of lots and seeds, in the background, and tells.
    pub(super) fn take_stock(&self) {
        let (me, core) = (self.core.workers.membership.me, &self.core);
        let (pieces, sharing, inputs) = {
            let state = core.shared.read();
            let runtime = state.runtime();
            let lots = wanted_lots(runtime).into_iter();
            let pieces = lots.flat_map(|lot| pieces(runtime, me, lot)).collect();
            (pieces, runtime.sharing(), shared_anew(runtime))
        };
        let (lots, seeds) = (core.lots.clone(), core.seeds.clone());
        let shares = core.shares.clone();
        let happenings = self.happenings.clone();
        core.workers.runtime.spawn(async move {
            let all = async {
                shares.hold(sharing, inputs).await;
                lots.hold(pieces).await;
                seeds.settled().await;
            };
            if tokio::time::timeout(PATIENCE, all).await.is_err() {
                tracing::warn!("this node is back without a part of the reserve");
            }
            let _ = happenings.send(Happening::Stocked).await;
        });
    }
}

/// The components of a lot that this node holds, as the log has them.
fn pieces(runtime: &Runtime, me: u8, lot: u64) -> Vec<Wanted> {
    let Some(info) = runtime.lot(lot) else {
        return Vec::new();
    };
    let components = (0..).zip(info.hashes).filter(|(c, _)| *c != me);
    let wanted = components.map(|(component, hash)| Wanted {
        piece: Piece { lot, component },
        hash,
        length: info.amounts.component_bytes() as u64,
    });
    wanted.collect()
}

/// The lots of which something can still be asked: those in the log, and the one that is being made.
fn wanted_lots(runtime: &Runtime) -> BTreeSet<u64> {
    let mut lots: BTreeSet<u64> = runtime.lots().keys().copied().collect();
    let jobs = runtime.jobs().into_iter();
    for job in jobs.filter_map(|id| runtime.job(id)) {
        if let JobTask::Produce { lot, .. } = job.task {
            lots.insert(lot);
        }
    }
    lots
}
