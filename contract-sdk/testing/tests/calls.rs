//! Contracts that call one another.

use contract_testing::{World, user};
use quartet::{Message, alloy_primitives::U256};

/// What is called.
#[quartet::contract]
mod token {
    use quartet::prelude::*;

    #[state]
    pub struct Token {
        balances: Map<Address, U256>,
        fees: Time,
        charged: u64,
    }

    #[event]
    pub struct Transfer {
        pub from: Address,
        pub to: Address,
        pub amount: U256,
    }

    #[error]
    pub enum TokenError {
        Insufficient { balance: U256 },
    }

    #[init]
    fn mint(s: &mut Token, ctx: &Ctx, amount: U256) {
        s.balances.insert(&ctx.sender, &amount);
        s.fees = 500;
    }

    #[action]
    fn transfer(s: &mut Token, ctx: &Ctx, to: Address, amount: U256) -> Result<bool> {
        let balance = s.balances.get(&ctx.sender).unwrap_or_default();
        let of_other = s.balances.get(&to).unwrap_or_default();
        s.balances.insert(&to, &(of_other + amount));
        Transfer {
            from: ctx.sender,
            to,
            amount,
        }
        .emit();
        ensure!(amount <= balance, TokenError::Insufficient { balance });
        s.balances.insert(&ctx.sender, &(balance - amount));
        Ok(true)
    }

    #[action]
    #[at(fees)]
    fn pay_fees(s: &mut Token) {
        s.charged += 1;
    }

    #[view]
    fn charged(s: &Token) -> u64 {
        s.charged
    }

    #[view]
    fn balance_of(s: &Token, owner: Address) -> U256 {
        s.balances.get(&owner).unwrap_or_default()
    }
}

/// What calls it.
#[quartet::contract]
mod shop {
    use quartet::prelude::*;

    use super::token::TokenError;

    /// The token that the shop takes.
    #[quartet::interface]
    pub trait Token {
        /// How much somebody has.
        fn balance_of(owner: Address) -> U256;
        fn transfer(to: Address, amount: U256) -> bool;
        fn missing();
        #[allow(non_snake_case, reason = "as the other contract names it")]
        fn payFees() -> U256;
    }

    #[quartet::interface]
    trait Shop {
        fn visit(shop: Address);
        fn pay_out(to: Address, amount: U256) -> U256;
    }

    #[state]
    pub struct Store {
        token: Address,
        paid: U256,
        visits: u64,
    }

    #[event]
    pub struct Paid {
        pub left: U256,
    }

    #[init]
    fn open(s: &mut Store, token: Address) {
        s.token = token;
    }

    #[action]
    fn pay_out(s: &mut Store, ctx: &Ctx, to: Address, amount: U256) -> Result<U256> {
        let token = Token::at(s.token);
        s.paid += amount;
        ensure!(token.transfer(to, amount)?, "not transferred");
        let left = token.balance_of(ctx.contract)?;
        Paid { left }.emit();
        ensure!(left != U256::from(13), "unlucky");
        Ok(left)
    }

    /// Tries, and says what the token has said.
    #[action]
    fn try_out(s: &mut Store, to: Address, amount: U256) -> (U256, Option<U256>) {
        let token = Token::at(s.token);
        let refused = token.transfer(to, amount).err();
        let refusal = refused.and_then(|error| error.refusal());
        let balance = refusal.map(|TokenError::Insufficient { balance }| balance);
        (token.balance_of(to).unwrap_or_default(), balance)
    }

    #[action]
    fn errors(s: &mut Store, ctx: &Ctx, shop: Address) -> Vec<u8> {
        let code = |error: Option<CallError>| match error {
            None => 0,
            Some(CallError::Refused(_)) => 1,
            Some(CallError::Absent) => 2,
            Some(CallError::Reenters) => 3,
            Some(CallError::TooDeep) => 4,
            Some(CallError::Failed) => 5,
            Some(CallError::BadOutput) => 6,
        };
        vec![
            code(Token::at(s.token).missing().err()),
            code(Token::at(Address::ZERO).balance_of(ctx.sender).err()),
            code(Shop::at(ctx.contract).visit(shop).err()),
            code(Shop::at(shop).visit(ctx.contract).err()),
            code(Shop::at(shop).visit(shop).err()),
            code(Shop::at(shop).visit(s.token).err()),
            code(Token::at(s.token).payFees().err()),
        ]
    }

    /// Visits a shop, which must let itself be visited.
    #[action]
    fn visit(s: &mut Store, ctx: &Ctx, shop: Address) -> Result<()> {
        s.visits += 1;
        if shop != ctx.sender {
            Shop::at(shop).visit(ctx.contract)?;
        }
        Ok(())
    }

    #[action]
    fn through(_s: &mut Store, shop: Address, to: Address, amount: U256) -> Result<U256> {
        Ok(Shop::at(shop).pay_out(to, amount)?)
    }

    #[view]
    fn paid(s: &Store) -> U256 {
        s.paid
    }

    #[view]
    fn stock(s: &Store, ctx: &Ctx) -> Result<U256> {
        Ok(Token::at(s.token).balance_of(ctx.contract)?)
    }
}

use shop::{Contract, Paid, calls};
use token::{Contract as TokenContract, Transfer, calls as token_calls};

/// A shop with so many tokens, and the token.
fn world(amount: u64) -> (World<Contract>, quartet::alloy_primitives::Address) {
    let host = user("host");
    // The token's address is known before it is deployed, as on a chain.
    let Ok(mut world) = World::<Contract>::deploy(100, host, &calls::open(user("token")));
    let Ok(token) = world.deploy_beside(host, &token_calls::mint(U256::from(amount)));
    assert_eq!(token, user("token"));
    let give = token_calls::transfer(world.address(), U256::from(amount));
    assert_eq!(
        world.call_at::<TokenContract, _>(token, host, &give),
        Ok(true)
    );
    (world, token)
}

fn balance(world: &World<Contract>, token: quartet::alloy_primitives::Address, of: &str) -> U256 {
    let Ok(balance) = world.view_at::<TokenContract, _>(token, &token_calls::balance_of(user(of)));
    balance
}

#[test]
fn a_contract_pays_with_another() {
    let (mut world, token) = world(100);
    let left = world.call(user("eve"), &calls::pay_out(user("ada"), U256::from(30)));
    assert_eq!(left, Ok(U256::from(70)));
    assert_eq!(balance(&world, token, "ada"), U256::from(30));
    assert_eq!(world.view(&calls::stock()), Ok(U256::from(70)));
    assert_eq!(
        world.events::<Paid>(),
        [Paid {
            left: U256::from(70)
        }]
    );
    let transfers = world.events_at::<Transfer>(token);
    assert_eq!(transfers.len(), 2);
    assert_eq!(
        (transfers[1].from, transfers[1].to),
        (world.address(), user("ada"))
    );
    assert!(
        world.events::<Transfer>().is_empty(),
        "those are of the other contract"
    );
}

#[test]
fn what_is_refused_on_either_side_is_undone_on_both() {
    let (mut world, token) = world(100);
    let refused = world.call(user("eve"), &calls::pay_out(user("ada"), U256::from(101)));
    assert_eq!(
        refused,
        Err(Message::from("the contract that was called refused"))
    );
    let refused = world.call(user("eve"), &calls::pay_out(user("ada"), U256::from(87)));
    assert_eq!(refused, Err(Message::from("unlucky")));
    assert_eq!(world.view(&calls::paid()), Ok(U256::ZERO));
    assert_eq!(balance(&world, token, "ada"), U256::ZERO);
    assert_eq!(world.events_at::<Transfer>(token).len(), 1);

    // A caller may go on: the other contract's writes are dropped all the same.
    let tried = world.call(user("eve"), &calls::try_out(user("ada"), U256::from(101)));
    assert_eq!(tried, Ok((U256::ZERO, Some(U256::from(100)))));
    assert_eq!(world.events_at::<Transfer>(token).len(), 1);
    let tried = world.call(user("eve"), &calls::try_out(user("ada"), U256::from(1)));
    assert_eq!(tried, Ok((U256::from(1), None)));
}

#[test]
fn every_reason_has_its_error() {
    let (mut world, _) = world(1);
    let other = world.deploy_beside(user("host"), &calls::open(user("token")));
    let Ok(other) = other;
    assert_ne!(other, world.address());
    let codes = world.call(user("eve"), &calls::errors(other));
    // The last but two: it visits itself; that but one: a token has no visitors.
    assert_eq!(codes, Ok(vec![5, 2, 3, 0, 1, 1, 6]));
}

#[test]
fn calls_go_through_several_contracts() {
    let (mut world, token) = world(10);
    let Ok(other) = world.deploy_beside(user("host"), &calls::open(token));
    let fund = calls::pay_out(other, U256::from(4));
    assert_eq!(world.call(user("eve"), &fund), Ok(U256::from(6)));
    let through = calls::through(other, user("ada"), U256::from(3));
    assert_eq!(world.call(user("eve"), &through), Ok(U256::from(1)));
    assert_eq!(balance(&world, token, "ada"), U256::from(3));
    assert_eq!(
        world.view(&calls::paid()),
        Ok(U256::from(4)),
        "the world's own"
    );
    let paid = world.view_at::<Contract, _>(other, &calls::paid());
    assert_eq!(paid, Ok(U256::from(3)));
    assert_eq!(world.events_at::<Paid>(other).len(), 1);
}

#[test]
fn other_contracts_run_by_themselves_too() {
    let (mut world, token) = world(10);
    assert_eq!(world.next_due(), Some(500));
    let charged =
        |world: &World<Contract>| world.view_at::<TokenContract, _>(token, &token_calls::charged());
    world.set_time(499);
    let pay = calls::pay_out(user("ada"), U256::from(2));
    assert_eq!(world.call(user("eve"), &pay), Ok(U256::from(8)));
    assert_eq!(charged(&world), Ok(0));
    world.advance_to(600);
    assert_eq!(charged(&world), Ok(1));
    assert_eq!(world.next_due(), None);
    assert!(world.timer_failures().is_empty());
}
