//! What a node needs to take part in an attempt: its shares of the inputs, and its part of the
//! reserve. Whatever is not at hand is got from peers, however long it takes; whoever does not have it
//! in time is left out.

use std::{collections::BTreeMap, ops::Range, sync::Arc, time::Duration};

use alloy_primitives::B256;
use mpc_engine::{
    Amounts, ComponentSeeds, Ending, EngineError, InputCollector, PartyInputs, Program, Ranges,
    ReserveShares, Task,
};
use tokio::sync::oneshot;
use wire::{
    kind::InputType,
    limits::NODES,
    node_transaction::StopReason,
    results::{MASKS, RowPlace},
    sealed::Seed,
};
use zeroize::Zeroizing;
use zk_contract_runtime::{PendingInput, Sharing};

use crate::{
    lots::{LotKeeper, Wanted},
    seeds::{Order, SeedKeeper},
    shares::ShareKeeper,
    storage::{
        lots::Piece,
        seed_box::{HeldSeeds, HeldShares},
    },
};

/// How long to wait until seeds are asked for again.
const PAUSE: Duration = Duration::from_millis(200);

/// A part of a lot that an attempt takes.
#[derive(Clone, Debug)]
pub struct Portion {
    /// Number of the lot.
    pub lot: u64,
    /// How much there is of each material in all of the lot.
    pub amounts: Amounts,
    /// Hashes of the lot's components.
    pub hashes: [B256; NODES],
    /// What of it.
    pub ranges: Ranges,
}

/// What an attempt needs.
pub enum Needs {
    /// To compute.
    Compute {
        /// What to run.
        program: Arc<Program>,
        /// The inputs in ordering order: id, number of the type, and what the log has of them.
        inputs: Vec<(B256, u32, PendingInput)>,
        /// The input types that it reads, by number.
        types: Vec<(u32, InputType)>,
        /// The seed of a random result.
        seed: Option<Box<Portion>>,
        /// What a computation by three takes of the reserve; none for one by four.
        reserve: Option<Vec<Portion>>,
    },
    /// To share these inputs anew.
    Refresh {
        /// Id, and what the log has of them.
        inputs: Vec<(B256, PendingInput)>,
    },
    /// To make a lot.
    Produce {
        /// How much of each material.
        amounts: Amounts,
    },
}

/// What an attempt needs, once it is there.
pub struct Supplied {
    /// What to run.
    pub task: Task,
    /// What the masks of secret results follow from, if there are any.
    pub bases: Option<Bases>,
}

/// The base seeds that this node holds of the secret results of a computation.
#[derive(Debug)]
pub struct Bases {
    /// By component.
    pub seeds: HeldSeeds,
    /// The key epoch in which they are made.
    pub epoch: u64,
}

impl From<Task> for Supplied {
    fn from(task: Task) -> Self {
        let bases = None;
        Self { task, bases }
    }
}

/// Where it comes from.
#[derive(Clone, Debug)]
pub struct Supplies {
    /// Party number of this node.
    pub me: u8,
    /// The job.
    pub job: B256,
    /// The keeper of seeds.
    pub seeds: SeedKeeper,
    /// The keeper of lots.
    pub lots: LotKeeper,
    /// The keeper of components.
    pub shares: ShareKeeper,
    /// The sharing that counts.
    pub sharing: Sharing,
    /// How long to try to get seeds before they are asked for anew.
    pub patience: Duration,
}

impl Supplies {
    /// Gets all that an attempt needs.
    ///
    /// # Errors
    /// [`StopReason::Local`] if what the log has makes no sense to this node.
    pub async fn get(self, needs: Needs) -> Result<Supplied, StopReason> {
        let nonsense = |error: EngineError| {
            tracing::error!(%error, "what an attempt needs does not fit together");
            StopReason::Local
        };
        match needs {
            Needs::Produce { amounts } => Ok(Task::Produce { amounts }.into()),
            Needs::Refresh { inputs } => {
                let inputs: Vec<_> = inputs.into_iter().map(|(id, p)| (id, 0, p)).collect();
                self.held(&inputs).await;
                self.shares(&inputs).await;
                Ok(Task::Toss.into())
            }
            Needs::Compute {
                program,
                inputs,
                types,
                seed,
                reserve,
            } => {
                let seeds = match seed {
                    Some(portion) => Some(self.component_seeds(&portion).await.map_err(nonsense)?),
                    None => None,
                };
                let reserve = match reserve {
                    Some(portions) => Some(self.reserve(&portions).await.map_err(nonsense)?),
                    None => None,
                };
                let seeds_held = self.held(&inputs).await;
                let shares_held = self.shares(&inputs).await;
                let bases = seeds.as_ref().map(ComponentSeeds::results);
                let bases = bases.filter(|_| program.has_secret_results());
                let held = (seeds_held, shares_held, bases.as_ref());
                let shares = self.collect(&program, &types, &inputs, held);
                let task = Task::Compute {
                    inputs: shares.map_err(nonsense)?,
                    seeds: seeds.filter(|_| program.is_random()),
                    program,
                    reserve,
                    ending: Ending::Commit,
                };
                let epoch = self.sharing.epoch;
                let bases = bases.map(|seeds| Bases { seeds, epoch });
                Ok(Supplied { task, bases })
            }
        }
    }

    /// Whether an input is shared anew.
    const fn is_anew(&self, pending: &PendingInput) -> bool {
        pending.binding.key_epoch < self.sharing.epoch
    }

    /// The seeds of inputs that are shared as their clients did, in their order.
    async fn held(&self, inputs: &[(B256, u32, PendingInput)]) -> Vec<HeldSeeds> {
        let inputs = inputs.iter().filter(|(_, _, p)| !self.is_anew(p));
        let inputs: Vec<_> = inputs.map(|(id, _, p)| (p.seeds_id(*id), p)).collect();
        // Rows of one computation have their seeds in common.
        let ids: BTreeMap<B256, &PendingInput> = inputs.iter().copied().collect();
        let ids: Vec<_> = ids.into_iter().map(|(id, p)| (id, p.clone())).collect();
        loop {
            let (answer, seeds) = oneshot::channel();
            let collect = Order::Collect {
                inputs: ids.clone(),
                patience: self.patience,
                answer,
            };
            if self.seeds.order(collect)
                && let Ok(seeds) = seeds.await
                && let Some(all) = seeds.into_iter().collect::<Option<Vec<HeldSeeds>>>()
            {
                let kept: BTreeMap<B256, HeldSeeds> =
                    ids.iter().map(|(id, _)| *id).zip(all).collect();
                let seeds = inputs.iter().map(|(id, pending)| {
                    let kept = kept.get(id);
                    kept.map(|kept| pending.seeds(kept)).unwrap_or_default()
                });
                return seeds.collect();
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The components of inputs that are shared anew, with what proves them, in their order.
    async fn shares(&self, inputs: &[(B256, u32, PendingInput)]) -> Vec<HeldShares> {
        let inputs = inputs.iter().filter(|(_, _, p)| self.is_anew(p));
        let inputs: Vec<_> = inputs
            .map(|(id, _, p)| (*id, p.input_type.bytes()))
            .collect();
        if inputs.is_empty() {
            return Vec::new();
        }
        loop {
            let store = self.shares.store();
            let held = inputs.iter().map(|(id, _)| store.get(&self.sharing, *id));
            if let Some(held) = held.collect() {
                return held;
            }
            tracing::info!("an attempt waits for shares of inputs");
            self.shares.hold(self.sharing, inputs.clone()).await;
        }
    }

    fn collect(
        &self,
        program: &Program,
        types: &[(u32, InputType)],
        inputs: &[(B256, u32, PendingInput)],
        (seeds, shares, bases): (Vec<HeldSeeds>, Vec<HeldShares>, Option<&HeldSeeds>),
    ) -> Result<PartyInputs, EngineError> {
        let mut collector = InputCollector::new(self.me, program, types)?;
        let (mut seeds, mut shares) = (seeds.into_iter(), shares.into_iter());
        for (_, input_type, pending) in inputs {
            if self.is_anew(pending) {
                let held = shares.next().unwrap_or_default();
                let length = pending.input_type.bytes();
                let bytes = slices(&held).map(|proven| proven?.get(..length));
                collector.push_components(*input_type, bytes)?;
            } else {
                let held = seeds.next().unwrap_or_default();
                collector.push(*input_type, &pending.sealed.masked, &held)?;
            }
        }
        if let Some(bases) = bases {
            self.masks(&mut collector, program, types, bases)?;
        }
        collector.finish()
    }

    /// The masks of secret results: inputs of zero, with seeds that follow from the base seeds.
    fn masks(
        &self,
        collector: &mut InputCollector,
        program: &Program,
        types: &[(u32, InputType)],
        bases: &HeldSeeds,
    ) -> Result<(), EngineError> {
        let masks = types.iter().filter(|(number, _)| *number >= MASKS);
        let rows = program.result_rows(masks.clone().count());
        for ((result, (number, ty)), rows) in (0..).zip(masks).zip(rows) {
            let zero = vec![0; ty.bytes()];
            for row in 0..u32::try_from(rows).unwrap_or(u32::MAX) {
                let place = RowPlace {
                    computation: self.job,
                    result,
                    row,
                };
                let seed = |base: &Option<Seed>| base.as_ref().map(|base| place.seed(base));
                collector.push(*number, &zero, &bases.each_ref().map(seed))?;
            }
        }
        Ok(())
    }

    async fn component_seeds(&self, portion: &Portion) -> Result<ComponentSeeds, EngineError> {
        let range = portion.amounts.seed_range(portion.ranges.seeds.start);
        let components = self.read(portion, &[range]).await;
        ComponentSeeds::new(self.me, slices(&components))
    }

    async fn reserve(&self, portions: &[Portion]) -> Result<ReserveShares, EngineError> {
        let mut shares = ReserveShares::new(self.me);
        for portion in portions {
            let byte_ranges = portion.amounts.byte_ranges(&portion.ranges);
            let components = self.read(portion, &byte_ranges).await;
            shares.push(&portion.amounts, &portion.ranges, slices(&components))?;
        }
        Ok(shares)
    }

    /// These bytes of each component of a lot that this node holds.
    async fn read(&self, portion: &Portion, byte_ranges: &[Range<u64>]) -> Components {
        let mut components = [const { None }; NODES];
        let pieces = (0..).zip(&mut components).zip(portion.hashes);
        for ((component, place), hash) in pieces.filter(|((c, _), _)| *c != self.me) {
            let want = Wanted {
                piece: Piece {
                    lot: portion.lot,
                    component,
                },
                hash,
                length: portion.amounts.component_bytes() as u64,
            };
            *place = Some(self.read_piece(want, byte_ranges).await);
        }
        components
    }

    async fn read_piece(&self, want: Wanted, byte_ranges: &[Range<u64>]) -> Zeroizing<Vec<u8>> {
        loop {
            let (store, ranges) = (self.lots.store().clone(), byte_ranges.to_vec());
            let reading = tokio::task::spawn_blocking(move || {
                let total = ranges
                    .iter()
                    .map(|range| range.end - range.start)
                    .sum::<u64>();
                let room = usize::try_from(total).ok()?;
                let mut bytes = Zeroizing::new(Vec::with_capacity(room));
                for range in ranges {
                    bytes.extend_from_slice(&store.read(want.piece, want.hash, range)?);
                }
                Some(bytes)
            });
            if let Ok(Some(bytes)) = reading.await {
                return bytes;
            }
            tracing::info!(
                lot = want.piece.lot,
                component = want.piece.component,
                "an attempt waits for a part of the reserve"
            );
            self.lots.hold(vec![want]).await;
        }
    }
}

/// Bytes by component.
type Components = [Option<Zeroizing<Vec<u8>>>; NODES];

fn slices(components: &Components) -> [Option<&[u8]>; NODES] {
    components
        .each_ref()
        .map(|c| c.as_ref().map(|c| c.as_slice()))
}
