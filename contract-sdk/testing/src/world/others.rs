//! Other contracts in the same [`World`], which the contract calls.

use std::rc::Rc;

use alloy_primitives::Address;
use quartet::{
    Contract, Event,
    calls::{Call, Deploy, Seen},
    contract::{Outcome, Refused},
};
use wire::guest::Context;

use super::{World, error, seen, typed};
use crate::{
    host::{Changes, Deployed, Mode},
    user,
};

impl<C: Contract> World<C> {
    /// Deploys another contract beside the world's own, in a block of its own, and returns its
    /// address. Its functions can be called by [`World::call_at`] and by contracts; its computations
    /// are tested in a world of its own.
    ///
    /// # Errors
    /// The contract's own.
    pub fn deploy_beside<D: Contract, R: Outcome>(
        &mut self,
        deployer: Address,
        deployment: &Deploy<D, R>,
    ) -> Result<Address, R::Error> {
        if let Some(real) = &self.real {
            let deployed = real.deploy(deployer, (&D::PACKAGE, D::NAME), deployment.arguments());
            return deployed.map_err(|data| error::<R>(&data));
        }
        self.next_block();
        let mut address = user(D::NAME);
        while self.contracts.contains_key(&address) {
            address = user(&address.to_string());
        }
        self.add(address, D::call);
        let context = self.context_of_call(address, deployer);
        let result = self.enter(Mode::Nested, context, || D::init(deployment.arguments()));
        match typed::<R>(result) {
            Ok((_, effects)) => {
                self.keep(address, effects);
                Ok(address)
            }
            Err(error) => {
                Rc::make_mut(&mut self.contracts).remove(&address);
                Err(error)
            }
        }
    }

    /// Calls an action of the contract at this address, in a block of its own.
    ///
    /// # Errors
    /// The contract's own; nothing has changed then.
    ///
    /// # Panics
    /// There is no such contract, or it starts a computation and is not the world's own.
    pub fn call_at<D: Contract, R: Outcome>(
        &mut self,
        address: Address,
        from: Address,
        call: &Call<D, R>,
    ) -> Result<Seen<R>, R::Error> {
        if let Some(real) = &self.real {
            return seen::<R>(real.call(from, address, call.data()));
        }
        self.next_block();
        let context = self.context_of_call(address, from);
        let result = self.enter(self.mode_of(address), context, || D::call(call.data()));
        let (output, effects) = typed::<R>(result)?;
        self.keep(address, effects);
        Ok(output)
    }

    /// Calls a view of the contract at this address.
    ///
    /// # Errors
    /// The contract's own.
    ///
    /// # Panics
    /// There is no such contract, or the function changes something.
    pub fn view_at<D: Contract, R: Outcome>(
        &self,
        address: Address,
        call: &Call<D, R>,
    ) -> Result<Seen<R>, R::Error> {
        if let Some(real) = &self.real {
            return seen::<R>(real.view(address, call.data()));
        }
        let context = self.context_of_call(address, Address::ZERO);
        let result = self.enter(Mode::View, context, || D::call(call.data()));
        Ok(typed::<R>(result)?.0)
    }

    /// The events of this type of the contract at this address, in the order in which they were
    /// emitted.
    #[must_use]
    pub fn events_at<E: Event>(&self, address: Address) -> Vec<E> {
        let real = self.real.as_ref().map(|real| real.events(address));
        let events = real.as_ref().unwrap_or(&self.events);
        events
            .iter()
            .filter(|log| log.contract == address)
            .filter_map(|log| E::decode(&log.topics, &log.data))
            .collect()
    }

    /// Puts a contract without state at an address.
    pub(super) fn add(&mut self, address: Address, call: fn(&[u8]) -> Result<Vec<u8>, Refused>) {
        let deployed = Deployed {
            call,
            storage: Rc::default(),
            timers: Default::default(),
        };
        Rc::make_mut(&mut self.contracts).insert(address, deployed);
    }

    /// Makes changes of a contract last.
    pub(super) fn change(&mut self, address: Address, changes: Changes) {
        let contracts = Rc::make_mut(&mut self.contracts);
        let Some(contract) = contracts.get_mut(&address) else {
            return;
        };
        let storage = Rc::make_mut(&mut contract.storage);
        for (key, value) in changes.writes {
            match value {
                Some(value) => storage.insert(key, value),
                None => storage.remove(&key),
            };
        }
        if let Some(timers) = changes.timers {
            contract.timers = timers;
        }
    }

    /// What a call from outside of a contract may do.
    pub(super) fn mode_of(&self, address: Address) -> Mode {
        if address == self.address {
            Mode::Action
        } else {
            Mode::Nested
        }
    }

    /// The context of a call of a contract.
    pub(super) fn context_of_call(&self, address: Address, sender: Address) -> Context {
        Context {
            contract: address.into_array(),
            ..self.context(sender)
        }
    }
}
