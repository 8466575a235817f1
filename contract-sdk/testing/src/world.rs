//! One deployed contract with its users, time, state and inputs.

mod faults;
mod others;
mod run;
mod secrets;
mod selection;
mod time;

use std::{marker::PhantomData, rc::Rc};

use alloy_primitives::{Address, Bytes};
use quartet::{
    Contract, Event, Fault, Time,
    abi::Params,
    calls::{Call, Deploy, InputCall, Seen},
    contract::{ContractError, Outcome, Output, Refused},
    host::native,
};
use rand::RngExt;
use wire::{contract::Description, guest::Context, limits};

use self::{faults::Nodes, selection::Opened};
use crate::{
    Mode,
    host::{self, CallHost, Changes, Contracts, Effects, Log, Next, Start},
    mode::mode,
    nodes::Real,
    user,
};

use secrets::Row;

const CHAIN_ID: u64 = 4_004;

/// A contract in a test.
pub struct World<C> {
    description: Description,
    address: Address,
    contracts: Rc<Contracts>,
    timer_failures: Vec<TimerFailure>,
    time: Time,
    block: u64,
    events: Vec<Log>,
    inputs: Vec<Input>,
    started: Vec<Run>,
    seed: Option<u64>,
    nodes: Nodes,
    opened: Vec<Opened>,
    real: Option<Real>,
    contract: PhantomData<C>,
}

/// An input, in ordering order.
struct Input {
    number: u32,
    owner: Address,
    fields: Vec<Vec<u128>>,
    verdict: Verdict,
    group: u64,
    tag: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Pending,
    Accepted,
    Rejected,
    /// It counted until the input at this place was accepted.
    Replaced(usize),
    /// It counts for computations before the one with this index.
    Deleted(usize),
}

/// A computation that was started.
struct Run {
    start: Start,
    /// How many inputs had been ordered.
    inputs: usize,
    /// Whether it may run over its inputs, once that is known.
    judged: Option<Result<(), Fault>>,
    finished: bool,
    /// Its secret results, as far as nothing has taken their place.
    rows: Vec<Row>,
}

pub use time::TimerFailure;

/// An input that is ordered and awaits its verdict.
#[must_use = "accept or reject it"]
pub struct Pending<C, R> {
    place: usize,
    context: Context,
    call: Call<C, R>,
}

impl<C: Contract> World<C> {
    /// Deploys the contract.
    ///
    /// # Errors
    /// The contract's own.
    ///
    /// # Panics
    /// The contract's description is not valid.
    pub fn deploy<R: Outcome>(
        time: Time,
        deployer: Address,
        deployment: &Deploy<C, R>,
    ) -> Result<Self, R::Error> {
        #[expect(clippy::expect_used, reason = "no node would take the contract")]
        let description =
            serde_json::from_str(&C::describe()).expect("the contract's description is not valid");
        let seed = || {
            let given = std::env::var("QUARTET_SEED").ok();
            given.and_then(|seed| seed.parse().ok())
        };
        let mut world = Self {
            description,
            address: user(C::NAME),
            contracts: Rc::default(),
            timer_failures: Vec::new(),
            time,
            block: 1,
            events: Vec::new(),
            inputs: Vec::new(),
            started: Vec::new(),
            seed: (mode() == Mode::Mpc).then(|| seed().unwrap_or_else(|| rand::rng().random())),
            nodes: Nodes::default(),
            opened: Vec::new(),
            real: (mode() == Mode::Nodes).then(|| Real::raise(time)),
            contract: PhantomData,
        };
        if let Some(real) = &world.real {
            let deployed = real.deploy(deployer, (&C::PACKAGE, C::NAME), deployment.arguments());
            world.address = deployed.map_err(|data| error::<R>(&data))?;
            return Ok(world);
        }
        world.add(world.address, C::call);
        let context = world.context(deployer);
        let result = world.enter(host::Mode::Action, context, || {
            C::init(deployment.arguments())
        });
        let (_, effects) = typed::<R>(result)?;
        world.keep(world.address, effects);
        Ok(world)
    }

    /// From now on computations run in clear only, which is faster.
    #[must_use]
    pub const fn in_clear_only(mut self) -> Self {
        self.seed = None;
        self
    }

    /// The contract's address.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.address
    }

    /// What the contract says about itself.
    #[must_use]
    pub const fn description(&self) -> &Description {
        &self.description
    }

    /// Calls an action, in a block of its own.
    ///
    /// # Errors
    /// The contract's own; nothing has changed then.
    pub fn call<R: Outcome>(
        &mut self,
        from: Address,
        call: &Call<C, R>,
    ) -> Result<Seen<R>, R::Error> {
        if let Some(real) = &self.real {
            return seen::<R>(real.call(from, self.address, call.data()));
        }
        self.next_block();
        let context = self.context(from);
        let result = self.enter(host::Mode::Action, context, || C::call(call.data()));
        let (output, effects) = typed::<R>(result)?;
        self.keep(self.address, effects);
        Ok(output)
    }

    /// Calls a view.
    ///
    /// # Errors
    /// The contract's own.
    ///
    /// # Panics
    /// The function changes something.
    pub fn view<R: Outcome>(&self, call: &Call<C, R>) -> Result<Seen<R>, R::Error> {
        if let Some(real) = &self.real {
            return seen::<R>(real.view(self.address, call.data()));
        }
        let context = self.context(Address::ZERO);
        let result = self.enter(host::Mode::View, context, || C::call(call.data()));
        Ok(typed::<R>(result)?.0)
    }

    /// Sends an input, which is ordered and accepted at once.
    ///
    /// # Errors
    /// The contract's own; nothing has changed then.
    pub fn input<R: Outcome>(
        &mut self,
        from: Address,
        call: &InputCall<C, R>,
    ) -> Result<Seen<R>, R::Error> {
        let pending = self.order(from, call)?;
        self.accept(pending)
    }

    /// Orders an input, in a block of its own: the contract runs, and its writes are dropped.
    ///
    /// # Errors
    /// The contract's own.
    pub fn order<R: Outcome>(
        &mut self,
        from: Address,
        call: &InputCall<C, R>,
    ) -> Result<Pending<C, R>, R::Error> {
        if let Some(real) = &self.real {
            let input = (call.number(), call.expose());
            let with_sealed = |sealed| call.sealed(sealed).data().clone();
            let ordered = real.order((from, self.address), input, with_sealed);
            return Ok(Pending {
                place: ordered.map_err(|data| error::<R>(&data))?,
                context: self.context(from),
                call: call.sealed(Bytes::new()),
            });
        }
        self.next_block();
        let context = self.context(from);
        let number = call.number();
        let fields = call.expose().to_vec();
        let call = call.sealed(Bytes::new());
        let place = self.inputs.len();
        typed::<R>(
            self.enter_at(place, host::Mode::Input(number), context, || {
                C::call(call.data())
            }),
        )?;
        self.inputs.push(Input {
            number,
            owner: from,
            fields,
            verdict: Verdict::Pending,
            group: 0,
            tag: 0,
        });
        Ok(Pending {
            place,
            context,
            call,
        })
    }

    /// The nodes have accepted the sealed part: the contract runs for real, as of the block that
    /// ordered the input.
    ///
    /// # Errors
    /// The contract's own; the input is rejected then, and nothing has changed.
    ///
    /// # Panics
    /// An earlier input of the same sender awaits its verdict.
    pub fn accept<R: Outcome>(&mut self, pending: Pending<C, R>) -> Result<Seen<R>, R::Error> {
        if let Some(real) = &self.real {
            return seen::<R>(real.accept(pending.place));
        }
        let Pending {
            place,
            context,
            call,
        } = pending;
        let Input { number, owner, .. } = self.inputs[place];
        assert!(
            !self.inputs[..place]
                .iter()
                .any(|input| input.owner == owner && input.verdict == Verdict::Pending),
            "inputs of one sender are decided in the order in which they were ordered"
        );
        let result = self.enter_at(place, host::Mode::Input(number), context, || {
            C::call(call.data())
        });
        let result = typed::<R>(result);
        self.inputs[place].verdict = if result.is_ok() {
            Verdict::Accepted
        } else {
            Verdict::Rejected
        };
        let (output, effects) = result?;
        self.mark(place, effects.marks);
        self.keep(self.address, effects);
        Ok(output)
    }

    /// The nodes have rejected the sealed part. The contract never hears of it.
    ///
    /// # Panics
    /// On real nodes, which have their own verdict.
    pub fn reject<R: Outcome>(&mut self, pending: Pending<C, R>) {
        self.in_process();
        self.inputs[pending.place].verdict = Verdict::Rejected;
    }

    /// The contract's events of this type, in the order in which they were emitted.
    #[must_use]
    pub fn events<E: Event>(&self) -> Vec<E> {
        self.events_at(self.address)
    }

    /// The L1 beside the real nodes.
    ///
    /// # Panics
    /// The test does not run on real nodes.
    #[cfg(feature = "nodes")]
    #[must_use]
    #[track_caller]
    pub fn l1(&self) -> crate::L1<'_> {
        #[expect(clippy::expect_used, reason = "a mistake in the test")]
        let real = self
            .real
            .as_ref()
            .expect("only real nodes have an L1: put this test under `#[quartet::test(nodes)]`");
        crate::L1 {
            real,
            contract: self.address,
        }
    }

    /// What only a world in this process knows or can do.
    #[track_caller]
    fn in_process(&self) {
        assert!(
            self.real.is_none(),
            "real nodes do not do this: choose the modes of this test by \
             `#[quartet::test(clear, mpc)]`"
        );
    }

    fn context(&self, sender: Address) -> Context {
        Context {
            sender: sender.into_array(),
            contract: self.address.into_array(),
            chain_id: CHAIN_ID,
            block: self.block,
            time: self.time,
        }
    }

    /// Runs an entry point. Its effects are to be kept only if it ends well.
    fn enter<T>(
        &self,
        mode: host::Mode,
        context: Context,
        entry: impl FnOnce() -> Result<T, Refused>,
    ) -> Result<(T, Effects), Refused> {
        self.enter_at(self.inputs.len(), mode, context, entry)
    }

    /// The same, for the input at this place if the entry point takes one.
    fn enter_at<T>(
        &self,
        place: usize,
        mode: host::Mode,
        context: Context,
        entry: impl FnOnce() -> Result<T, Refused>,
    ) -> Result<(T, Effects), Refused> {
        let next = Next {
            input: place as u64,
            computation: self.started.len() as u64,
        };
        let host = Rc::new(CallHost::new(
            mode,
            context,
            Rc::clone(&self.contracts),
            next,
        ));
        let output = native::with(Rc::clone(&host) as _, entry)?;
        let effects = host.take_effects();
        self.check_start(&effects);
        assert!(
            !matches!(mode, host::Mode::Input(_)) || effects.taken,
            "an #[input] function ended well without its input"
        );
        Ok((output, effects))
    }

    /// Makes what the call of a contract did last.
    fn keep(&mut self, address: Address, effects: Effects) {
        let own = Changes {
            writes: effects.writes,
            timers: effects.timers,
        };
        self.change(address, own);
        for (other, changes) in effects.others {
            self.change(other, changes);
        }
        self.events.extend(effects.events);
        for deletion in effects.deletions {
            self.delete(&deletion);
        }
        let inputs = self.inputs.len();
        let run = |start| Run {
            start,
            inputs,
            judged: None,
            finished: false,
            rows: Vec::new(),
        };
        self.started.extend(effects.started.map(run));
    }
}

/// What a call on real nodes gave back, or its error.
fn seen<R: Outcome>(result: Result<Bytes, Bytes>) -> Result<Seen<R>, R::Error> {
    let result = result.map(|output| (output.to_vec(), Effects::default()));
    let (seen, _) = typed::<R>(result.map_err(|data| Refused::Revert(data.into())))?;
    Ok(seen)
}

#[expect(clippy::expect_used, reason = "no author can cause this")]
fn error<R: Outcome>(data: &[u8]) -> R::Error {
    R::Error::decode(data).expect("the error does not decode")
}

/// Decodes what a call gave back, or its error.
#[expect(
    clippy::expect_used,
    clippy::panic,
    reason = "no author can cause this"
)]
fn typed<R: Outcome>(
    result: Result<(Vec<u8>, Effects), Refused>,
) -> Result<(Seen<R>, Effects), R::Error> {
    match result {
        Ok((output, effects)) => {
            let actual = output.len();
            assert!(
                actual <= limits::RETURN_BYTES,
                "bytes returned: {actual}, and at most {} are allowed",
                limits::RETURN_BYTES
            );
            let output = Params::decode(&output).expect("the output does not decode");
            Ok((R::Output::seen(output), effects))
        }
        Err(Refused::Revert(data)) => Err(error::<R>(&data)),
        Err(Refused::BadCall) => panic!("the contract does not know its own call"),
    }
}
