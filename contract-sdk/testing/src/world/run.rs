//! Computations of a [`World`]: from the frozen set of inputs to the contract's callback.

use std::rc::Rc;

use alloy_primitives::{Address, B256};
use mpc_engine::{Explanation, Program, encode_opened};
use quartet::{
    Contract, Fault, Started,
    contract::{Computation, Public, Refused},
    host::native,
};

use super::{Run, World};
use crate::{
    host::{CallHost, Mode},
    trace::{self, Inputs, Traced, Tracing},
};

impl<C: Contract> World<C> {
    /// The program of a computation, as the nodes would run it: its plan says what it costs.
    ///
    /// # Panics
    /// This is on real nodes, which do not tell. An input that was ordered before the computation started awaits its verdict, or the
    /// computation is not valid.
    #[must_use]
    pub fn program<P: Computation>(&self, started: Started<P>) -> Program {
        self.trace(started, &self.inputs_of(started)).program
    }

    /// What a computation does and costs: its operations, with the rounds and the bytes that each
    /// takes, and its rounds, with the bytes that each sends and a node holds. Print it to read it.
    ///
    /// ```
    /// # #[quartet::contract]
    /// # mod guess {
    /// #     use quartet::prelude::*;
    /// #     #[state]
    /// #     pub struct Game {}
    /// #     #[derive(SecretInput)]
    /// #     pub struct Guess { pub number: Secret<u16> }
    /// #     #[input]
    /// #     fn guess(_s: &mut Game, _guess: Sealed<Guess>) {}
    /// #     #[action]
    /// #     fn close(_s: &mut Game) -> Start<highest> { Start::with_context(B256::ZERO) }
    /// #     #[compute]
    /// #     fn highest(guesses: SecretVec<Guess>) -> Secret<u16> { guesses.number.maximum() }
    /// # }
    /// # use contract_testing::{World, user};
    /// # use guess::{Guess, calls};
    /// # let Ok(mut game) = World::deploy(100, user("host"), &calls::deploy());
    /// # for number in [40_000, 50_000] {
    /// #     game.input(user("ada"), &calls::guess(&Guess::plain(number))).unwrap();
    /// # }
    /// let started = game.call(user("ada"), &calls::close()).unwrap();
    /// let explanation = game.explain(started);
    /// println!("{explanation}");
    /// assert!(explanation.plan.rounds < 20, "{explanation}");
    /// ```
    ///
    /// # Panics
    /// See [`World::program`].
    #[must_use]
    pub fn explain<P: Computation>(&self, started: Started<P>) -> Explanation {
        self.program(started).explain()
    }

    /// The 32 bytes that the contract put into a computation's attestation.
    ///
    /// # Panics
    /// The computation was started in another world.
    #[must_use]
    pub fn context_of<P: Computation>(&self, started: Started<P>) -> B256 {
        if let Some(real) = &self.real {
            return real.context_of(self.address, started.index);
        }
        self.run_of(started).start.options.context
    }

    /// Runs a computation to its end: in clear and on four parties, through the contract's own
    /// encoding, to its `#[attested]` function.
    ///
    /// # Panics
    /// See [`World::program`]. It may not run over its inputs, the two results differ, the
    /// computation has ended before, or the `#[attested]` function refuses.
    pub fn run<P: Computation>(&mut self, started: Started<P>) -> P::Output {
        #[expect(clippy::panic, reason = "a test that expects this calls try_run")]
        self.try_run(started)
            .unwrap_or_else(|fault| panic!("the computation fails: {fault:?}"))
    }

    /// The same of a computation that may have too few inputs, or almost those of an earlier one.
    ///
    /// # Errors
    /// [`Fault::TooFewInputs`] and [`Fault::TooClose`]; the contract's `#[failed]` function has run.
    ///
    /// # Panics
    /// Otherwise as [`World::run`].
    pub fn try_run<P: Computation>(&mut self, started: Started<P>) -> Result<P::Output, Fault> {
        if let Some(real) = &self.real {
            let output = real.finish(self.address, started.index)?;
            return Ok(decoded::<P>(&output));
        }
        let inputs = self.inputs_of(started);
        self.judge(started.index as usize);
        if let Some(Err(fault)) = self.run_of(started).judged {
            self.fail(started, fault);
            return Err(fault);
        }
        let traced = self.trace(started, &inputs);
        let columns = trace::columns(&traced.program, &inputs, self.seed.unwrap_or_default());
        let opened = self.open(started.index, &traced.program, &columns);
        let output = self.encode::<P>(&traced.program, &opened);
        self.keep_results(started, &traced, (&opened, &columns));
        self.delete_after(started);
        self.end(started, || C::attested(P::NUMBER, started.index, &output));
        Ok(decoded::<P>(&output))
    }

    /// Lets a computation fail: the contract's `#[failed]` function runs.
    ///
    /// # Panics
    /// This is on real nodes, which fail none at will. The computation has ended before, or the `#[failed]` function refuses.
    pub fn fail<P: Computation>(&mut self, started: Started<P>, fault: Fault) {
        self.end(started, || C::failed(P::NUMBER, started.index, fault));
    }

    /// What the parties open, in the presence of nodes that fail. Each computation has randomness of
    /// its own.
    fn open(&mut self, index: u64, program: &Program, columns: &[Vec<u128>]) -> Vec<Vec<u128>> {
        let Some(seed) = self.seed else {
            self.nodes.blame_liar();
            return trace::in_clear(program, columns);
        };
        let ran = trace::on_parties(program, columns, (seed, index), self.nodes.faults());
        self.nodes.blame(&ran.suspected);
        ran.opened
    }

    pub(super) fn run_of<P: Computation>(&self, started: Started<P>) -> &Run {
        self.in_process();
        let run = usize::try_from(started.index)
            .ok()
            .and_then(|index| self.started.get(index));
        let run = run.filter(|run| run.start.computation == P::NUMBER);
        #[expect(clippy::expect_used, reason = "a mistake in the test")]
        run.expect("this world has not started such a computation")
    }

    /// The inputs that a computation reads.
    fn inputs_of<P: Computation>(&self, started: Started<P>) -> Inputs {
        let of_type = |number: u32| (number, self.rows_of(started, number));
        P::INPUTS.iter().map(|number| of_type(*number)).collect()
    }

    fn trace<P: Computation>(&self, started: Started<P>, inputs: &Inputs) -> Traced {
        let start = &self.run_of(started).start;
        let results: Vec<u32> = P::SECRETS.iter().map(|(_, number)| *number).collect();
        let tracing = Tracing::new(self.description.inputs.clone(), &results, inputs);
        let context = self.context(Address::ZERO);
        let host = Rc::new(CallHost::tracing(context, tracing));
        let result = native::with(Rc::clone(&host) as _, || {
            C::compute(P::NUMBER, &start.options.arguments)
        });
        assert_eq!(
            result,
            Ok(()),
            "the contract does not know its own computation"
        );
        #[expect(clippy::expect_used, reason = "nobody else takes it")]
        host.take_tracing().expect("a program was made").finish()
    }

    /// What the contract makes of the opened values.
    #[expect(clippy::expect_used, reason = "no author can cause this")]
    fn encode<P: Computation>(&self, program: &Program, opened: &[Vec<u128>]) -> Vec<u8> {
        let masked = program
            .columns()
            .iter()
            .filter(|column| column.is_mask())
            .count();
        let outputs = program.outputs();
        let open = outputs[..outputs.len() - masked].iter();
        let length: usize = open.map(|(kind, len)| kind.bytes(*len)).sum();
        let mut opened = encode_opened(program, opened).expect("what was opened fits its program");
        opened.truncate(length);
        let context = self.context(Address::ZERO);
        let entry = || C::encode(P::NUMBER, &opened);
        self.enter(Mode::View, context, entry)
            .expect("what was opened is not what is revealed")
            .0
    }

    fn end<P: Computation>(
        &mut self,
        started: Started<P>,
        callback: impl FnOnce() -> Result<(), Refused>,
    ) {
        assert!(!self.run_of(started).finished, "the computation has ended");
        self.block += 1;
        let context = self.context(Address::ZERO);
        let result = self.enter(Mode::Action, context, callback);
        #[expect(clippy::panic, reason = "a callback that refuses loses the result")]
        let ((), effects) = result.unwrap_or_else(|refused| {
            panic!("the contract refused the end of its own computation: {refused:?}")
        });
        self.started[started.index as usize].finished = true;
        self.keep(self.address, effects);
        self.fire_due();
    }
}

fn decoded<P: Computation>(output: &[u8]) -> P::Output {
    #[expect(clippy::expect_used, reason = "it was encoded from this type")]
    P::Output::decode(output).expect("an output decodes")
}
